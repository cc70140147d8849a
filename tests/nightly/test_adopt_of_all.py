"""All specs adopted from their ONNX files and from their modules of torch."""

from __future__ import annotations

from pathlib import Path

import pytest
from library_networks import empty
from test_adopt import adopted, check_round_trip

from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_file
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.files.builtin import spec_names
from inception_dsl.interchange.canonical import canonical
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.torch.reader import read_torch

NAMES = [name for name in spec_names() if not name.endswith("claims")]


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_adopted_from_its_onnx_file(name: str, tmp_path: Path) -> None:
    check_round_trip(name, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_adopted_from_its_torch_module(name: str) -> None:
    typed = at_size(compile_file(f"builtin:{name}"))
    module = empty(lambda: build(pytorch.source(typed), typed.program.name))
    found = adopted(read_torch(module, typed.input.shape, name))

    assert found.same
    assert canonical(of_spec(found.typed)).digest == canonical(of_spec(typed)).digest
