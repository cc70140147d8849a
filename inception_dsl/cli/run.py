"""One run of a command: what it finds, printed for people or machines, and the exit code that says how it went."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypedDict, TypeVar

import click

from inception_dsl import compilation, compiler
from inception_dsl.cli import faults, streams, tables
from inception_dsl.cli.outcome import File, Held, Outcome
from inception_dsl.cli.waiting import Waiting
from inception_dsl.diagnostics.codes.syntax import DUPLICATE_NAME
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError, exit_code
from inception_dsl.emit.options import Options
from inception_dsl.files import paths
from inception_dsl.ir.program import Program
from inception_dsl.paper.verdicts import dropped_sentence
from inception_dsl.spec import discovery, loader
from inception_dsl.text.columns import Paint, plain
from inception_dsl.text.terminal import columns, lines

if TYPE_CHECKING:
    from inception_dsl.emit.backend import Backend
    from inception_dsl.files.freshness import Stale
    from inception_dsl.paper.claims import ClaimVerdict

COLOURS = {"exact": "green", "rounds": "green", "MISMATCH": "red"}
"""Of verdicts; what is known to be wrong is yellow."""
FORMS = ("text", "json", "github", "sarif", "markdown")

COMMAND: Final = "command"
TRACEBACK: Final = "traceback"
"""Keys of a click context's `meta`: the command line as a whole, and whether it asks for tracebacks."""

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def variant_options(command: F) -> F:
    """Give a command the options that make variants: `--set` and `--extend-outside`; `chosen` is what they say."""
    option = partial(click.option, expose_value=False, callback=_keep)
    allow = option(loader.OPTION, is_flag=True, help="Let specs extend files outside their folder.")
    hint = "Give a setting of the spec another value."
    return option("--set", "settings", metavar="NAME=VALUE", multiple=True, help=hint)(allow(command))


def form_option(*forms: str) -> Callable[[F], F]:
    """Give a command the option for the form of its output, the parameter `form`."""
    return click.option(
        "--format", "form", type=click.Choice(forms), default="text", show_default=True, help="Form of the output."
    )


def chosen() -> Chosen:
    """The options for variants of the command that runs."""
    meta = click.get_current_context().meta
    return {"settings": meta.get("settings", {}), "outside": meta.get("extend_outside", False)}


def training_settings() -> dict[str, str]:
    """Those of the command's `--set` that are about training, `group.name`; the spec's own settings have no dot."""
    settings = chosen()["settings"]
    return {name: settings.pop(name) for name in [*settings] if "." in name}


class Readable(click.Path):
    """A file that is read: no pipe or device, which may never end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path of the file, which need not be there."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        kind = paths.kind(path.stat().st_mode) if path.exists() and not path.is_dir() else ""
        if kind:
            self.fail(f"{str(path)!r} is {kind}; save its output to a file", param, ctx)
        return path


class Chosen(TypedDict):
    """What `compiler.load` is told of variants."""

    settings: dict[str, str]
    outside: bool


def _keep(context: click.Context, option: click.Parameter, value: Any) -> None:
    if option.name == "settings":
        pairs = [each.partition("=") for each in value]
        for name, equals, _ in pairs:
            if not equals:
                raise click.BadParameter(f"{name!r} is not a setting; write name=value", context, option)
        value = {name.strip(): text.strip() for name, _, text in pairs}
    context.meta[str(option.name)] = value


class Run:
    """One run of a command: collects what it finds, and prints it in the form asked for."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.diagnostics: list[Diagnostic] = []
        self.asked = 0
        self.specs: list[Held] = []
        self.claims: list[Path] = []
        self.examined: list[ClaimVerdict] = []
        self.files: list[File] = []
        self.result: Any = None
        self.table: Sequence[Sequence[str]] = ()
        self.waiting = Waiting()

    def attempt(self, action: Callable[[], T], spec: str | Path = "", file: str | Path = "") -> T | None:
        """Take a step, about one spec perhaps; where it fails, why is among the diagnostics, and nothing is given.

        Diagnostics that name no file are about `file`, by default the spec. Every exception ends here: what no input
        should cause is a diagnostic too (E901), and the next step follows.
        """
        try:
            with self.waiting.on(str(file or spec)):
                return action()
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:  # noqa: BLE001 - the one place for whatever stops a step
            self.stopped(error, spec, file)
            return None

    def stopped(self, error: Exception, spec: str | Path = "", file: str | Path = "") -> None:
        """Keep the diagnostics of what stopped a step."""
        context = click.get_current_context(silent=True)
        meta = context.meta if context else {}
        if meta.get(TRACEBACK) and not isinstance(error, SpecError):
            import traceback

            traceback.print_exception(error)
        found = faults.diagnosed(error, meta.get(COMMAND, ""), str(spec)).diagnostics
        self.diagnostics += [each.about(str(file or spec)) for each in found]

    def compile(self, path: str | Path, until: str = "") -> Program:
        """Compile a spec as the command's options for variants say. Raises `SpecError`."""
        return compiler.compile_file(path, until, **chosen())

    def builds(self, specs: Sequence[str], options: Options) -> list[compilation.Build]:
        """Compile specs, each for itself; the ones that fail are told and left out, and so are files of claims."""
        builds: list[compilation.Build] = []
        found = self.attempt(lambda: discovery.find(specs)) or discovery.Found([], [], [])
        self.diagnostics += found.faults
        self.claims = found.claims
        for path in found.specs:
            self.asked += 1
            program = self.attempt(partial(self.compile, path), path)
            if program is None:
                continue
            if other := next((each for each in builds if each.program.name == program.name), None):
                message = f"`{path}` and `{other.file}` are both called `{program.name}`"
                hint = "give every network a unique name"
                self.diagnostics.append(Diagnostic(DUPLICATE_NAME, message, help=hint, file=str(path)))
                continue
            builds.append(compilation.Build(program, options, str(path)))
        return builds

    def tell(self, build: compilation.Build, alone: bool) -> Held | None:
        """Print a network's verdicts; gives its entry among the results, or None where it has no verdicts."""
        return self.attempt(partial(self._told, build, alone), build.file)

    def _told(self, build: compilation.Build, alone: bool) -> Held:
        judged = build.verdicts
        self.diagnostics += build.findings
        program = build.program
        dropped = program.published.dropped
        holds = all(each.severity == "warning" for each in build.findings)
        self.specs.append(Held(build.file, program.name, program.title, judged, dropped, holds))
        if alone:
            self.echo(f"{program.title}: {build.file}\n")
            self.echo(tables.verdict_table(build.own, judged, paint(), columns()))
            self.echo("")
        self.echo(("" if alone else f"{program.name}: ") + tables.summary(judged, paint(), len(dropped)))
        if alone and dropped:
            self.echo(dropped_sentence(dropped))
        return self.specs[-1]

    def explain(self, build: compilation.Build, entry: Held) -> None:
        """Print what single edits would explain the printed numbers that do not fit."""
        from inception_dsl.paper.single_edits import single_edits

        found = self.attempt(lambda: single_edits(build.own, build.verdicts), build.file) or ()
        entry.explanations = tuple(found)
        for each in found:
            self.echo(f"  {each.row}: {each.sentence}")

    def cross_check(self, build: compilation.Build, backends: Sequence[Backend], entry: Held) -> None:
        """Compare the spec with the network that backends emit for it."""
        from inception_dsl.crosscheck.crosscheck import cross_check

        report = self.attempt(lambda: cross_check(build.program, backends), build.file)
        if report is not None:
            self.diagnostics += [finding.about(build.file) for finding in report.findings]
            entry.cross_check = report.sentences
            entry.holds &= not report.findings
            for sentence in report.sentences:
                self.echo(f"  {sentence}")

    def examine(self, path: str | Path, alone: bool) -> None:
        """Print the verdicts on the claims of a file."""
        examined = self.attempt(lambda: compilation.examine(path), path)
        if examined is None:
            return
        self.diagnostics += [each.about(str(path)) for each in examined.findings]
        self.examined += examined.verdicts
        if alone:
            self.echo(tables.claims_table(examined.verdicts, paint(), columns()))
        else:
            self.echo(f"{path}: {tables.claims_summary(examined.verdicts, paint())}")

    def overall(self) -> None:
        """Print how all specs did, where there are several."""
        if self.asked > 1:
            held = [(each.verdicts, each.holds) for each in self.specs]
            self.echo(f"\n{tables.overall(self.asked, held, paint())}")

    def compared(self, files: Iterable[str], out: Path, stale: Iterable[Stale], command: str) -> None:
        """Tell which files are not as their specs have them, and the command that would make them so."""
        told = {str(each.path): each for each in stale}
        paths = dict.fromkeys([*(str(out / name) for name in files), *told])
        self.files += [File(path, told[path].problem if path in told else "current") for path in paths]
        for each in told.values():
            self.diagnostics.append(each.diagnostic(command))
            if each.difference:
                self.echo(each.difference)

    def wrote(self, paths: Iterable[Path]) -> None:
        """Tell which files were written."""
        for path in paths:
            self.files.append(File(str(path), "written"))
            self.echo(f"wrote {path}")

    def give(self, key: str, text: str | None) -> None:
        """Print a text that is the command's result, `key` for machines; None where the step to it failed."""
        if text is not None:
            self.result = {key: text}
            self.echo(text.removesuffix("\n"))

    def echo(self, text: str) -> None:
        """Print for people; silent in the forms for machines."""
        if self.form == "text":
            self.waiting.spoken()
            click.echo(lines(text, streams.coloured(sys.stdout)), color=True)

    def finish(self) -> NoReturn:
        """Print the diagnostics, and exit."""
        # what is wrong in a base is wrong in its variants too, and told once
        told: dict[tuple[str, ...], Diagnostic] = {}
        for each in self.diagnostics:
            told.setdefault((each.path, str(each.span), each.code, each.message), each)
        diagnostics = tuple(told.values())
        code = exit_code(diagnostics)
        if self.form != "text":
            from inception_dsl.cli.formats import FORMATS

            context = click.get_current_context(silent=True)
            found = Outcome(
                context.command_path.partition(" ")[2] if context else "",
                *(code, diagnostics, self.asked, self.specs, self.examined, self.files, self.result, self.table),
            )
            click.echo(FORMATS[self.form](found))
        elif diagnostics:
            from inception_dsl.diagnostics import render

            shown = render.text(diagnostics, streams.coloured(sys.stderr), columns(sys.stderr))
            click.echo(shown, err=True, color=True)
        sys.exit(code)

    @property
    def errors(self) -> list[Diagnostic]:
        """What it found that is wrong: all but the warnings."""
        return [each for each in self.diagnostics if each.severity == "error"]


def paint() -> Paint:
    """What colours a text of stdout by a verdict's name, where there is colour."""
    return _paint if streams.coloured(sys.stdout) else plain


def _paint(text: str, verdict: str) -> str:
    return click.style(text, fg=COLOURS.get(verdict, "yellow"))
