"""A spec among those that it extends and those that extend it, and the claims about them, as texts with places."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import PurePath
from typing import Final, NamedTuple, Protocol

from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.files import builtin, folders
from inception_dsl.lsp.analysis import holds_claims, real
from inception_dsl.lsp.places import Places
from inception_dsl.spec import loader
from inception_dsl.syntax import source as sources

MOST_FILES: Final = 5_000
"""The most files of a folder that are searched for variants."""

_EXTENDS: Final = re.compile(r"""^extends[ \t]*:[ \t]*["']?([^\s"'#][^"'#\n]*)""", re.MULTILINE)


class Workspace(Protocol):
    """The files that a client knows: its folders, the texts that are open, by path, and a way to read any file."""

    folders: list[str]

    @property
    def texts(self) -> Mapping[str, Source]:
        """The texts that are open, by the path of the file."""
        ...

    def read(self, path: str) -> Source:
        """A file as it is open, or from the disk. Raises `SpecError`."""
        ...


@dataclass(frozen=True, eq=False)
class Member:
    """A spec: its path ("" for one that was never saved), its text, and the spec that it extends."""

    path: str
    source: Source
    base: Member | None

    @cached_property
    def key(self) -> str:
        """What tells its file from others, by whatever path it is reached."""
        return real(self.path) if self.path else self.source.file

    @property
    def network(self) -> str:
        """What claims call it: the name of its file."""
        return PurePath(self.path).stem

    @cached_property
    def steps(self) -> frozenset[tuple[object, str]]:
        """The labelled steps: the formula of each, and its label."""
        found = (place for place in self.places.all if place.kind == "label" and place.defines)
        return frozenset((place.formula, place.text) for place in found)

    @cached_property
    def places(self) -> Places:
        """What stands where in its text."""
        return Places(self.source, self.base.places.settings if self.base else ())

    @property
    def chain(self) -> Iterator[Member]:
        """The spec, then the one that it extends, and so on."""
        member: Member | None = self
        while member:
            yield member
            member = member.base


def member_of(files: Workspace, path: str, source: Source) -> Member:
    """A text, with its bases as far as they can be read."""
    return Member(path, source, _base(files, path, source, ()))


def _member(files: Workspace, path: str, below: tuple[str, ...]) -> Member | None:
    """A file, unless it cannot be read, or is among those `below` it."""
    try:
        source = files.read(path)
    except SpecError:
        return None
    return Member(path, source, _base(files, path, source, below))


def _base(files: Workspace, path: str, source: Source, below: tuple[str, ...]) -> Member | None:
    heading, below = _heading(path, source.text), (*below, real(path))
    return _member(files, heading.base, below) if heading.base and heading.key not in below else None


def variants_of(files: Workspace, member: Member) -> Iterator[Member]:
    """The specs that extend one, directly or not, each after its base."""
    bases: dict[str, list[str]] = {}
    for path, heading in _others(files, member):
        if heading.base:
            bases.setdefault(heading.key, []).append(path)
    ahead, seen = [member], {member.key}
    while ahead:
        base = ahead.pop(0)
        for path in bases.get(base.key, ()):
            if real(path) not in seen:
                seen.add(real(path))
                variant = Member(path, files.read(path), base)
                ahead.append(variant)
                yield variant


def extends(path: str, key: str) -> bool:
    """Whether a file on the disk extends the file with this key, directly or not."""
    seen: set[str] = set()
    while path and real(path) not in seen:
        seen.add(real(path))
        try:
            state = os.stat(real(path))
        except OSError:
            return False
        heading = _heading_of(path, state.st_mtime_ns, state.st_size)
        if heading.key == key:
            return True
        path = heading.base
    return False


def spec_called(network: str, files: Workspace, claims: Member) -> Member | None:
    """The spec that claims call by the name of its file."""
    paths = [path for path, _ in _others(files, claims) if PurePath(path).stem == network]
    return _member(files, paths[0], ()) if paths else None


def claims_about(files: Workspace, member: Member) -> Iterator[Member]:
    """The files of claims in the workspace."""
    for path, heading in _others(files, member):
        if heading.claims:
            yield Member(path, files.read(path), None)


# --- the other files of a workspace -----------------------------------------------------------------------------------


class _Heading(NamedTuple):
    """What a file extends, the file of that (both are empty for nothing), and whether it holds claims."""

    base: str
    key: str
    claims: bool


def _others(files: Workspace, member: Member) -> Iterator[tuple[str, _Heading]]:
    """The YAML files in the workspace, or in the folder of a spec that is in none, and those that are open."""
    folder = os.path.dirname(os.path.abspath(member.path)) if member.path else ""
    roots = [root for root in files.folders if not folder or f"{folder}/".startswith(f"{root}/")] or [folder]
    opened = {path: _heading(path, source.text) for path, source in files.texts.items()}
    yield from opened.items()
    for root in filter(None, roots):
        for path, state in _yaml_files(root):
            if path not in opened:
                yield path, _heading_of(path, *state)


def _yaml_files(root: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The YAML files below a folder, each with what changes when it is written."""
    try:
        for name in islice(folders.walk(root), MOST_FILES):
            if name.endswith((".yaml", ".yml")):
                path = os.path.join(root, name)
                status = os.stat(path)
                yield path, (status.st_mtime_ns, status.st_size)
    except OSError:
        return


@lru_cache(MOST_FILES)
def _heading_of(path: str, written: int, size: int) -> _Heading:
    """What a file on the disk extends, read again once it was written."""
    try:
        return _heading(path, sources.read(path).text)
    except SpecError:
        return _Heading("", "", claims=False)


def _heading(path: str, text: str) -> _Heading:
    written = _EXTENDS.search(text)
    near = written and (path or written[1].startswith(builtin.PREFIX))
    base = loader.beside(path, written[1].strip()) if written and near else ""
    return _Heading(base, real(base) if base else "", holds_claims(text))
