"""Plugins for tests: the worked one, installed as pip installs it, and others that a test makes up."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hatchling import build

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.network import loads
from inception_dsl.plugins import offers
from inception_dsl.spec.vocabulary import plugins
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.words import ADDED, WORDS

SWISH = Path(__file__).parent / "inception_swish"
CUBE = "network: cubed\ninput: 3x8x8\nlayers: |\n  name | layer\n  a | conv 1x1 4 -> cube\n"
"""A spec with a layer that no distribution offers but those that tests make up."""


def install_swish(site: Path) -> None:
    """Build the wheel of the worked plugin, and unpack it."""
    with chdir(SWISH):
        wheel = build.build_wheel(str(site))
    with ZipFile(site / wheel) as archive:
        archive.extractall(site)


def install(site: Path, name: str, points: Mapping[str, Mapping[str, str]], source: str = "") -> None:
    """Write a distribution with entry points, `{group: {name: object}}`, and a module of its own."""
    about = site / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        line
        for group, objects in points.items()
        for line in (f"[inception_dsl.{group}]", *(f"{key} = {value}" for key, value in objects.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join([*lines, ""]))
    (site / f"{name.replace('-', '_')}.py").write_text(source)


@contextmanager
def installed(site: Path) -> Iterator[None]:
    """With the distributions of a folder; afterwards all is as it was."""
    tables: list[dict[Any, Any]] = [LAYERS, WORDS, ADDED, plugins.FOUND]
    before, modules = [dict(table) for table in tables], {*sys.modules}
    sys.path.insert(0, str(site))
    offers.forget()
    try:
        yield
    finally:
        sys.path.remove(str(site))
        offers.forget()
        for table, old in zip(tables, before, strict=True):
            table.clear()
            table.update(old)
        for name in {*sys.modules} - modules:
            if str(site) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


def codes(text: str) -> list[tuple[str, str]]:
    """What is wrong with a spec."""
    with pytest.raises(SpecError) as caught:
        loads(text).cost()
    return [(diagnostic.code, diagnostic.message) for diagnostic in caught.value.diagnostics]
