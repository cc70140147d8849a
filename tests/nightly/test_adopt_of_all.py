"""All specs adopted from their ONNX files and from their modules of torch, with the names of their writers and without.

Nothing here has values: modules are not initialised, and files have no weights. `test_adopt.py` compares values.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from library_networks import empty
from test_adopt import adopted
from test_interchange import without_names as nameless
from test_interchange import written

from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_file
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.files.builtin import spec_names
from inception_dsl.interchange.canonical import canonical
from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch

NAMES = [name for name in spec_names() if not name.endswith("claims")]


def without_names(graph: Graph) -> Graph:
    """A graph under random names, without the modules of its source."""
    draw = Random(len(graph.nodes))  # noqa: S311 - names
    names: dict[str, str] = {}

    def name(old: str) -> str:
        return names.setdefault(old, f"v{draw.getrandbits(64):x}")

    nodes = (
        replace(
            node,
            name=name(f"node {node.name}"),
            weights={key: name(weight) for key, weight in node.weights.items()},
            scope="",
        )
        for node in graph.nodes
    )
    return replace(graph, source="anonymous", nodes=tuple(nodes), classes={})


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_adopted_from_its_onnx_file(name: str, tmp_path: Path) -> None:
    file = onnx.model(at_size(compile_file(f"builtin:{name}")))

    assert adopted(read_onnx(written(file, tmp_path))).same
    assert adopted(read_onnx(written(nameless(file), tmp_path))).same


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_adopted_from_its_torch_module(name: str) -> None:
    typed = at_size(compile_file(f"builtin:{name}"))
    graph = read_torch(
        empty(lambda: build(pytorch.source(typed), typed.program.name)), typed.input.shape, name, heads=True
    )

    for read in (graph, without_names(graph)):
        found = adopted(read)

        assert found.same
        assert canonical(of_spec(found.typed)).digest == canonical(of_spec(typed)).digest
