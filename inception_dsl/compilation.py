"""What a spec gives: its verdicts, and its files with the options that were chosen for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from inception_dsl import compiler
from inception_dsl.analysis.class_scores import check_ends
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.emit.citation import command
from inception_dsl.files import builtin
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.typed import Typed
from inception_dsl.paper import verdicts
from inception_dsl.recipes.recipe import recipe
from inception_dsl.spec import loader

NO_RUNNER: Final = "--no-runner"
"""The option that leaves files out, and changes none."""


@dataclass(frozen=True)
class Options:
    """What can be chosen of the files: image size (None: the spec's own; "dynamic": any), batch, opset, heads, runner.

    `runner` false leaves out the files that train the network. `out`, the folder they go to, and `outside`, whether
    specs may extend files outside theirs, are only named in them.
    """

    size: Pair | str | None = None
    batch: int | None = None
    opset: int | None = None
    heads: bool = False
    out: Path = Path("generated")
    outside: bool = False
    runner: bool = True

    @property
    def words(self) -> list[str]:
        """Those that change a file, as a command line has them."""
        size = self.size
        if isinstance(size, tuple):
            height, width = size
            size = f"{height}" if height == width else f"{height}x{width}"
        valued = {"--size": size, "--opset": self.opset, "--batch": self.batch}
        given = [word for name, value in valued.items() if value for word in (name, str(value))]
        flags = {"--heads": self.heads, NO_RUNNER: not self.runner}
        return [*given, *(name for name, chosen in flags.items() if chosen)]

    @property
    def image(self) -> Pair | None:
        """The one image size, where there is one."""
        return self.size if isinstance(self.size, tuple) else None


@dataclass(frozen=True)
class Build:
    """A spec, compiled: its verdicts, and the files that it gives."""

    program: Program
    options: Options = field(default_factory=Options)
    path: str = ""

    @property
    def file(self) -> str:
        """The spec's file: the path that was given, else as generated files cite it."""
        return self.path or self.program.file

    @cached_property
    def own(self) -> Typed:
        """The network at its own size, the one its paper's numbers are for."""
        return compiler.at_size(self.program)

    @cached_property
    def typed(self) -> Typed:
        """The network at the chosen size."""
        if self.options.size == "dynamic":
            height, width = self.own.input.image
            compiler.at_size(self.program, (height + 1, width + 1))  # E218 where a layer fixes the size
        return compiler.at_size(self.program, self.options.image) if self.options.image else self.own

    @cached_property
    def verdicts(self) -> tuple[verdicts.Verdict, ...]:
        """Every printed cell against what the spec gives."""
        return verdicts.judge(self.own)

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """What does not hold, and what the spec's warnings are."""
        return (*self.program.warnings, *verdicts.findings(self.own, self.verdicts))

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The files by their path below the output folder."""
        from inception_dsl.emit.onnx import onnx
        from inception_dsl.emit.pytorch import pytorch
        from inception_dsl.emit.report import report
        from inception_dsl.emit.runner import runner

        rebuild = self.rebuild
        files: dict[str, str | bytes] = {
            "model.py": pytorch.source(self.typed, rebuild),
            "model.onnx": onnx.model(
                self.typed,
                opset=self.options.opset or onnx.NEWEST,
                batch=self.options.batch,
                dynamic_size=self.options.size == "dynamic",
                heads=self.options.heads,
                rebuild=rebuild,
            ),
            "report.md": report.report(self.own, rebuild),
        }
        stated = recipe(replace(self.program, input=self.typed.input))
        if stated and self.options.runner:
            check_ends(self.typed)
            files |= runner.files(self.typed, stated, rebuild)
        return {
            f"{self.program.name}/{name}": each.encode() if isinstance(each, str) else each
            for name, each in files.items()
        }

    @property
    def rebuild(self) -> str:
        """The command that gives these very files, as their heads cite it; empty where the name of the spec says it.

        A built-in spec is named as such: its user may have no file of it.
        """
        options = self.options if self.program.training else replace(self.options, runner=True)
        outside = [loader.OPTION] if options.outside else []
        named = self.path if self.path.startswith(builtin.PREFIX) else ""
        found = command(self.program.file, [*options.words, *outside], options.out, named)
        return "" if found == f"inception-dsl compile {self.program.file}" else found
