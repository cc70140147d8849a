"""`new` writes specs that hold: an empty one with every key of the language, and variants whose examples are true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runner import cli, in_folder

from inception_dsl import compiler
from inception_dsl.authoring.empty_spec import SECTIONS, empty_spec
from inception_dsl.authoring.variant import variant
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.network import load, loads
from inception_dsl.spec.models import Spec

EXAMPLE = re.compile(r"^# ", re.MULTILINE)


def body(text: str) -> str:
    """A new spec without the comment at its start."""
    return text.partition("\n\n")[2]


def test_an_empty_spec_holds() -> None:
    network = loads(empty_spec("small", "small.yaml"))

    assert network.name == "small" and network.check().verdicts and network.check().holds


def test_the_examples_of_an_empty_spec_hold_together() -> None:
    """Every line behind `# ` is a key, and all of them are one spec."""
    network = loads(EXAMPLE.sub("", body(empty_spec("small", "small.yaml"))))

    assert network.check().findings == () and list(network.typed.heads) == ["aux"]


def test_an_empty_spec_has_every_key_with_its_meaning() -> None:
    text = empty_spec("small", "small.yaml")
    models = [model.model_fields.items() for model in SECTIONS.values()]
    fields = [(field.alias or name, field.description) for keys in models for name, field in keys]

    assert {*Spec.model_fields} <= {name for name, _ in fields}
    for name, description in fields:
        assert re.search(rf"^[# ]*{name}: .*    # {re.escape(description or '')}$", text, re.MULTILINE), name


@pytest.mark.parametrize("base", ["googlenet", "googlenet_separable", "zoo/mobilenet_v2", "inception_resnet_v2"])
def test_a_variant_is_its_base(base: str) -> None:
    name = f"builtin:{base}.yaml"
    network = loads(variant("mine", "mine.yaml", name, compiler.load(name)))

    assert network.name == "mine" and network.check().holds
    assert network.cost().trunk == load(name).cost().trunk


def sections(text: str) -> Iterator[tuple[str, str, str]]:
    """The edits under `override` and `insert`: the verb, the kind of part, and the lines of that kind as YAML."""
    for block in EXAMPLE.sub("", body(text)).split("\n\n"):
        verb, *lines = block.splitlines()
        for part in re.split(r"\n(?=  \w)", "\n".join(lines)) if verb in ("override:", "insert:") else ():
            yield verb, part.strip().partition(":")[0], f"{verb}\n{part}\n"


@pytest.mark.parametrize("base", ["googlenet", "zoo/mobilenet_v2", "nasnet_a_large"])
def test_the_examples_of_a_variant_change_nothing(base: str) -> None:
    """Each kind of part, as a variant that edits it to what it is."""
    name = f"builtin:{base}.yaml"
    text = variant("mine", "mine.yaml", name, compiler.load(name))
    head, cost = text.partition("\n# input")[0], load(name).cost().trunk
    found = {kind: loads(head + yaml) for _, kind, yaml in sections(text)}

    assert {"rows", "modules", "defaults"} <= {*found}
    assert {kind: network.cost().trunk.params for kind, network in found.items()} == dict.fromkeys(found, cost.params)


def test_a_title_cannot_break_the_comment(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        '{network: a, input: 3x8x8, title: "x\\n- \\u0007y", layers: "name|layer\\n\\nfc|fc 10"}', encoding="utf-8"
    )
    (tmp_path / "b.yaml").write_text(
        variant("b", "b.yaml", "a.yaml", compiler.load(tmp_path / "a.yaml")), encoding="utf-8"
    )

    assert load(tmp_path / "b.yaml").name == "b"


def test_files_have_good_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = in_folder(tmp_path, monkeypatch, {"nets/base.yaml": empty_spec("base", "")})

    assert run("new", "first").output == "wrote first.yaml\n"
    beside = "it lies beside its base, which it extends; --out chooses another folder\n"
    assert run("new", "second", "--from", "nets/base.yaml").output == f"wrote nets/second.yaml\n{beside}"
    assert "extends: base.yaml" in Path("nets/second.yaml").read_text(encoding="utf-8")
    Path("specs").mkdir()
    assert run("new", "third.yaml", "--from", "builtin:nin").output == f"wrote {Path('specs/third.yaml')}\n"
    assert run("new", "fourth", "--from", "nets/base.yaml", "--out", ".").output == "wrote fourth.yaml\n"
    assert "extends: nets/base.yaml" in Path("fourth.yaml").read_text(encoding="utf-8")
    assert run("check", ".").exit_code == run("fmt", "--check", ".").exit_code == 0


def test_nothing_is_overwritten_unless_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = in_folder(tmp_path, monkeypatch, {"mine.yaml": "precious"})
    refused = run("new", "mine")

    assert refused.exit_code == 2 and "--force" in refused.output
    assert Path("mine.yaml").read_text(encoding="utf-8") == "precious"
    assert run("new", "mine", "--force").exit_code == 0 and cli("check", "mine.yaml").exit_code == 0


def test_what_cannot_be_started_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = in_folder(tmp_path, monkeypatch, {"nets/base.yaml": empty_spec("base", ""), "broken.yaml": "network: ["})

    assert "Try `n3x3`" in run("new", "3x3").output
    assert "cannot name a network" in run("new", "../escape").output
    outside = run("new", "mine", "--from", "nets/base.yaml", "--out", "other")
    assert outside.exit_code == 2 and "outside that folder" in outside.output
    assert run("new", "mine", "--from", "nets/base.yaml", "--out", "other", "--extend-outside").exit_code == 0
    assert 'extends: "../nets/base.yaml"' in Path("other/mine.yaml").read_text(encoding="utf-8")
    assert run("new", "mine", "--from", "broken.yaml").exit_code == 1
    assert run("new", "mine", "--from", "missing.yaml").exit_code == 2
    assert not Path("mine.yaml").exists()
    with pytest.raises(SpecError):
        compiler.load("broken.yaml")
