"""The files that are open in the editor: their unsaved texts, what these give, and the diagnostics of all of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

from lsprotocol.types import Location, Position, Range

from inception_dsl.compilation import Build
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, Span, SpecError
from inception_dsl.lsp.analysis import Analysis, Networks, analyse, is_ours, real
from inception_dsl.lsp.family import Member, member_of, variants_of
from inception_dsl.lsp.place import Place
from inception_dsl.lsp.places import Places
from inception_dsl.lsp.positions import Units, path_of, uri_of
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.syntax import source as sources

PATIENCE: Final = 0.1
"""Seconds that an analysis may take for a request to wait for it."""


class OpenFile:
    """A file as the editor holds it. `path` is "" for one that was never saved."""

    def __init__(self, files: OpenFiles, uri: str, text: str, version: int | None = None, language: str = "") -> None:
        self.files = files
        self.uri = uri
        self.language = language
        self.path = path_of(uri)
        self.key = real(self.path) if self.path else uri
        self._spec: NetworkSpec | None = None
        self._build: Build | None = None
        self._seconds = 0.0
        self._networks = Networks(files.read)
        self.change(text, version)

    def change(self, text: str, version: int | None = None) -> None:
        """Take a new text."""
        self.version = version
        self.source = _decoded(text, self.path or self.uri)
        self._forget()

    def expire(self) -> None:
        """Forget what another file gave, which has changed."""
        self._networks = Networks(self.files.read)
        self._forget()

    def _forget(self) -> None:
        """Compute anew what depends on the texts."""
        vars(self).pop("analysis", None)
        vars(self).pop("member", None)

    @property
    def is_fresh(self) -> bool:
        """Whether its analysis is that of the present texts."""
        return "analysis" in vars(self)

    @cached_property
    def analysis(self) -> Analysis:
        """What the present text gives."""
        if not is_ours(self.source.text, self.language):
            return Analysis(read=frozenset({self.key}))
        begun = time.perf_counter()
        found = analyse(self.source, self.path, self.files.read, self._networks)
        self._seconds = time.perf_counter() - begun
        self._spec, self._build = found.spec or self._spec, found.build or self._build
        return found

    @property
    def spec(self) -> NetworkSpec | None:
        """The last text that could be read: while the present one is broken, features answer from it."""
        self._catch_up()
        return self._spec

    @property
    def build(self) -> Build | None:
        """What the last text gave that compiled."""
        self._catch_up()
        return self._build

    def _catch_up(self) -> None:
        """Analyse the present text, unless that takes long: then the answer waits for no more than the diagnostics."""
        if not self.is_fresh and self._seconds < PATIENCE:
            _ = self.analysis

    @cached_property
    def member(self) -> Member:
        """The file in its family: with the specs that it extends."""
        return member_of(self.files, self.path, self.source)

    @property
    def places(self) -> Places:
        """What stands where in the present text."""
        return self.member.places

    def place(self, position: Position) -> tuple[int, int]:
        """The line and column, from 1, of a position of the client."""
        return self.files.units.place(self.source, position)

    def at(self, position: Position) -> Place:
        """What is at a position of the client, or could be written there."""
        return self.places.at(*self.place(position))

    def range(self, span: Span) -> Range:
        """The client's range of a span, of this file or another."""
        return self.files.units.range(span)

    def location(self, span: Span) -> Location:
        """The client's location of a span, of this file or another."""
        return Location(self.files.uri(span.source.file), self.range(span))


class OpenFiles:
    """All open files, by URI, and the variants of them that are not open but may be broken by an edit."""

    def __init__(self, folders: Iterable[str] = ()) -> None:
        self.units = Units()
        self.folders = [*folders]
        """The folders of the workspace."""
        self._closed: dict[str, OpenFile] = {}
        self._edited: dict[str, OpenFile] = {}
        self._due: list[Member] = []
        self._files: dict[str, OpenFile] = {}
        self._shown: set[str] = set()

    def __iter__(self) -> Iterator[OpenFile]:
        return iter(self._files.values())

    def get(self, uri: str) -> OpenFile | None:
        """An open file; None where none has the URI."""
        return self._files.get(uri)

    def open(self, uri: str, text: str, version: int | None = None, language: str = "") -> OpenFile:
        """Open a file, or change the text of an open one."""
        if file := self._files.get(uri):
            file.change(text, version)
            self._edited[uri] = file
        else:
            file = self._files[uri] = OpenFile(self, uri, text, version, language)
            self._closed.pop(file.key, None)
        self.expire(file.key)
        return file

    def close(self, uri: str) -> None:
        """Close a file: from now on, those that extend it read it from the disk."""
        if file := self._files.pop(uri, None):
            self._edited[uri] = file
            self.expire(file.key)

    def expire(self, key: str) -> None:
        """Forget the analyses of all files that read another."""
        for file in self:
            if file.key != key and (not file.is_fresh or key in file.analysis.read):
                file.expire()

    @property
    def stale(self) -> list[OpenFile]:
        """The files whose texts, or those of the files that they read, have changed."""
        return [file for file in self if not file.is_fresh]

    def analyse_next(self) -> bool:
        """Analyse one of the variants that edits may have broken and that are not open; whether there was one."""
        while self._edited:
            _, file = self._edited.popitem()
            self._due += variants_of(self, file.member)
        opened = {file.key for file in self}
        while self._due:
            variant = self._due.pop(0)
            self._closed.pop(variant.key, None)
            if variant.key not in opened:
                file = OpenFile(self, uri_of(variant.path), variant.source.text)
                if file.analysis.diagnostics:
                    self._closed[variant.key] = file
                return True
        return False

    @property
    def texts(self) -> dict[str, Source]:
        """The texts of the open files that have a path, by that."""
        return {file.path: file.source for file in self if file.path}

    def read(self, path: str) -> Source:
        """Read a file: as it is open, or from the disk. Raises `SpecError`."""
        key = real(path)
        opened = next((file for file in self if file.key == key), None)
        return _decoded(opened.source.text, path) if opened else sources.read(path)

    def uri(self, path: str) -> str:
        """The URI of a file: the one that the client uses, where it is open."""
        key = real(path)
        return next((file.uri for file in self if path == file.uri or file.key == key), None) or uri_of(key)

    def diagnostics(self) -> dict[str, list[Diagnostic]]:
        """The diagnostics to show, by URI: of all open files, once each, and none where there were some before."""
        found: dict[str, dict[Any, Diagnostic]] = {file.uri: {} for file in self}
        for file in (*self, *self._closed.values()):
            for diagnostic in file.analysis.diagnostics:
                place = diagnostic.span[1:] if diagnostic.span else None
                uri = self.uri(diagnostic.path) if diagnostic.path else file.uri
                found.setdefault(uri, {})[diagnostic.code, place, diagnostic.message] = diagnostic
        gone = self._shown - found.keys()
        self._shown = {*found}
        return {uri: [*found.get(uri, {}).values()] for uri in (*found, *gone)}


def _decoded(text: str, path: str) -> Source:
    """A text as the compiler reads it from a file, even one that no file can hold."""
    try:
        return sources.decode(text.encode(), path, sources.citation(path))
    except (UnicodeEncodeError, SpecError):
        return Source(path, text.replace("\r\n", "\n").replace("\r", "\n"))
