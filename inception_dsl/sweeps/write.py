"""Variants of a sweep as specs: each extends the swept spec, and sets its settings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inception_dsl.diagnostics.codes.extends import INVALID_BASE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import builtin, output, paths
from inception_dsl.ir import names
from inception_dsl.sweeps.sweep import Sweep
from inception_dsl.sweeps.variant import Variant, shown
from inception_dsl.syntax.yaml_printer import dump


def chosen(front: Sequence[Variant], count: int) -> list[Variant]:
    """At most `count` variants of a front, evenly spaced in its order, the first and the last among them."""
    if count >= len(front):
        return [*front]
    step = (len(front) - 1) / max(count - 1, 1)
    return [front[round(index * step)] for index in range(count)]


def write_variants(sweep: Sweep, variants: Sequence[Variant], out: Path) -> list[Path]:
    """Write each variant as a spec `NETWORK_SETTING_VALUE.yaml` in a folder, which holds the swept spec, or lies above.

    Raises `SpecError` E120 for a folder from which a spec cannot extend the swept one, E006 for a file that cannot be
    written or is there already, with another content.
    """
    base = extendable(sweep.path, out)
    files: dict[str, bytes] = {}
    taken: set[str] = set()
    for variant in variants:
        name = _name(sweep.spec.network, variant, taken)
        taken.add(name)
        files[f"{name}.yaml"] = spec_of(sweep, variant, name, base).encode()
    for name, content in files.items():
        if output.content_of(out / name) not in (None, content):
            raise paths.unwritable(
                out / name, "another file is there; move it away, or choose another folder with --out"
            )
    return output.write(files, out)


def spec_of(sweep: Sweep, variant: Variant, name: str, base: str) -> str:
    """The text of a variant's spec, which extends the spec at `base`."""
    trunk = variant.cost.trunk
    channels = sweep.spec.input[0]
    data: dict[str, Any] = {
        "extends": base,
        "network": name,
        "title": f"{sweep.spec.title}, {sweep.label(variant.values)}",
        "input": f"{channels}x{variant.size[0]}x{variant.size[1]}" if variant.size else None,
        "override": {"settings": variant.settings} if variant.settings else None,
    }
    return (
        f"# {trunk.params:,} parameters, {trunk.macs:,} multiply-adds, {trunk.activations:,} activations\n{dump(data)}"
    )


def _name(network: str, variant: Variant, taken: set[str]) -> str:
    """A name for a variant's network: `googlenet_width_0_5`, or with a number where that is too long."""
    words = " ".join(f"{name} {shown(value)}" for name, value in zip(variant.names, variant.values, strict=True))
    name = names.from_column(f"{network} {words}", taken)
    return name if len(name) <= names.MAX_NAME else names.from_column(f"{network[:40]} variant {len(taken) + 1}", taken)


def extendable(path: str, out: Path) -> str:
    """What a spec in a folder extends, to extend the spec at a path. Raises `SpecError` E120 where it cannot."""
    full = builtin.full(path)
    if full.startswith(builtin.PREFIX):
        return full
    relative = os.path.relpath(path, out).replace(os.sep, "/")
    if relative.startswith("../"):
        message = f"a spec in `{out}` cannot extend `{path}`, which is not in this folder or below"
        hint = f"choose `--out {os.path.dirname(path) or '.'}`, or a folder above it"
        raise SpecError([Diagnostic(INVALID_BASE, message, help=hint)])
    return relative
