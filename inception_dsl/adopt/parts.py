"""Chains of layers that stand in several structures, or often in one, as modules of their own: a separable convolution.

A structure that occurs several times counts once: what is in it is written once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from inception_dsl.adopt.columns import Sample
from inception_dsl.adopt.modules import Candidate, Modules, is_worth
from inception_dsl.adopt.slots import is_layer, skeleton
from inception_dsl.adopt.terms import in_a_row, relabelled
from inception_dsl.syntax.terms import Chain, Labelled, Term, Use, given_in, walk, with_children

MOST_STEPS: Final = 8
"""The most steps of a part."""

FEWEST_LAYERS: Final = 3
FEWEST_SAVED: Final = 6
"""The fewest layers of a part, and the fewest that need not be written again because of it."""

MOST_ROUNDS: Final = 6
"""The most rounds in which parts of parts are found."""

Kinds = Mapping[str, Mapping[str, str]]


def with_parts(candidates: Sequence[Candidate], modules: Modules) -> list[Candidate]:
    """Structures with calls in place of their parts, which become modules; and of those that are such a part."""
    found = [*candidates]
    for _ in range(MOST_ROUNDS):
        keys = _chosen([candidate.sample for candidate in found], modules.kinds)
        if not keys:
            break
        rewritings = [_Rewriting(candidate, keys, modules.kinds) for candidate in found]
        calls = iter(modules.extract([part for rewriting in rewritings for part in rewriting.parts]))
        found = [rewriting.with_calls([next(calls) for _ in rewriting.parts]) for rewriting in rewritings]
    return found


def _chosen(samples: Sequence[Sample], kinds: Kinds) -> set[Hashable]:
    """The skeletons of the parts that save most, with those that differ from them in kernels and the like only."""
    counts: Counter[Hashable] = Counter()
    terms: dict[Hashable, Term] = {}
    for term in {skeleton(sample.term, kinds): sample.term for sample in samples}.values():
        last: dict[tuple[int, Hashable], int] = {}  # where the last part of a kind ends in a chain
        for window in _windows(term):
            key = skeleton(window.term, kinds)
            if last.get((id(window.chain), key), 0) <= window.start:
                last[id(window.chain), key] = window.start + window.length
                terms.setdefault(key, window.term)
                counts[key] += 1
    saved = {
        key: (count - 1) * (sum(map(is_layer, walk(terms[key]))) - 1)
        for key, count in counts.items()
        if is_worth(terms[key], count)
    }
    best = max(saved, key=lambda key: saved[key], default=None)
    if best is None or saved[best] < FEWEST_SAVED:
        return set()
    alike = skeleton(terms[best], kinds, loose=True)
    return {
        key
        for key, number in saved.items()
        if number >= FEWEST_SAVED and skeleton(terms[key], kinds, loose=True) == alike
    }


class _Window(NamedTuple):
    """Steps of a chain that stand together, from the place `start` on, as a term by itself."""

    chain: Chain
    start: int
    length: int
    term: Term


def _windows(term: Term) -> Iterator[_Window]:
    """The parts that chains in a term have, all but the whole term: they read nothing but what they make themselves."""
    read = Counter(_read(term))
    for chain in walk(term):
        if not isinstance(chain, Chain):
            continue
        for start in range(len(chain.steps)):
            for end in range(start + 1, min(start + MOST_STEPS, len(chain.steps)) + 1):
                steps = chain.steps[start:end]
                if chain is term and len(steps) == len(chain.steps):
                    continue
                part = in_a_row([*steps])
                if sum(map(is_layer, walk(part))) >= FEWEST_LAYERS and _is_closed(part, read):
                    yield _Window(chain, start, end - start, relabelled(part))


def _read(term: Term) -> Iterator[str]:
    """The labels and rows that a term reads, as often as it does."""
    for inner in walk(term):
        yield from given_in(inner)
        if isinstance(inner, Use) and inner.name == "again":
            yield inner.words[0].text


def _is_closed(part: Term, read: Mapping[str, int]) -> bool:
    """Whether a part of a term reads what it labels itself, and nothing else reads that; `read` is what the term does.

    A label of the part itself, or of its last step, is for others.
    """
    labels = {inner.label for inner in walk(part) if isinstance(inner, Labelled)}
    own = Counter(_read(part))
    return own.keys() <= labels and all(own[label] == read[label] for label in labels)


class _Rewriting:
    """A structure whose parts are cut out: `parts` in order, each with the channels that arrive in it."""

    def __init__(self, candidate: Candidate, keys: Collection[Hashable], kinds: Kinds) -> None:
        sample = candidate.sample
        self.windows = {
            (id(window.chain), window.start): window
            for window in _windows(sample.term)
            if skeleton(window.term, kinds) in keys
        }
        self.candidate, self.arriving = candidate, [*sample.arriving]
        self.parts: list[Candidate] = []
        self.places: dict[int, int] = {}  # the number of the part that a term stands for
        self.kept: list[int] = []
        whole = relabelled(sample.term)
        self.is_whole = skeleton(whole, kinds) in keys
        self.term = self._part(whole) if self.is_whole else self._term(sample.term)

    def with_calls(self, calls: Sequence[Use | None]) -> Candidate:
        """The structure with calls of modules in place of its parts."""

        def called(term: Term) -> Term:
            if (place := self.places.get(id(term))) is not None:
                call = calls[place]
                assert call is not None  # a part is worth a module
                return call
            return with_children(term, called)

        sample = replace(self.candidate.sample, term=called(self.term), arriving=tuple(self.kept))
        return replace(self.candidate, sample=sample)

    def _term(self, term: Term) -> Term:
        if isinstance(term, Chain):
            return in_a_row([*self._chain(term)])
        if is_layer(term):
            self.kept.append(self.arriving.pop(0))
        return with_children(term, self._term)

    def _chain(self, chain: Chain) -> Iterator[Term]:
        place = 0
        while place < len(chain.steps):
            if window := self.windows.get((id(chain), place)):
                yield self._part(window.term)
                place += window.length
            else:
                yield self._term(chain.steps[place])
                place += 1

    def _part(self, window: Term) -> Term:
        count = sum(map(is_layer, walk(window)))
        arriving, self.arriving = self.arriving[:count], self.arriving[count:]
        self.kept.append(arriving[0])
        call = Use("part")
        self.places[id(call)] = len(self.parts)
        part = Sample(window, tuple(arriving), arriving[0])
        self.parts.append(replace(self.candidate, sample=part) if self.is_whole else Candidate(part, ()))
        return call
