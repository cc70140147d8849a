"""Convert weights between a spec's names and another library's."""

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
from inception_dsl.weights.files import COUNTER, WeightFile, read_weights
from inception_dsl.weights.matching import check_finite, match, own_names, recognizes, select_tensors
from inception_dsl.weights.names.libraries import LIBRARIES
from inception_dsl.weights.preprocessing import KEY, Preprocessing, parse_preprocessing
from inception_dsl.weights.published import PUBLISHED

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

NONE: Final = "none"
"""The tag for weights that are not among the library's: no preprocessing is recorded."""


class Transfer(NamedTuple):
    """Weights under their new names. `network` is the library's network, `left` the names that were left out.

    `notes` say how the file was read; `images` is a sentence on the preprocessing.
    """

    weights: Mapping[str, Array]
    network: str
    left: tuple[str, ...] = ()
    metadata: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()
    images: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was matched, and what was left out."""
        count = len(self.weights)
        matched = f"matched all {count} tensors with {self.network} by order, name and shape"
        if not self.network:
            matched = f"found all {count} tensors under the spec's own names"
        heads = sorted({name.partition(".")[0] for name in self.left})
        left = f"left out {len(self.left)} tensors of heads: {', '.join(heads)}"
        return (*self.notes, matched, *([left] if self.left else []), *([self.images] if self.images else []))


def import_weights(typed: Typed, file: Path, library: str, heads: bool = True, tag: str = "") -> Transfer:
    """Read a library's weights for a network; with `library` "", weights under the spec's own names, as runs save them.

    `heads=False` leaves the heads out. The library's preprocessing is recorded in the metadata: `tag` names the set of
    weights, and "none" means that they are not the library's. Raises `SpecError` E130 to E135 for a file that does not
    hold exactly this network's weights, and E132 for an unknown tag.
    """
    if library == "keras":
        found = match(typed, library, heads=heads)
        source = keras.read_keras(file, found.names.name)
        source = source._replace(tensors=source.tensors | keras.unit_scales(typed, source.tensors, found.theirs))
    else:
        source = read_weights(file, own_names(typed, heads=True))
        if has_own_names(typed, source.tensors) and not (library and recognizes(library, source.tensors)):
            return _import_own(typed, file, source, heads)
        with identified(typed, source.tensors, library):
            if not library:
                raise _unknown(typed, file, source.tensors)
            found = match(typed, library, source.tensors, heads)
        source = source._replace(tensors=found.to_ours(typed, source.tensors))
    unused = set() if typed.heads and heads else set(found.names.heads)
    optional = [name for name in source.tensors if name.rpartition(".")[0] in unused]
    with identified(typed, source.tensors, library):
        weights = select_tensors(typed, str(file), source.tensors, found.theirs, optional)
    preprocess, sentence = published_preprocessing(library, found.names.name, file, tag, preprocessing(source, file))
    preprocess = preprocess and preprocess.at(*typed.input.image)
    metadata = {KEY: preprocess.json} if preprocess else {}
    return Transfer(weights, found.title, tuple(optional), metadata, source.notes, sentence)


def _import_own(typed: Typed, file: Path, source: WeightFile, heads: bool) -> Transfer:
    names = own_names(typed, heads)
    optional = own_names(typed, heads=True).keys() - names.keys()
    weights = select_tensors(typed, str(file), source.tensors, names, optional)
    left = tuple(name for name in source.tensors if name in optional)
    return Transfer(weights, "", left, _kept(source), source.notes)


def export_weights(typed: Typed, file: Path, library: str, heads: bool = True) -> Transfer:
    """Give a network's weights a library's names, including the heads if the file has them.

    `heads=False` leaves the heads out. Raises `SpecError` E130 to E136 for a file that does not hold exactly this
    network's weights, or has NaN or infinite values.
    """
    source = read_weights(file, own_names(typed, heads=True))
    heads = heads and any(
        name in source.tensors for name in own_names(typed, heads=True).keys() - own_names(typed, heads=False).keys()
    )
    found = match(typed, library, heads=heads)
    with identified(typed, source.tensors, library):
        weights = select_tensors(
            typed, str(file), source.tensors, own_names(typed, heads), own_names(typed, heads=True)
        )
    check_finite(weights, str(file))
    return Transfer(found.to_theirs(weights), found.title, (), _kept(source), source.notes)


def load_weights(typed: Typed, file: Path, heads: bool) -> WeightFile:
    """Read a network's weights under the spec's names; the heads' may be missing unless `heads` is true.

    Raises `SpecError` E130 to E136 for a file that does not hold exactly this network's weights, or has NaN or infinite
    values.
    """
    optional = own_names(typed, heads=True)
    try:
        source = read_weights(file, optional)
        with identified(typed, source.tensors, ""):
            weights = select_tensors(
                typed, str(file), source.tensors, own_names(typed, heads), optional, "leave `--heads` out"
            )
        check_finite(weights, str(file))
    except SpecError as error:
        raise error.about(str(file)) from None
    return source._replace(tensors=weights)


def preprocessing(source: WeightFile, file: Path) -> Preprocessing | None:
    """The preprocessing that a weight file states, if any. Raises `SpecError` E130 if it is invalid."""
    if KEY not in source.metadata:
        return None
    try:
        return parse_preprocessing(source.metadata[KEY])
    except ValueError as error:
        hint = "import the weights again, or remove the entry"
        message = f"`{KEY}` in the metadata of `{file}` {error}"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help=hint, file=str(file))]) from None


def published_preprocessing(
    library: str, network: str, file: Path, tag: str, stated: Preprocessing | None
) -> tuple[Preprocessing | None, str]:
    """The preprocessing of a library's weights, and a sentence about it for the user."""
    published = PUBLISHED[library].get(network)
    if tag == NONE or published is None:
        return None, ""
    if tag and tag not in published.tags:
        message = f"unknown weights `{tag}` of {library}'s {network}"
        raise SpecError(
            [Diagnostic(WRONG_NETWORK, message, help=f"set `--tag` to {listing([*published.tags, NONE], 'or')}")]
        )
    if stated and not tag:
        return stated, f"images: {stated.sentence}, as the file states"
    digest = ""
    if published.files:
        with file.open("rb") as data:
            digest = file_digest(data, "sha256").hexdigest()
    chosen = published.of(tag, digest)
    sentence = f"images: {chosen.sentence}, as for {chosen.tag}"
    if tag or digest[:8] in published.files:
        return chosen, sentence
    others = [other for other in (*published.tags, NONE) if not chosen.tag.endswith(f" {other}")]
    return chosen, f"{sentence}; for other weights, set `--tag` to {listing(others, 'or')}"


def _kept(source: WeightFile) -> dict[str, str]:
    """The metadata that stays true when tensors are renamed."""
    return {key: source.metadata[key] for key in (KEY, "spec", "loss") if key in source.metadata}


def has_own_names(typed: Typed, tensors: Collection[str]) -> bool:
    """Whether all tensors of the trunk are present under the spec's names."""
    return all(name in tensors for name in own_names(typed, heads=False) if not name.endswith(COUNTER))


def _unknown(typed: Typed, file: Path, tensors: Collection[str]) -> SpecError:
    specs = {library: [each.spec for each in identify.networks_with_names(library, tensors)] for library in LIBRARIES}
    libraries = [library for library, known in specs.items() if known]
    libraries.sort(key=lambda library: typed.program.name not in specs[library])
    hint = f"these are names of {listing(libraries, 'or')}: add `--from {libraries[0]}`" if libraries else ""
    message = f"the tensor names in `{file}` do not match the network `{typed.program.name}`"
    return SpecError(
        [Diagnostic(WRONG_NETWORK, message, help=hint or "name the library that they come from with `--from`")]
    )


@contextmanager
def identified(typed: Typed, tensors: Mapping[str, Array], library: str) -> Iterator[None]:
    """Add a hint to the first error: the network that the tensors belong to, if it is known."""
    try:
        yield
    except SpecError as error:
        hint = identify.hint(typed, {name: tensor.shape for name, tensor in tensors.items()}, library)
        first, *rest = error.diagnostics
        explained = not hint or (first.code == MISSING_TENSOR and first.help)  # only heads are missing
        raise SpecError(error.diagnostics if explained else [replace(first, help=hint), *rest]) from None
