"""The group of all commands: each is a file of `commands`, loaded when it is used."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import click

from inception_dsl.cli import commands
from inception_dsl.cli.run import COMMAND_LINE, TRACEBACK, CommandRun
from inception_dsl.cli.streams import INTERRUPTED
from inception_dsl.diagnostics.spelling import did_you_mean, sentence


@contextmanager
def _exit_codes() -> Iterator[None]:
    """Turn Ctrl-C into exit code 130, and any other exception outside a command's own run into a diagnostic."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (click.ClickException, click.exceptions.Exit, ImportError):
        raise  # a command that cannot be loaded: the installation is broken, which `__main__` reports
    except Exception as error:  # noqa: BLE001 - no traceback for users, whatever is wrong
        run = CommandRun("text")
        run.record_failure(error)
        run.finish()


class Commands(click.Group):
    """The commands of a folder: `check.py` there defines `command`, which is `inception-dsl check`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; `--traceback` may stand anywhere in it."""
        ctx.meta[COMMAND_LINE] = shlex.join(["inception-dsl", *args])
        options = args[: args.index("--")] if "--" in args else args
        if (option := f"--{TRACEBACK}") in options:
            args = [option, *(word for word in options if word != option), *args[len(options) :]]
        return super().parse_args(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the command line."""
        with _exit_codes():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _exit_codes():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the files of the folder, sorted."""
        return sorted(module.name for module in iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; None if there is no such file."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"{commands.__name__}.{cmd_name}").command
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command; a usage error with a suggestion if there is none."""
        if args and args[0] not in (known := self.list_commands(ctx)):
            ctx.fail(f"no such command `{args[0]}`. {sentence(did_you_mean(args[0], known))}".rstrip())
        return super().resolve_command(ctx, args)
