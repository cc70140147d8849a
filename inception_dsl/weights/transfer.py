"""Weights of a network from another library's file, and back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl.diagnostics.codes.weights import MISSING_TENSOR, NOT_A_WEIGHTS_FILE, WRONG_NETWORK
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.ir.typed import Typed
from inception_dsl.weights import identify, keras
from inception_dsl.weights.files import COUNTER, Held, read
from inception_dsl.weights.matching import check_finite, knows, match, own, taken
from inception_dsl.weights.names import LIBRARIES
from inception_dsl.weights.preprocessing import KEY, PUBLISHED, Preprocessing, parsed

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

NONE: Final = "none"
"""The tag that says of no preprocessing."""


class Transfer(NamedTuple):
    """Weights under the names of their new owner, and how they came there: `network` is whose, `left` what stayed.

    `about` is the text that goes with them, `notes` how the file was read, `images` how images are prepared for them.
    """

    weights: Mapping[str, Array]
    network: str
    left: tuple[str, ...] = ()
    about: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()
    images: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was matched, and what was left where it was."""
        count = len(self.weights)
        matched = f"{count} tensors matched with {self.network}, by order, name and shape; none is missing"
        if not self.network:
            matched = f"{count} tensors have the spec's own names; none is missing"
        heads = sorted({name.partition(".")[0] for name in self.left})
        left = f"{len(self.left)} left over, of heads that are not taken: {', '.join(heads)}"
        return (*self.notes, matched, *([left] if self.left else []), *([self.images] if self.images else []))


def imported(typed: Typed, file: Path, library: str, heads: bool = True, tag: str = "") -> Transfer:
    """Read a library's weights for a network, or with no library weights under the spec's own names, as runs save them.

    `heads` False leaves those of its heads out. What the library's images are prepared by goes with them: `tag` says
    which set of weights it is, "none" that it is none of the library's. Raises `SpecError` E130 to E135 for a file that
    is not the weights of this very network, whole, and E132 for an unknown tag.
    """
    if library == "keras":
        found = match(typed, library, heads=heads)
        held = keras.read(file, found.names.name)
        held = held._replace(tensors=held.tensors | keras.scales(typed, held.tensors, found.theirs))
    else:
        held = read(file, own(typed, heads=True))
        if _own(typed, held.tensors) and not (library and knows(library, held.tensors)):
            return _imported_own(typed, file, held, heads)
        with _identified(typed, held.tensors, library):
            if not library:
                raise _unknown(typed, file, held.tensors)
            found = match(typed, library, held.tensors, heads)
    beside = set() if typed.heads and heads else set(found.names.heads)
    spare = [name for name in held.tensors if name.rpartition(".")[0] in beside]
    with _identified(typed, held.tensors, library):
        weights = taken(typed, str(file), held.tensors, found.theirs, spare)
    images, said = _published(library, found.names.name, file, tag, preprocessing(held, file))
    images = images and images.at(*typed.input.image)
    about = {KEY: images.json} if images else {}
    return Transfer(weights, found.title, tuple(spare), about, held.notes, said)


def _imported_own(typed: Typed, file: Path, held: Held, heads: bool) -> Transfer:
    names = own(typed, heads)
    spare = own(typed, heads=True).keys() - names.keys()
    weights = taken(typed, str(file), held.tensors, names, spare)
    left = tuple(name for name in held.tensors if name in spare)
    return Transfer(weights, "", left, _kept(held), held.notes)


def exported(typed: Typed, file: Path, library: str, heads: bool = True) -> Transfer:
    """Give a network's weights the names that a library has for them; what the file has of the heads goes with them.

    `heads` False leaves those out. Raises `SpecError` E130 to E136 for a file that is not the weights of this very
    network, or has NaN among them.
    """
    held = read(file, own(typed, heads=True))
    heads = heads and any(
        name in held.tensors for name in own(typed, heads=True).keys() - own(typed, heads=False).keys()
    )
    found = match(typed, library, heads=heads)
    with _identified(typed, held.tensors, library):
        weights = taken(typed, str(file), held.tensors, own(typed, heads), own(typed, heads=True))
    check_finite(weights, str(file))
    moved = {found.theirs[name]: each for name, each in weights.items()}
    return Transfer(moved, found.title, (), _kept(held), held.notes)


def weights_of(typed: Typed, file: Path, heads: bool) -> Held:
    """Read a network's own weights; those of its heads may be missing unless `heads` asks for them.

    Raises `SpecError` E130 to E136 for a file that is not the weights of this very network, or has NaN among them.
    """
    spare, headless = own(typed, heads=True), "without `--heads` they are not needed"
    try:
        held = read(file, spare)
        with _identified(typed, held.tensors, ""):
            weights = taken(typed, str(file), held.tensors, own(typed, heads), spare, headless)
        check_finite(weights, str(file))
    except SpecError as error:
        raise error.about(str(file)) from None
    return held._replace(tensors=weights)


def preprocessing(held: Held, file: Path) -> Preprocessing | None:
    """How images are prepared for the weights of a file, where it says so. Raises `SpecError` E130 where it is odd."""
    if KEY not in held.about:
        return None
    try:
        return parsed(held.about[KEY])
    except ValueError as error:
        hint = "import the weights again, or delete the entry"
        message = f"`{KEY}` in the metadata of `{file}` {error}"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help=hint, file=str(file))]) from None


def _published(
    library: str, network: str, file: Path, tag: str, stated: Preprocessing | None
) -> tuple[Preprocessing | None, str]:
    """How images are prepared for a library's weights, and what to say of it."""
    published = PUBLISHED[library].get(network)
    if tag == NONE or published is None:
        return None, ""
    if tag and tag not in published.tags:
        message = f"{library} has no weights `{tag}` of {network} that are known here"
        raise SpecError(
            [Diagnostic(WRONG_NETWORK, message, help=f"`--tag` is {listing([*published.tags, NONE], 'or')}")]
        )
    if stated and not tag:
        return (
            stated,
            f"images: as the file says, {stated.view}, mean {numbers(stated.mean)}, std {numbers(stated.std)}",
        )
    digest = ""
    if published.files:
        with file.open("rb") as data:
            digest = file_digest(data, "sha256").hexdigest()
    chosen = published.of(tag, digest)
    said = f"images: {chosen.view}, mean {numbers(chosen.mean)}, std {numbers(chosen.std)}, as for {chosen.tag}"
    if tag or digest[:8] in published.files:
        return chosen, said
    others = [each for each in (*published.tags, NONE) if not chosen.tag.endswith(f" {each}")]
    return chosen, f"{said}; for other weights, `--tag` is {listing(others, 'or')}"


def numbers(values: Collection[float]) -> str:
    """Numbers of channels as sentences have them: once where all are the same."""
    return ", ".join(f"{each:g}" for each in ([*values][:1] if len(set(values)) == 1 else values))


def _kept(held: Held) -> dict[str, str]:
    """What a file says of its weights that stays true under other names."""
    return {key: held.about[key] for key in (KEY, "spec") if key in held.about}


def _own(typed: Typed, tensors: Collection[str]) -> bool:
    """Whether all names of a network's trunk are there, as the spec gives them."""
    return all(name in tensors for name in own(typed, heads=False) if not name.endswith(COUNTER))


def _unknown(typed: Typed, file: Path, tensors: Collection[str]) -> SpecError:
    libraries = [each for each in LIBRARIES if identify.of_library(each, tensors)]
    hint = f"they are called as {listing(libraries, 'or')} has them: say `--from {libraries[0]}`" if libraries else ""
    message = f"the tensors of `{file}` are not called as those of `{typed.program.file}`"
    return SpecError([Diagnostic(WRONG_NETWORK, message, help=hint or "say whose names they have, with `--from`")])


@contextmanager
def _identified(typed: Typed, tensors: Mapping[str, Array], library: str) -> Iterator[None]:
    """Add to what does not fit which other network the tensors are of, where that is known."""
    try:
        yield
    except SpecError as error:
        hint = identify.hint(typed, {name: each.shape for name, each in tensors.items()}, library)
        first, *rest = error.diagnostics
        told = not hint or (first.code == MISSING_TENSOR and first.help)  # only heads are missing
        raise SpecError(error.diagnostics if told else [replace(first, help=hint), *rest]) from None
