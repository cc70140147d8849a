"""The group of all commands: it loads a command when it is asked for, suggests the one that was meant, and ends it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import click

from inception_dsl.cli.run import COMMAND, TRACEBACK, Run
from inception_dsl.cli.streams import INTERRUPTED
from inception_dsl.diagnostics.spelling import did_you_mean, sentence

ELSEWHERE: Final = {
    "doctor": "doctor.doctor",
    "ensemble": "training.ensemble",
    "eval": "training.evaluate",
    "explain": "reference.explain",
    "export": "weights.export",
    "ops": "reference.ops",
    "plot": "training.plot",
    "specs": "specs.specs",
    "train": "training.train",
    "weights": "weights.weights",
}
"""Commands that are loaded when they are asked for, and where below `cli` they are."""


@contextmanager
def _ended() -> Iterator[None]:
    """Ctrl-C ends a command with 130, and whatever goes wrong in it beside its steps with a diagnostic."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (click.ClickException, click.exceptions.Exit):
        raise
    except Exception as error:  # noqa: BLE001 - as `Run.attempt`
        run = Run("text")
        run.stopped(error)
        run.finish()


class Commands(click.Group):
    """Loads the commands that few runs need when they are asked for, and suggests the one that was meant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; `--traceback` may stand anywhere in it."""
        ctx.meta[COMMAND] = shlex.join(["inception-dsl", *args])
        ours = args[: args.index("--")] if "--" in args else args
        if (option := f"--{TRACEBACK}") in ours:
            args = [option, *(each for each in ours if each != option), *args[len(ours) :]]
        return super().parse_args(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the command line."""
        with _ended():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _ended():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*self.commands, *ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name, loaded."""
        if cmd_name in ELSEWHERE:
            module, _, name = ELSEWHERE[cmd_name].partition(".")
            command: click.Command = getattr(import_module(f"inception_dsl.cli.{module}"), name)
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command; a usage error with a suggestion where there is none."""
        if args and args[0] not in (known := self.list_commands(ctx)):
            ctx.fail(f"there is no command {args[0]!r}. {sentence(did_you_mean(args[0], known))}".rstrip())
        return super().resolve_command(ctx, args)
