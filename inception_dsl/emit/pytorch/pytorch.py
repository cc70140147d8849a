"""Typed -> one PyTorch file: a class for each module, a line for each row of the paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import NamedTuple

from inception_dsl.analysis.cost import cost
from inception_dsl.emit.citation import citation, command
from inception_dsl.emit.python import camel, single_line, wrapped
from inception_dsl.emit.pytorch.class_names import HELPER_NAMES, free
from inception_dsl.emit.pytorch.helpers import helpers
from inception_dsl.emit.pytorch.init import initialise
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.pytorch.modules import TemplateClasses
from inception_dsl.emit.pytorch.network import ClassLine, network_class
from inception_dsl.emit.pytorch.table import RULES
from inception_dsl.emit.templates import template
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import compare_cells, comparison
from inception_dsl.spec.vocabulary.plugins import plugin_of
from inception_dsl.text.aligned import pad


class Written(NamedTuple):
    """A file: its text, the lines of the network's class, with which it ends, and what its other classes call."""

    text: str
    network: list[ClassLine]
    calls: Mapping[str, list[str]]


def source(typed: Typed, rebuild: str = "") -> str:
    """The network as a Python file that imports torch and nothing of ours; its first lines cite the command `rebuild`.

    In training, `forward` returns a NamedTuple of the logits and each head's output if there are heads; in evaluation,
    the logits. The names in the state_dict are those of `typed.weights`.
    """
    return write(typed, rebuild).text


def write(typed: Typed, rebuild: str = "") -> Written:
    """The file of `source`, with what its parts are about."""
    program = typed.program
    momenta = {node.op.momentum for node in typed.nodes if isinstance(node.op, BatchNorm)}
    name = class_name(program.name, program.title)
    layers = LayerPrinter(
        RULES,
        usual=usual_fields(typed),
        states_momentum=bool(momenta - {BatchNorm.momentum}),
        taken=HELPER_NAMES | {name},
    )
    classes = TemplateClasses(typed, layers, name)
    modules = classes.sources()
    lines = network_class(typed, layers, classes, name)
    network = "\n".join(line.text for line in lines)
    initialiser = initialise(typed)
    defined = helpers(layers)
    code = "\n".join([defined, *modules, initialiser, network])
    text = template("pytorch/pytorch.py").render(
        source=single_line(program.file),
        rebuild=single_line(rebuild or command(program.file)),
        plugins=", ".join(plugins_of(typed)),
        title=single_line(program.title),
        paper="\n".join(wrapped(single_line(citation(program.paper)))),
        table=docstring_table(typed),
        errata=list(errata(typed)),
        uses_math="math." in code,
        uses_torch="torch." in code,
        uses_functional="F." in code,
        uses_size=": Size" in code,
        uses_ordered_dict="OrderedDict(" in code,
        heads=typed.heads,
        helpers=defined,
        classes=modules,
        initialise=initialiser,
        network=network,
    )
    return Written(text, lines, classes.calls)


def plugins_of(typed: Typed) -> list[str]:
    """The distributions whose layers a network has, without their versions: another release changes no file."""
    offers = (plugin_of("layers", node.op.name) for node in typed.nodes)
    return sorted({offer.distribution for offer in offers if offer})


def class_name(network: str, title: str) -> str:
    """The name of the network's class, spelled as in its title (`GoogLeNet`) if the title begins with its name."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    plain = network.replace("_", "").lower()
    for n in range(1, len(words) + 1):
        if "".join(words[:n]).lower() == plain and words[0][0].isalpha():
            return free("".join(word[0].upper() + word[1:] for word in words[:n]), (), "Network")
    return free(camel(network), (), "Network")


def usual_fields(typed: Typed) -> dict[type[Op], dict[str, float]]:
    """The number that most ops of a class have in each of their fields, such as the epsilon of most batch norms."""
    found: dict[type[Op], dict[str, list[float]]] = {}
    for op in (node.op for node in typed.nodes if not node.op.depth):
        for field in fields(op):
            number = getattr(op, field.name)
            if isinstance(number, int | float) and not isinstance(number, bool):
                found.setdefault(type(op), {}).setdefault(field.name, []).append(number)
    return {
        kind: {name: max(sorted(set(numbers)), key=numbers.count) for name, numbers in of_kind.items()}
        for kind, of_kind in found.items()
    }


def docstring_table(typed: Typed) -> list[str]:
    """The paper's table as computed, for the docstring: output, parameters and multiply-adds of each row."""
    costs = cost(typed)
    rows = [("", "output", "parameters", "multiply-adds")]
    for name in (*typed.trunk, *typed.heads):
        row = costs.rows[name]
        rows.append((name, str(row.out), f"{row.params:,}" if row.params else "", f"{row.macs:,}" if row.macs else ""))
    heads = (("with heads", costs.total),) if typed.heads else ()
    for label, total in (("total", costs.trunk), *heads):
        rows.append((label, "", f"{total.params:,}", f"{total.macs:,}"))
    return ["    " + "  ".join(row).rstrip() for row in pad(rows, left=1)]


def errata(typed: Typed) -> Iterator[str]:
    """The errata of the paper, for the docstring; none at another image size than the paper's."""
    for verdict in compare_cells(typed) if typed.input == typed.program.input else ():
        if verdict.verdict == "erratum":
            text = f"{verdict.claim.row}, {verdict.claim.column}: {comparison(verdict)}: {verdict.reason}"
            yield from wrapped(single_line(text), "- ", "  ")
