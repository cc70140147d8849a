"""One run of a command: what it finds, printed for people or machines, and the exit code that says how it went."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypedDict, TypeVar

import click

from inception_dsl import compiler, extends, faults, published, streams, tables
from inception_dsl.diagnostics import Diagnostic, exit_code
from inception_dsl.ir import Program
from inception_dsl.published import Verdict

COLOURS = {"exact": "green", "rounds": "green", "MISMATCH": "red"}
"""Of verdicts; what is known to be wrong is yellow."""
FORMATS = ("text", "json", "github", "sarif")

COMMAND: Final = "command"
TRACEBACK: Final = "traceback"
"""Keys of a click context's `meta`: the command line as a whole, and whether it asks for tracebacks."""

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def variant_options(command: F) -> F:
    """Give a command the options that make variants: `--set` and `--extend-outside`; `chosen` is what they say."""
    option = partial(click.option, expose_value=False, callback=_keep)
    allow = option(extends.OPTION, is_flag=True, help="Let specs extend files outside their folder.")
    hint = "Give a setting of the spec another value."
    return option("--set", "settings", metavar="NAME=VALUE", multiple=True, help=hint)(allow(command))


def chosen() -> Chosen:
    """The options for variants of the command that runs."""
    meta = click.get_current_context().meta
    return {"settings": meta.get("settings", {}), "outside": meta.get("extend_outside", False)}


def training_settings() -> dict[str, str]:
    """Those of the command's `--set` that are about training, `group.name`; the spec's own settings have no dot."""
    settings = chosen()["settings"]
    return {name: settings.pop(name) for name in [*settings] if "." in name}


class Chosen(TypedDict):
    """What `compiler.load` is told of variants."""

    settings: dict[str, str]
    outside: bool


def _keep(context: click.Context, option: click.Parameter, value: Any) -> None:
    if option.name == "settings":
        pairs = [each.partition("=") for each in value]
        for name, equals, _ in pairs:
            if not equals:
                raise click.BadParameter(f"{name!r} is no setting; write name=value", context, option)
        value = {name.strip(): text.strip() for name, _, text in pairs}
    context.meta[str(option.name)] = value


class Run:
    """One run of a command: collects what it finds, and prints it in the form asked for."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.diagnostics: list[Diagnostic] = []
        self.result: dict[str, Any] = {}
        self.specs: list[dict[str, Any]] = []

    def attempt(self, action: Callable[[], T], spec: str | Path = "") -> T | None:
        """Take a step, about one spec perhaps; where it fails, why is among the diagnostics, and nothing is given.

        Every exception ends here: what no input should cause is a diagnostic too (E901), and the next step follows.
        """
        try:
            return action()
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:  # noqa: BLE001 - the one place for whatever stops a step
            self.stopped(error, spec)
            return None

    def stopped(self, error: Exception, spec: str | Path = "") -> None:
        """Keep the diagnostics of what stopped a step."""
        context = click.get_current_context(silent=True)
        meta = context.meta if context else {}
        if meta.get(TRACEBACK):
            import traceback

            traceback.print_exception(error)
        self.diagnostics += faults.diagnosed(error, meta.get(COMMAND, ""), str(spec)).diagnostics

    def compile(self, path: str | Path, until: str = "") -> Program:
        """Compile a spec as the command's options for variants say. Raises `SpecError`."""
        return compiler.compile_file(path, until, **chosen())

    def builds(self, specs: Sequence[str], options: compiler.Options) -> list[compiler.Build]:
        """Compile specs, each for itself; the ones that fail are told and left out."""
        builds: list[compiler.Build] = []
        for path in self.attempt(lambda: compiler.find_specs(specs)) or ():
            program = self.attempt(partial(self.compile, path), path)
            if program is None:
                continue
            if other := next((each for each in builds if each.program.name == program.name), None):
                message = f"`{path}` and `{other.program.file}` are both called `{program.name}`"
                self.diagnostics.append(Diagnostic("E114", message, help="every network has a name of its own"))
                continue
            builds.append(compiler.Build(program, options))
        return builds

    def tell(self, build: compiler.Build, alone: bool) -> dict[str, Any] | None:
        """Print a network's verdicts; gives its entry among the results, or None where it has no verdicts."""
        return self.attempt(partial(self._told, build, alone), build.program.file)

    def _told(self, build: compiler.Build, alone: bool) -> dict[str, Any]:
        verdicts = build.verdicts
        self.diagnostics += build.findings
        program = build.program
        dropped = program.published.dropped
        about = {"spec": program.file, "network": program.name, "verdicts": [_data(each) for each in verdicts]}
        self.specs.append({**about, "dropped": [f"{each.row}.{each.column}" for each in dropped]})
        if alone:
            self.echo(f"{program.title}: {program.file}\n")
            self.echo(tables.verdict_table(build.own, verdicts, paint()))
            self.echo("")
        self.echo(("" if alone else f"{program.name}: ") + tables.summary(verdicts, paint(), len(dropped)))
        if alone and dropped:
            self.echo(published.dropped_sentence(dropped))
        return self.specs[-1]

    def explain(self, build: compiler.Build, entry: dict[str, Any]) -> None:
        """Print what single edits would explain the printed numbers that do not fit."""
        from inception_dsl.explain import explanations

        found = self.attempt(lambda: explanations(build.own, build.verdicts), build.program.file) or ()
        entry["explanations"] = [each._asdict() for each in found]
        for each in found:
            self.echo(f"  {each.row}: {each.sentence}")

    def witness(self, build: compiler.Build, against: Sequence[str], entry: dict[str, Any]) -> None:
        """Compare the spec with the network it gives in other systems."""
        from inception_dsl.witness import witnesses

        evidence = self.attempt(lambda: witnesses(build.program, against), build.program.file)
        if evidence is not None:
            self.diagnostics += evidence.findings
            entry["witnesses"] = list(evidence.sentences)
            for sentence in evidence.sentences:
                self.echo(f"  {sentence}")

    def claims(self, path: str) -> None:
        """Print the verdicts on the claims of a file."""
        examined = self.attempt(lambda: compiler.examine(path), path)
        if examined is not None:
            self.diagnostics += examined.findings
            self.result["claims"] = [each.data() for each in examined.verdicts]
            self.echo(tables.claims_table(examined.verdicts, paint()))

    def echo(self, text: str) -> None:
        """Print for people; silent in the forms for machines."""
        if self.form == "text":
            click.echo(text, color=True)

    def finish(self) -> NoReturn:
        """Print the diagnostics, and exit."""
        from inception_dsl import render

        # what is wrong in a base is wrong in its variants too, and told once
        told = {(str(each.span), each.code, each.message): each for each in reversed(self.diagnostics)}
        diagnostics = tuple(reversed(told.values()))
        if self.form == "json":
            data = {**self.result, **({"specs": self.specs} if self.specs else {})}
            click.echo(as_json({**data, "diagnostics": render.as_json(diagnostics)}))
        elif self.form == "text":
            if diagnostics:
                click.echo(render.text(diagnostics, colour=streams.coloured(sys.stderr)), err=True, color=True)
        elif text := render.FORMATS[self.form](diagnostics):
            click.echo(text)
        sys.exit(exit_code(diagnostics))

    @property
    def errors(self) -> list[Diagnostic]:
        """What it found that is wrong: all but the warnings."""
        return [each for each in self.diagnostics if each.severity == "error"]


def _data(verdict: Verdict) -> dict[str, Any]:
    return {
        "row": verdict.claim.row,
        "column": verdict.claim.column,
        "printed": verdict.claim.text,
        "computed": verdict.computed if isinstance(verdict.computed, int) else str(verdict.computed),
        "shown": verdict.shown,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def as_json(data: Any) -> str:
    """Data as the text of a JSON document."""
    import json

    return json.dumps(data, indent=2)


def paint() -> tables.Paint:
    """What colours a text of stdout by a verdict's name, where there is colour."""
    return _paint if streams.coloured(sys.stdout) else tables.plain


def _paint(text: str, verdict: str) -> str:
    return click.style(text, fg=COLOURS.get(verdict, "yellow"))
