"""Typed -> one PyTorch file: a class per module, a line per row of the paper, nothing of ours to import."""

from __future__ import annotations

import re
from collections.abc import Iterator

from inception_dsl.analysis.cost import cost
from inception_dsl.emit.citation import citation, command
from inception_dsl.emit.python import Call as New
from inception_dsl.emit.python import camel, layout, literal, prose, signature, wrapped
from inception_dsl.emit.pytorch.init import initialise
from inception_dsl.emit.pytorch.layers import Speller, free
from inception_dsl.emit.pytorch.modules import Classes
from inception_dsl.emit.pytorch.network import network_class
from inception_dsl.emit.templates import template
from inception_dsl.ir.ops import BatchNorm
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import compare_cells, comparison
from inception_dsl.text.aligned import pad

CONV = ("in_channels: int", "out_channels: int", "kernel: Size")
JOINS = (
    (
        "Concat",
        "The branches side by side, joined along the channels.",
        "torch.cat([branch(x) for branch in self.values()], 1)",
    ),
    ("Add", "The sum of the branches.", "sum(branch(x) for branch in self.values())"),
)
LINEARS = {
    "LinearReLU": ("Fully connected layer, then ReLU.", "F.relu(super().forward(x))"),
    "FlattenLinear": ("Fully connected layer over an image, as one vector.", "super().forward(x.flatten(1))"),
    "FlattenLinearReLU": (
        "Fully connected layer over an image, as one vector; then ReLU.",
        "F.relu(super().forward(x.flatten(1)))",
    ),
}


def source(typed: Typed, rebuild: str = "") -> str:
    """The network as a Python file that imports torch and nothing of ours; its head cites the command `rebuild`.

    In training, `forward` gives a NamedTuple of the logits and each head's; in evaluation, the logits. The names in
    its state_dict are `typed.weights`.
    """
    program = typed.program
    speller = Speller(eps=usual_eps(typed))
    name = class_name(program.name, program.title)
    classes = Classes(typed, speller, name)
    modules = classes.sources()
    network = network_class(typed, speller, classes, name)
    begin = initialise(typed)
    code = "\n".join([*modules, begin, network])
    helpers = speller.helpers
    convs = [_conv(name, speller) for name in sorted(helpers) if re.fullmatch("(Same)?Conv((Beta)?BN)?(ReLU)?", name)]
    if any(conv["base"] == "SameConv2d" for conv in convs):
        helpers.add("SameConv2d")
    pools = {"SameMaxPool2d", "SameAvgPool2d"} & helpers
    return template("pytorch/pytorch.py").render(
        source=prose(program.file),
        rebuild=prose(rebuild or command(program.file)),
        title=prose(program.title),
        name=prose(program.title),
        paper="\n".join(wrapped(prose(citation(program.paper)))),
        table=table(typed),
        errata=list(errata(typed)),
        uses_math="math." in code,
        uses_ordered_dict="OrderedDict(" in code,
        uses_size=bool(pools) or any(conv["bn"] for conv in convs),
        uses_torch="torch." in code or bool({"Concat", "SameAvgPool2d"} & helpers),
        uses_functional="F." in code
        or bool(convs or pools or {"LinearReLU", "FlattenLinearReLU", "SameConv2d"} & helpers),
        heads=typed.heads,
        same=bool(pools or {"SameConv2d"} & helpers),
        helpers=helpers,
        convs=convs,
        eps=speller.eps,
        linears=[{"name": name, "doc": doc, "code": text} for name, (doc, text) in LINEARS.items() if name in helpers],
        joins=[join for join in JOINS if join[0] in helpers],
        classes=modules,
        initialise=begin,
        network=network,
    )


def class_name(network: str, title: str) -> str:
    """The network's class: as its title writes it (`GoogLeNet`), where the title begins with its name."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    plain = network.replace("_", "").lower()
    for n in range(1, len(words) + 1):
        if "".join(words[:n]).lower() == plain and words[0][0].isalpha():
            return free("".join(word[0].upper() + word[1:] for word in words[:n]), (), "Network")
    return free(camel(network), (), "Network")


def usual_eps(typed: Typed) -> float:
    """The epsilon of most batch norms."""
    all_eps = [node.op.eps for node in typed.nodes if isinstance(node.op, BatchNorm)]
    return max(sorted(set(all_eps)), key=all_eps.count) if all_eps else BatchNorm().eps


def table(typed: Typed) -> list[str]:
    """The paper's table as inferred, for the file's docstring: output, parameters and multiply-adds of every row."""
    costs = cost(typed)
    rows = [("", "output", "parameters", "multiply-adds")]
    for name in (*typed.trunk, *typed.heads):
        each = costs.rows[name]
        rows.append(
            (name, str(each.out), f"{each.params:,}" if each.params else "", f"{each.macs:,}" if each.macs else "")
        )
    heads = (("with heads", costs.total),) if typed.heads else ()
    for label, total in (("total", costs.trunk), *heads):
        rows.append((label, "", f"{total.params:,}", f"{total.macs:,}"))
    return ["    " + "  ".join(row).rstrip() for row in pad(rows, left=1)]


def _conv(name: str, speller: Speller) -> dict[str, str | bool]:
    """What the template prints of a convolution's helper class; with a norm, it takes the options that are used."""
    base = "SameConv2d" if name.startswith("Same") else "nn.Conv2d"
    norm = "BetaBatchNorm2d" if "Beta" in name else "nn.BatchNorm2d"
    eps = literal(speller.eps)
    known = {"stride": "Size = 1", "padding": "Size = 0", "dilation": "Size = 1", "groups": "int = 1"}
    known |= {"bias": "bool = False", "eps": f"float = {eps}"}
    used = [option for option in known if option in speller.options]
    init = signature([*CONV, *(f"{option}: {known[option]}" for option in used)])
    passed = ["in_channels", "out_channels", "kernel", *(f"{each}={each}" for each in used if each != "eps")]
    conv = New(base, (*passed, *(() if "bias" in used else ("bias=False",))))
    made = New(norm, ("out_channels", "eps" if "eps" in used else f"eps={eps}"))
    return {
        "name": name,
        "base": base,
        "bn": "BN" in name,
        "beta": "Beta" in name,
        "relu": "ReLU" in name,
        "init": init,
        "conv": layout(conv, 8, len("self.conv = ")),
        "norm": str(made),
    }


def errata(typed: Typed) -> Iterator[str]:
    """The paper's errors, for the file's docstring; none at a size that its numbers are not for."""
    for held in compare_cells(typed) if typed.input == typed.program.input else ():
        if held.verdict == "erratum":
            text = f"{held.claim.row}, {held.claim.column}: {comparison(held)}: {held.reason}"
            yield from wrapped(prose(text), "- ", "  ")
