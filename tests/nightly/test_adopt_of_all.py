"""All specs adopted from their ONNX files and from their modules of torch, with the names of their writers and without.

Nothing here has values: modules are not initialised, and files have no weights. `test_adopt.py` compares values.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_mutants import scrambled
from library_networks import empty
from test_adopt import adopted
from test_interchange import without_names, written

from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_file
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.files.builtin import spec_names
from inception_dsl.interchange.canonical import canonical
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch

NAMES = [name for name in spec_names() if not name.endswith("claims")]


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_adopted_from_its_onnx_file(name: str, tmp_path: Path) -> None:
    file = onnx.model(at_size(compile_file(f"builtin:{name}")))

    assert adopted(read_onnx(written(file, tmp_path))).same
    assert adopted(read_onnx(written(without_names(file), tmp_path))).same


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_adopted_from_its_torch_module(name: str) -> None:
    typed = at_size(compile_file(f"builtin:{name}"))
    graph = read_torch(
        empty(lambda: build(pytorch.source(typed), typed.program.name)), typed.input.shape, name, heads=True
    )

    for read in (graph, scrambled(graph)):
        found = adopted(read)

        assert found.same
        assert canonical(of_spec(found.typed)).digest == canonical(of_spec(typed)).digest
