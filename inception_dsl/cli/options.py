"""Arguments, options and types of parameters that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import click

from inception_dsl import compiler
from inception_dsl.diagnostics.spelling import did_you_mean, listing, sentence
from inception_dsl.files import paths
from inception_dsl.ir.program import Program
from inception_dsl.spec import loader
from inception_dsl.spec.input_size import MAX_DIMENSION
from inception_dsl.spec.network import NetworkSpec

F = TypeVar("F", bound=Callable[..., Any])


class SizeType(click.ParamType[Any]):
    """An image size: `224`, `224x320` (height x width), or `dynamic` where a command takes it."""

    name = "size"

    def __init__(self, dynamic: bool = False) -> None:
        self.dynamic = dynamic

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return height and width, or `dynamic`."""
        if isinstance(value, tuple) or (value == "dynamic" and self.dynamic):
            return value
        sides = str(value).split("x")
        if not all(side.isdecimal() and 0 < int(side) <= MAX_DIMENSION for side in sides) or len(sides) > 2:
            known = ["224", "224x320 (height x width)", *(["dynamic"] if self.dynamic else [])]
            expected = f"{', '.join(known[:-1])} or {known[-1]}"
            self.fail(f"invalid size `{value}`: expected a size such as {expected}", param, ctx)
        return int(sides[0]), int(sides[-1])


class Readable(click.Path):
    """A file to read: no pipe or device, which may never end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; the file need not exist."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        kind = paths.file_kind(path.stat().st_mode) if path.exists() and not path.is_dir() else ""
        if kind:
            self.fail(f"`{path}` is {kind}; save its output to a file", param, ctx)
        return path


class Written(click.Path):
    """A file to write, whose name ends as its form does: no other file is overwritten by a slip."""

    def __init__(self, suffix: str) -> None:
        super().__init__(path_type=Path)
        self.suffix = suffix

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Check how the name ends."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.suffix != self.suffix:
            self.fail(f"`{value}` is not a {self.suffix} file.", param, ctx)
        return path


class NameList(click.ParamType[Any]):
    """Names with commas between them, for `names_option`.

    `known`, if given, returns those that may be used, and `more` others, which are looked up where one is not known.
    """

    name = "names"

    def __init__(
        self, known: Callable[[], Collection[str]] | None = None, more: Callable[[], Collection[str]] = tuple
    ) -> None:
        self.known = known
        self.more = more

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Return what stands for the value in the help."""
        return f"[{'|'.join(self.known())}],..." if self.known else None

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the names in the order given."""
        if isinstance(value, tuple):
            return value
        names = [name.strip() for name in str(value).split(",")]
        if not all(names):
            self.fail(f"`{value}` has an empty name; write names with commas between them", param, ctx)
        known = self.known() if self.known else names
        known = known if set(names) <= set(known) else [*known, *self.more()]
        for name in names:
            if name not in known:
                hint = sentence(did_you_mean(name, known))
                expected = f"expected {listing(known, 'or')}" if known else "no plugin that is installed has one"
                self.fail(f"unknown name `{name}`: {expected}. {hint}".rstrip(), param, ctx)
        return tuple(names)


def names_option(
    name: str,
    known: Callable[[], Collection[str]] | None = None,
    more: Callable[[], Collection[str]] = tuple,
    **attributes: Any,
) -> Callable[[F], F]:
    """An option that takes names with commas between them, and may be repeated; it gives all of them, each once."""

    def joined(context: click.Context, option: click.Parameter, given: Sequence[Sequence[str]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for names in given for name in names))

    return click.option(name, type=NameList(known, more), multiple=True, callback=joined, **attributes)


class VariantOptions(NamedTuple):
    """The variant of a spec that the options ask for.

    `settings` are the values of `--set`; `outside` says whether a spec may extend files outside its folder.
    """

    settings: Mapping[str, str]
    outside: bool

    @property
    def words(self) -> list[str]:
        """The options as a command line has them."""
        words = [word for pair in self.settings.items() for word in ("--set", "=".join(pair))]
        return [*words, *([loader.OPTION] if self.outside else [])]

    def load(self, path: str | Path) -> NetworkSpec:
        """Read a spec. Raises `SpecError`."""
        return compiler.load(path, *self)

    def compile(self, path: str | Path, until: str = "") -> Program:
        """Compile a spec, up to and with the pass `until`. Raises `SpecError`."""
        return compiler.compile_file(path, until, *self)

    def split(self) -> tuple[VariantOptions, dict[str, str]]:
        """Return the variant without settings of training, and those: their names have a dot, as `optim.lr`."""
        training = {name: text for name, text in self.settings.items() if "." in name}
        settings = {name: text for name, text in self.settings.items() if name not in training}
        return VariantOptions(settings, self.outside), training


def _assignments(context: click.Context, option: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for value, (name, equals, _) in zip(values, pairs, strict=True):
        if not equals or not name.strip():
            raise click.BadParameter(f"invalid setting `{value}`: expected NAME=VALUE", context, option)
    return {name.strip(): text.strip() for name, _, text in pairs}


def variant_options(command: F) -> F:
    """Give a command the options `--set` and `--extend-outside`; it receives them as the argument `variant`."""

    @wraps(command)
    def with_variant(*arguments: Any, settings: Mapping[str, str], outside: bool, **options: Any) -> Any:
        return command(*arguments, variant=VariantOptions(settings, outside), **options)

    settings = settings_option("--set", "settings", "Change a setting of the spec.")
    return settings(OUTSIDE(with_variant))  # type: ignore[return-value]


def our_backends() -> Collection[str]:
    """The names of our backends."""
    from inception_dsl.emit.backends import by_name

    return by_name()


def plugin_backends() -> Collection[str]:
    """The names of the backends of plugins."""
    from inception_dsl.emit.backends import plugin_names

    return plugin_names()


def settings_option(option: str, name: str, description: str) -> Callable[[F], F]:
    """An option that takes NAME=VALUE, and may be repeated; it gives the values by name."""
    return click.option(option, name, metavar="NAME=VALUE", multiple=True, callback=_assignments, help=description)


OUTSIDE: Final = click.option(
    loader.OPTION, "outside", is_flag=True, help="Let specs extend files outside their own folder."
)

SPEC: Final = click.argument("spec", type=click.Path())
SPECS: Final = click.argument("specs", nargs=-1, metavar="[SPEC|DIR]...", type=click.Path())
FILE: Final = click.argument("file", type=Readable())
FILES: Final = click.argument("files", nargs=-1, required=True, type=Readable())
DATA: Final = click.option(
    "--data",
    metavar="SOURCE",
    help="The images: folder:DIR, csv:FILE, idx:DIR, parquet:DIR, wds:DIR, ... or builtin:fashion-mini.",
)
OUT_TABLES: Final = click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for predictions, scores and tables."
)
TAPS: Final = names_option("--taps", metavar="ROW,...", help="Add the outputs of these rows or heads to the graph.")
