"""The whole story: a spec is read, elaborated, rewritten, lowered, held against its paper, and emitted as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from inception_dsl import passes, published, verify
from inception_dsl.diagnostics import Diagnostic, Source, SpecError
from inception_dsl.elaborate import elaborate
from inception_dsl.ir import Program, Typed
from inception_dsl.lower import lower
from inception_dsl.shapes import Pair
from inception_dsl.spec import read
from inception_dsl.syntax import source as sources
from inception_dsl.syntax import yaml


def compile_source(source: Source, until: str = "") -> Program:
    """A spec's text as a program, after the passes (up to and with the one called `until`). Raises `SpecError`."""
    program = elaborate(read(yaml.parse(source)))
    return program if until == "elaborate" else passes.run(program, until=until)


def compile_file(path: str | Path, until: str = "") -> Program:
    """A spec file as a program. Raises `SpecError`."""
    return compile_source(sources.read(path), until)


def at_size(program: Program, image: Pair | None = None) -> Typed:
    """A program lowered and verified, at its own size or at another height and width.

    Raises `SpecError` where a layer cannot take what arrives at it; E218 where one has other weights at another size.
    """
    typed = verify.verify(lower(program))
    if image is None or image == typed.input.image:
        return typed
    from inception_dsl import ties

    if tie := ties.tied(program, image):
        raise SpecError([ties.tie_diagnostic(tie)])
    return verify.verify(lower(program, image))


@dataclass(frozen=True)
class Options:
    """What can be chosen of the files: image size (None: the spec's own; "dynamic": any), batch, opset, heads."""

    size: Pair | str | None = None
    batch: int | None = None
    opset: int | None = None
    heads: bool = False

    @property
    def image(self) -> Pair | None:
        """The one image size, where there is one."""
        return self.size if isinstance(self.size, tuple) else None


@dataclass(frozen=True)
class Build:
    """A spec, compiled: its verdicts, and the files that it gives."""

    program: Program
    options: Options = field(default_factory=Options)

    @cached_property
    def own(self) -> Typed:
        """The network at its own size, the one its paper's numbers are for."""
        return at_size(self.program)

    @cached_property
    def typed(self) -> Typed:
        """The network at the chosen size."""
        if self.options.size == "dynamic":
            height, width = self.own.input.image
            at_size(self.program, (height + 1, width + 1))  # E218 where a layer ties it to its own size
        return at_size(self.program, self.options.image) if self.options.image else self.own

    @cached_property
    def verdicts(self) -> tuple[published.Verdict, ...]:
        """Every printed cell against what the spec gives."""
        return published.verdicts(self.own)

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """What does not hold."""
        return published.findings(self.own, self.verdicts)

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The files by their path below the output folder."""
        from inception_dsl.emit import onnx, pytorch, report

        graph = onnx.model(
            self.typed,
            opset=self.options.opset or onnx.NEWEST,
            batch=self.options.batch,
            dynamic_size=self.options.size == "dynamic",
            heads=self.options.heads,
        )
        return {
            f"{self.program.name}/model.py": pytorch.source(self.typed).encode(),
            f"{self.program.name}/model.onnx": graph,
            f"{self.program.name}/report.md": report.report(self.own).encode(),
        }


def find_specs(paths: Iterable[str | Path]) -> list[Path]:
    """The spec files that some paths mean; a folder means the `.yaml` files in it, in the order of their names.

    Raises `SpecError` E007 for a folder without any.
    """
    found: list[Path] = []
    empty = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".yml") and each.is_file())
        found += inside
        if not inside:
            empty.append(Diagnostic("E007", f"there is no spec in `{path}`", help="a spec is a file `<network>.yaml`"))
    if empty:
        raise SpecError(empty)
    return list(dict.fromkeys(found))
