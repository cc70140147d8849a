"""The words of the language: what is printed of them is what they do, and no advice says another network."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

import pytest
from builders import OPS
from click.testing import CliRunner

from inception_dsl.cli.main import main
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.elaborate.printer import print_program
from inception_dsl.emit import catalogue
from inception_dsl.ir import values
from inception_dsl.ir.op import Op
from inception_dsl.ir.program import Program
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Width
from inception_dsl.runner.base.settings import CHOICES
from inception_dsl.spec import elsewhere
from inception_dsl.spec.init import DISTRIBUTIONS
from inception_dsl.spec.models import optional_keys
from inception_dsl.spec.vocabulary.entry import LayerEntry, Word
from inception_dsl.spec.vocabulary.layers import LAYERS, STRIDE
from inception_dsl.spec.vocabulary.operators import FUNCTIONS, OPERATORS
from inception_dsl.spec.vocabulary.words import SIDES, WORDS
from inception_dsl.syntax import algebra

KEYS = optional_keys()

SMALLEST = {"conv": "conv 3x3 6 same", "maxpool": "maxpool 3x3 same", "avgpool": "avgpool 3x3 same", "lrn": "lrn 5"}
SMALLEST |= {"conv_transpose": "conv_transpose 3x3/2 6 pad=1"}
SMALLEST |= {"channel_conv": "channel_conv 3 same"}
SMALLEST |= {"unpool": "a: pass -> maxpool 3x3 same -> unpool 3x3 same pooled=@a"}
SMALLEST |= {"dropout": "dropout 40%", "fc": "fc 6", "gn": "gn 3", "resize": "resize 2", "slice": "slice 2"}
SMALLEST |= {"permute": "permute HCW"}
"""Of each layer that takes sizes, one without any word that has a default."""


def network(formula: str, keys: str = "") -> Typed:
    """A network of one formula."""
    text = f"network: tiny\ninput: 12x12x12\n{keys}\nlayers: |\n  name | layer\n  row | [{formula}]\n"
    return at_size(compile_source(Source("spec.yaml", text)))


def ops(formula: str) -> list[Op]:
    return [node.op for node in network(formula).nodes]


@pytest.mark.parametrize(
    ("layer", "default"),
    [(name, default) for name, layer in LAYERS.items() for default in layer.defaults.values()],
)
def test_a_default_is_what_holds_where_nothing_is_written(layer: str, default: str) -> None:
    """Each default, written, changes nothing; and the opposite of it does, so that it could."""
    bare = SMALLEST.get(layer, layer)
    after = {"eps": " bn", "gamma": " bn", "momentum": " bn", "per_channel": " prelu"}
    bare += after.get(default.partition("=")[0], "") if layer in ("conv", "conv_transpose", "fc") else ""
    word, _, value = default.partition("=")
    other = {"none": word if WORDS[word].alone else f"{word}={'bn' if word == 'norm' else 'relu'}", "": f"{word}=none"}
    others = {
        "skip_pad": "count_pad",
        "nearest": "bilinear",
        "alpha": "alpha=3",
        "beta": "beta=3",
        "k": "k=3",
        "eps": "eps=3",
        "momentum": "momentum=0.5",
    }
    others |= {
        "groups": "groups=3",
        "dilation": "dilation=3",
        "output_padding": "output_padding=1",
        "start": "start=3",
        "kernels": "kernels=2",
    }

    assert ops(f"{bare} {default}") == ops(bare)
    assert ops(f"{bare} {others.get(word) or other[value]}") != ops(bare)


@pytest.mark.parametrize("layer", [name for name, layer in LAYERS.items() if layer.kernel])
def test_the_stride_that_is_not_written(layer: str) -> None:
    plain = SMALLEST[layer].replace("3x3/2", "3x3")
    assert ops(plain.replace("3x3", f"3x3/{STRIDE}")) == ops(plain)
    assert ops(plain.replace("3x3", "3x3/2")) != ops(plain)


def test_the_defaults_of_keys() -> None:
    """`classes`, `loss_weight` and `title` are what `ops` says where a spec leaves them out."""
    program = network("fc {classes}", "heads:\n  aux: {from: row, graph: pass}").program

    assert program.env == {"classes": int(KEYS["classes"].default)}
    assert [head.loss_weight for head in program.heads] == [float(KEYS["heads.*.loss_weight"].default)]
    assert program.title == program.name == "tiny"


def test_every_op_is_a_layer_a_word_or_an_operator() -> None:
    """Nothing that a network is made of is missing in the vocabulary; words are no layers that there are not."""
    written = {op for layer in LAYERS.values() for op in layer.ops}
    written |= {word.op for word in WORDS.values() if word.op}
    written |= {operator.op for operator in OPERATORS.values() if operator.op}

    assert written == set(OPS)
    assert {word for layer in LAYERS.values() for word in layer.words} == WORDS.keys()
    assert FUNCTIONS.keys() == values.FUNCTIONS.keys()
    assert not LAYERS.keys() & {"scale", "concat", "add"}


@dataclass(frozen=True)
class Bent(Op):
    """An op that the language does not have."""

    name = "bent"
    slope: float = 0.01
    groups: Width = 1
    inplace: bool = False


@pytest.mark.parametrize("written", ["bent", "bent slope=0.3", "bent groups={in} inplace slope=0"])
def test_a_new_op_is_a_class_and_entries_of_the_vocabulary(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its fields are read from the words called like them, and printed, without a line elsewhere."""
    words = frozenset({"slope", "groups", "inplace"})
    conv = LAYERS["conv"]
    monkeypatch.setitem(LAYERS, "bent", LayerEntry("bent", (Bent,), words=words))
    monkeypatch.setitem(LAYERS, "conv", conv._replace(words=conv.words | {"bent"}))
    monkeypatch.setitem(WORDS, "slope", Word("is the slope below 0", value="number", alone=False))
    monkeypatch.setitem(WORDS, "inplace", Word("writes over its input", choices=("none",)))
    monkeypatch.setitem(WORDS, "bent", Word("adds a bent ReLU after it", "act", op=Bent))
    head = "network: tiny\ninput: 4x8x8\nmodules:\n  m: {columns: [g], graph: 'bent groups={g}'}\nlayers: |\n"
    rows = ("name | layer", f"a | {written}", "b | m g=2", "c | m g=4", "d | conv 1x1 4 groups=2 bent")
    program = compile_source(Source("x.yaml", head + "".join(f"  {row}\n" for row in rows)))

    def ops(of: Program) -> list[Op]:
        return [node.op for node in at_size(of).nodes]

    bent = Bent(0.0 if "slope=0 " in f"{written} " else 0.3 if "slope" in written else 0.01)
    assert ops(program)[0] == replace(bent, groups=4 if "groups" in written else 1, inplace="inplace" in written)
    assert [node.op for node in at_size(program).of("b", "c")] == [Bent(groups=2), Bent(groups=4)]
    assert list(program.templates) == ["m"], "a word that sets a width does not shape a module"
    assert ops(program)[-1] == Bent(), "the groups are those of the convolution"
    assert ops(compile_source(Source("again.yaml", print_program(program)))) == ops(program)


def test_the_defaults_of_a_layer_are_of_its_words() -> None:
    for name, layer in LAYERS.items():
        slots = {WORDS[word].slot or word for word in layer.words} - {layer.required}

        assert layer.defaults.keys() <= slots, name
        plain = {"padding", "ceil", "extent", "align_corners", "reflect", "pooled", *SIDES}
        assert slots - layer.defaults.keys() <= plain, name


@pytest.mark.parametrize("written", OPERATORS)
def test_an_operator_is_written_so(written: str) -> None:
    """The examples of operators are formulas."""
    algebra.parse_formula(f"conv 1x1 {written}" if written.startswith("{") else written)


def test_rounding() -> None:
    """Half up, to a multiple where one is given, as `ops` says."""
    given = {"round(2.5)": 3, "round(20.0, 8)": 24, "ceil(2.1)": 3, "ceil(17, 8)": 24, "floor(2.9)": 2}

    for formula, width in {**given, "min(3, 2)": 2, "max(3, 2, 1)": 3}.items():
        assert network(f"conv 1x1 {{{formula}}}").out("row").channels == width


ADVICE = sorted(
    {*elsewhere.FOREIGN_LAYERS.values(), *elsewhere.FOREIGN_WORDS.values(), *elsewhere.SWITCHED_OFF.values()}
)


@pytest.mark.parametrize("hint", ADVICE)
def test_what_is_advised_can_be_written(hint: str) -> None:
    """Each formula in an advice compiles, and each word is one that some layer takes."""
    for written in re.findall("`(.+?)`", hint):
        first = re.split("[ =]", written)[0]
        if first in WORDS and (first not in LAYERS or "=" in written):
            layer = next(name for name, layer in LAYERS.items() if first in layer.words)
            algebra.parse_formula(f"{layer} {written}")
        elif written not in "+|" and written != "defaults":
            formula = f"conv {written} 6" if re.match(r"\d+x\d", written) else written
            formula = f"conv 1x1 {written}" if written.startswith("{") else formula.replace("gn 32", "gn 3")
            assert network(formula, "defaults: {conv: same, maxpool: same}").nodes or formula == "pass"


@pytest.mark.parametrize("word", elsewhere.SWITCHED_OFF)
def test_a_word_that_is_switched_off_is_not_advised_as_if_on(word: str) -> None:
    """`count_include_pad=False` is not `count_pad`, whatever stands for it where it is on."""
    assert elsewhere.SWITCHED_OFF[word] != elsewhere.FOREIGN_WORDS[word]


@pytest.mark.parametrize(
    "word", [word for word, hint in elsewhere.FOREIGN_WORDS.items() if re.fullmatch("write `[a-z_]+`", hint)]
)
def test_a_word_that_can_be_off_says_what_off_is(word: str) -> None:
    assert word in elsewhere.SWITCHED_OFF


def test_no_word_of_the_language_is_reported_as_unknown() -> None:
    assert not elsewhere.INIT.keys() & {name.replace("_", "") for name in DISTRIBUTIONS}
    assert not elsewhere.FOREIGN_VALUES.keys() & set(CHOICES["optim.name"] + CHOICES["augment.interpolation"])
    assert not elsewhere.FOREIGN_LAYERS.keys() & {name.replace("_", "") for name in LAYERS}
    assert not elsewhere.FOREIGN_WORDS.keys() & {name.replace("_", "") for name in WORDS}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *[("conf", "conv"), ("cnov", "conv"), ("con", "conv"), ("convv", "conv"), ("Conv", "conv"), ("fcc", "fc")],
        *[("max_pool", "maxpool"), ("maxpol", "maxpool"), ("MaxPool2d", "maxpool"), ("avgpoool", "avgpool")],
        *[("rleu", "relu"), ("reul", "relu"), ("ReLU", "relu"), ("dorpout", "dropout"), ("sofmtax", "softmax")],
    ],
)
def test_a_slip_of_the_keyboard_is_mended(word: str, meant: str) -> None:
    assert elsewhere.suggest(word, LAYERS) == f"did you mean `{meant}`?"


OTHERS = "crelu selu celu deconv convt xconv pconv myconv conv1d conv3d minpool sumpool softmin softplus"
OTHERS += " dropout2d grn lstm batchnorm linear dense add cat c1 conv1 pool1 inception bn2 fc6"


@pytest.mark.parametrize("word", [*OTHERS.split(), "relu1", "unflatten", "bypass", "compass", "avg"])
def test_no_suggestion_means_something_else(word: str) -> None:
    """What is another thing elsewhere, or the name of a thing, is never taken for a slip."""
    assert "did you mean" not in elsewhere.suggest(word, LAYERS)


@pytest.mark.parametrize("word", ["crelu", "selu", "full", "pads", "pad1", "eps1", "xsame"])
def test_no_suggestion_of_a_word_means_something_else(word: str) -> None:
    assert "did you mean" not in elsewhere.suggest(word, WORDS, elsewhere.FOREIGN_WORDS)


@pytest.mark.parametrize(
    ("value", "known", "hint"),
    [
        (
            "adam",
            "sgd rmsprop adamw",
            "the language does not support it; its optimisers are `sgd`, `rmsprop` and `adamw`",
        ),
        ("inception-v2", "inception-v3-paper inception-v4-paper", ""),
        ("inception-v3-papr", "inception-v3-paper inception-v4-paper", "did you mean `inception-v3-paper`?"),
        ("center", "centre central whole", "did you mean `centre`?"),
    ],
)
def test_no_suggestion_of_a_choice_means_something_else(value: str, known: str, hint: str) -> None:
    assert elsewhere.suggest(value, known.split(), elsewhere.FOREIGN_VALUES) == hint


def printed(*arguments: str) -> str:
    """What a command prints, where it ends well."""
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_ops_prints_all_of_the_language() -> None:
    """Every layer, word, operator, function and key, with every default."""
    text = printed("ops")
    defaults = {default for layer in LAYERS.values() for default in layer.defaults.values()}
    names = [*LAYERS, *WORDS, *OPERATORS, *FUNCTIONS, *KEYS]

    assert [
        name
        for name in names
        if not re.search(rf"^{re.escape(name)}\b", text + "\n", re.MULTILINE) and name[0].isalpha()
    ] == []
    assert [default for default in defaults if default not in text] == []
    assert [key.default for key in KEYS.values() if key.default not in text] == []
    assert "Backends: PyTorch, ONNX" in text
    assert max(map(len, text.splitlines())) <= catalogue.MAX_LINE


def test_ops_of_one_word() -> None:
    lrn, same, bias = printed("ops", "lrn"), printed("ops", "same"), printed("ops", "bias")

    assert "alpha / size * sum of x^2" in lrn
    assert all(default in lrn for default in ("alpha=0.0001", "beta=0.75", "k=1"))
    assert "Excludes: same_upper, valid, pad." in same
    assert re.search(r"^conv +bias=none\nconv_transpose +bias=none\nfc +bias$", bias, re.MULTILINE)
    assert "stride" in printed("ops", "maxpool")
    assert "joined along channels" in printed("ops", "|")
    assert "a half up" in printed("ops", "round")
    assert "1000" in printed("ops", "classes")
    assert "1.0" in printed("ops", "loss_weight")


def test_ops_for_machines() -> None:
    """The same as data."""
    listing = json.loads(printed("ops", "--format", "json"))["result"]

    assert listing["layers"]["bn"]["words"] == {"gamma": "gamma", "eps": "eps=0.001", "momentum": "momentum=0.1"}
    assert listing["words"]["norm"]["values"] == "norm=none or norm=bn or norm=ln"
    assert listing["words"]["leaky"]["excludes"][:2] == ["relu", "relu6"]
    off = dict.fromkeys(("conv", "conv_transpose", "channel_conv"), "bias=none")
    assert listing["words"]["bias"]["defaults"] == {**off, "fc": "bias", "affine": "bias"}
    assert listing["layers"]["conv"]["sizes"]["/S"]["default"] == "1"
    assert listing["operators"]["a | b"]["backends"] == ["PyTorch", "ONNX"]
    assert listing["keys"]["classes"]["default"] == "1000"
    assert listing == json.loads(json.dumps(catalogue.entries()))
    assert json.loads(printed("ops", "eps", "--format", "json"))["result"] == {
        "words": {"eps": listing["words"]["eps"]}
    }


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("concat", "Concatenate branches with `|`"),
        ("scale", "`0.17 * "),
        ("selu", "`relu`"),
        ("cnov", "Did you mean `conv`"),
    ],
)
def test_ops_says_what_there_is_in_place_of_a_word(name: str, instead: str) -> None:
    done = CliRunner().invoke(main, ["ops", name])

    assert done.exit_code == 2
    assert instead in done.output
