"""A page for each command: its help, usage and options, as click has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc

import click
from prose import code, fenced, plain, table

from inception_dsl.cli.main import main

CONTEXT = click.Context(main, info_name="inception-dsl", **main.context_settings)


def pages() -> dict[str, str]:
    """The list of all commands, and a page for each."""
    commands = {name: command for name in main.list_commands(CONTEXT) if (command := main.get_command(CONTEXT, name))}
    rows = [[f"[`{name}`]({name}.md)", plain(command.get_short_help_str(200))] for name, command in commands.items()]
    index = [
        "# Commands\n",
        _help(main),
        "[CI](../ci.md#exit-codes) has all exit codes, and [JSON output](../json.md) what `--format json` prints.\n",
        table(["command", "what it does"], rows),
        *_options(CONTEXT),
    ]
    pages = {name: "\n".join(_page(command, name, CONTEXT, "#")) for name, command in commands.items()}
    return {"commands/index.md": "\n".join(index)} | {f"commands/{name}.md": page for name, page in pages.items()}


def _page(command: click.Command, name: str, parent: click.Context, level: str) -> Iterator[str]:
    """A command and, if it is a group, those in it."""
    context = click.Context(command, info_name=name, parent=parent)
    path = context.command_path.partition(" ")[2]
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield from (f"{level} {path}\n", _help(command), fenced(usage), *_options(context))
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            if found := command.get_command(context, inner):
                yield from _page(found, inner, context, f"{level}#")


def _help(command: click.Command) -> str:
    return plain(cleandoc(command.help or "").replace("\b\n", "")) + "\n"


def _options(context: click.Context) -> Iterator[str]:
    """The options as the terminal lists them, with their values and defaults; the usage has the arguments."""
    records = [parameter.get_help_record(context) for parameter in context.command.get_params(context)]
    rows = [[_written(option), plain(meaning)] for option, meaning in filter(None, records) if meaning]
    yield table(["option", "meaning"], rows)


def _written(option: str) -> str:
    """An option's names, and what stands for its value."""
    names, value = re.findall(r"^(-[\w-]+(?:[, /]+-[\w-]+)*) ?(.*)", option)[0]
    return f"{code(names)} {code(value)}".rstrip()
