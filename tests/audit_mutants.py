"""Mutants: networks with one edit, and what an audit must say of them. Names are random before anything is compared.

Most are ONNX files of specs and of libraries, edited node by node (`mutants_of_onnx`); the others are modules of
libraries with a submodule replaced (`mutants_of_modules`). Every mutant says at which row its edit lies, by the name of
its node or module before names are lost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from inception_dsl.audit.audit import audit
from inception_dsl.compiler import at_size, compile_file, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.interchange.graph import Graph
from inception_dsl.ir.typed import Typed

BN_INCEPTION_OF_CADENE = "bn_inception_cadene"
"""BN-Inception as Cadene, and pytorchcv after him, have it: biases before batch norms, and a dense first layer."""

VARIANTS = {
    BN_INCEPTION_OF_CADENE: """\
extends: builtin:bn_inception
network: bn_inception_cadene
override:
  defaults: {conv: same bias bn relu eps=1e-5, avgpool: count_pad}
  rows: {conv1: {layer: conv 7x7/2 64}}
""",
}
"""Specs that a library's network fits, and that are not among the built-in ones."""


class Mutant(NamedTuple):
    """One edit of a network: the spec that the network had, the kind of the edit, and its place.

    `code` and `row` are what the audit must say.
    """

    spec: str
    kind: str
    place: str
    code: str
    row: str
    make: Callable[[Path], Graph]
    heads: bool = False

    @property
    def id(self) -> str:
        return f"{self.spec}-{self.kind}-{self.place}"


class Outcome(NamedTuple):
    """What an audit says of a mutant: whether it finds anything, and that at the right row with the right code."""

    found: bool
    located: bool
    findings: tuple[str, ...]


@cache
def typed_of(spec: str) -> Typed:
    if spec in VARIANTS:
        return at_size(compile_source(Source(f"{spec}.yaml", VARIANTS[spec])))
    return at_size(compile_file(f"builtin:{spec}"))


def judged(mutant: Mutant, folder: Path, known: frozenset[str] = frozenset()) -> Outcome:
    """Audit a mutant; findings that the network has before its edit are `known`."""
    found = audit(typed_of(mutant.spec), mutant.make(folder), heads=mutant.heads, inference=not mutant.heads)
    told = {text: finding for finding in found.findings if (text := summary(finding)) not in known}
    located = any(each.first.code == mutant.code and mutant.row in each.rows for each in told.values())
    return Outcome(bool(told), located, tuple(told))


def summary(finding: Any) -> str:
    first = finding.first
    return f"{first.code} {first.what}: {first.spec} -> {first.target} in {', '.join(finding.rows)}"


def findings_of(spec: str, graph: Graph, heads: bool = False) -> frozenset[str]:
    """What an audit says of a network as it is."""
    found = audit(typed_of(spec), graph, heads=heads, inference=not heads)
    return frozenset(map(summary, found.findings))


def scrambled(graph: Graph) -> Graph:
    """A graph under random names."""
    draw = random.Random(len(graph.nodes))  # noqa: S311 - names
    names: dict[str, str] = {}

    def name(old: str) -> str:
        return names.setdefault(old, f"v{draw.getrandbits(64):x}")

    nodes = [
        replace(
            node, name=name(f"node {node.name}"), scope="", weights={key: name(v) for key, v in node.weights.items()}
        )
        for node in graph.nodes
    ]
    outputs = {name(key): end for key, end in graph.outputs.items()}
    return replace(graph, nodes=tuple(nodes), outputs=outputs, classes={})


# --- the networks of libraries ----------------------------------------------------------------------------------------

NO_DROPOUT = frozenset({"E513 layer: dropout 20% -> none in drop"})
"""timm's networks have no dropout by default."""


class Port(NamedTuple):
    """A library's network, its spec, where a row ends in the names of its modules, and what is known of it."""

    spec: str
    make: Callable[[], nn.Module]
    row: Callable[[str], str]
    known: frozenset[str] = frozenset()

    def module(self, device: str = "cpu") -> nn.Module:
        """The network, with weights that nobody has drawn."""
        with torch.device("meta"):
            net = self.make().eval()
        return net if device == "meta" else net.to_empty(device=device)


def rows_of(prefixes: Mapping[str, str]) -> Callable[[str], str]:
    """The row of a module: that of the longest prefix of its name; "" for none."""

    def row(name: str) -> str:
        known = [prefix for prefix in prefixes if name == prefix or name.startswith(f"{prefix}.")]
        return prefixes[max(known, key=len)] if known else ""

    return row


def same(*names: str) -> dict[str, str]:
    """Modules that are called as their row is."""
    return {name: name for name in names}


def ports() -> list[Port]:
    """The networks of libraries that are edited."""
    import torchvision

    found = [
        Port(
            "googlenet_torchvision",
            lambda: torchvision.models.googlenet(weights=None, aux_logits=True, init_weights=False),
            rows_of(
                {f"inception{name}": f"inception_{name}" for name in "3a 3b 4a 4b 4c 4d 4e 5a 5b".split()}
                | {f"maxpool{number}": f"pool{number}" for number in range(1, 5)}
                | {"conv3": "conv2", "dropout": "drop"}
                | same("conv1", "conv2", "fc", "aux1", "aux2")
            ),
        ),
        Port(
            "inception_v3_torchvision",
            lambda: torchvision.models.inception_v3(weights=None, aux_logits=True, init_weights=False),
            rows_of(
                {f"Mixed_{name}": f"mixed_{name}" for name in "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c".split()}
                | {"AuxLogits": "aux", "dropout": "drop", "fc": "fc"}
            ),
        ),
        Port(
            "resnet50_torchvision",
            lambda: torchvision.models.resnet50(weights=None),
            rows_of({"bn1": "conv1"} | {f"layer{i}": f"conv{i + 1}_x" for i in range(1, 5)} | same("conv1", "fc")),
        ),
    ]
    with suppress(ImportError):
        import timm

        found += [
            Port(
                "inception_v4",
                lambda: timm.create_model("inception_v4"),
                rows_of(
                    {f"features.{i}": "stem" for i in range(6)}
                    | {f"features.{i}": "inception_a" for i in range(6, 10)}
                    | {f"features.{i}": "inception_b" for i in range(11, 18)}
                    | {f"features.{i}": "inception_c" for i in range(19, 22)}
                    | {"features.10": "reduction_a", "features.18": "reduction_b", "last_linear": "fc"}
                ),
                NO_DROPOUT,
            ),
            Port(
                "inception_resnet_v2",
                lambda: timm.create_model("inception_resnet_v2"),
                rows_of(
                    {f"conv2d_{name}": f"conv{name}" for name in "1a 2a 2b 3b 4a 7b".split()}
                    | {f"maxpool_{name}": f"maxpool{name}" for name in "3a 5a".split()}
                    | {"repeat": "block35", "repeat_1": "block17", "repeat_2": "block8", "block8": "block8_linear"}
                    | {"classif": "fc"}
                    | same("mixed_5b", "mixed_6a", "mixed_7a")
                ),
                NO_DROPOUT,
            ),
        ]
    with suppress(ImportError):
        from pytorchcv.model_provider import get_model

        units = {1: "3a 3b", 2: "3c 4a 4b 4c 4d", 3: "4e 5a 5b"}
        found.append(
            Port(
                BN_INCEPTION_OF_CADENE,
                lambda: get_model("bninception"),
                rows_of(
                    {
                        f"features.stage{stage}.unit{unit}": f"inception_{name}"
                        for stage, names in units.items()
                        for unit, name in enumerate(names.split(), 1)
                    }
                    | {f"features.init_block.{part}{i}": f"{part}{i}" for part in ("conv", "pool") for i in (1, 2)}
                    | {"features.final_pool": "pool", "output": "fc"}
                ),
            )
        )
    return found
