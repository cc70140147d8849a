"""What installed distributions offer by entry points, loaded by its kind and name.

A name of our own never comes here, so that a command that meets no other name does not look for plugins at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from inception_dsl.diagnostics.codes.plugins import PLUGIN_LEFT_OUT, REMEDY
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.diagnostics.spelling import listing, raised

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "inception_dsl"
"""What the groups of entry points begin with: `inception_dsl.layers`, `inception_dsl.words`, ..."""

Problem = Callable[[str, Any], str]
"""From the name and the object of an offer: why it cannot be used, or ""."""


class Offer(NamedTuple):
    """What a distribution offers under a name: the object, or the `problem` for which it cannot be used."""

    kind: str
    name: str
    distribution: str
    version: str
    thing: Any = None
    problem: str = ""

    @property
    def origin(self) -> str:
        """The distribution and its version."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def message(self) -> str:
        """A sentence that names the plugin and what is wrong with it."""
        return f"the plugin {self.origin} cannot give the {SINGULAR[self.kind]} `{self.name}`: {self.problem}"


_FOUND: Final[dict[tuple[str, str], Offer | None]] = {}
"""What `find` has returned, so that a listing loads and checks everything once."""

SINGULAR: Final = {
    "layers": "layer",
    "words": "word",
    "backends": "backend",
    "lint": "lint rule",
    "recipes": "recipe",
    "readers": "reader",
}
"""The kinds of what plugins offer, each a group of entry points."""


def names(kind: str) -> tuple[str, ...]:
    """The names that distributions offer, whether they can be loaded or not."""
    return tuple(sorted({point.name for point in _points() if point.group == f"{GROUP}.{kind}"}))


def find(kind: str, name: str, ours: Collection[str], problem: Problem) -> Offer | None:
    """Load what distributions offer under a name; None where none does.

    A name that is among `ours`, or that two distributions offer, is a problem, as is an object in which `problem` finds
    one, or a module that raises an exception.
    """
    if (kind, name) not in _FOUND:
        _FOUND[kind, name] = _find(kind, name, ours, problem)
    return _FOUND[kind, name]


def _find(kind: str, name: str, ours: Collection[str], problem: Problem) -> Offer | None:
    points = [point for point in _points() if (point.group, point.name) == (f"{GROUP}.{kind}", name)]
    if not points:
        return None
    first, *others = points
    offer = Offer(kind, name, _distribution(first), first.dist.version if first.dist else "")
    if name in ours:
        return offer._replace(problem="inception-dsl has one of that name")
    if others:
        return offer._replace(problem=f"{listing(map(_distribution, others))} offers one of that name too")
    try:
        thing = first.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        return offer._replace(problem=f"`{first.value}` cannot be loaded: {raised(error)}")
    return offer._replace(thing=thing, problem=problem(name, thing))


def wrong_type(thing: object, expected: str) -> str:
    """The problem of an object that is not what its group holds."""
    return f"it is {'a class' if isinstance(thing, type) else f'of type `{type(thing).__name__}`'}, not {expected}"


@cache
def _points() -> tuple[EntryPoint, ...]:
    """All entry points of our groups; read once, since that opens a file of each distribution."""
    from importlib.metadata import entry_points

    found = entry_points()
    return tuple(point for kind in SINGULAR for point in found.select(group=f"{GROUP}.{kind}"))


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def left_out(offers: Iterable[Offer]) -> list[Diagnostic]:
    """W009 for each offer that a listing leaves out."""
    return [Diagnostic(PLUGIN_LEFT_OUT, offer.message, help=REMEDY) for offer in offers if offer.problem]


def raised_by(error: BaseException) -> str:
    """The distribution in whose code, or in a call of which, an exception arose; "" where no plugin was looked for."""
    if not _points.cache_info().currsize:
        return ""
    packages = {point.module.partition(".")[0]: _distribution(point) for point in _points()}
    frame = error.__traceback__
    while frame is not None:
        package = str(frame.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in packages:
            return packages[package]
        frame = frame.tb_next
    return ""


def forget() -> None:
    """Look for plugins again, where one was installed since."""
    _points.cache_clear()
    _FOUND.clear()
