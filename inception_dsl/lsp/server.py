"""The language server: it speaks the protocol over stdio, keeps the texts, and publishes diagnostics as they change."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from inception_dsl.lsp import diagnostics
from inception_dsl.lsp.analysis import real
from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.features import FEATURES
from inception_dsl.lsp.files import OpenFiles
from inception_dsl.lsp.positions import Units, path_of

PAUSE: Final = 0.02
"""Seconds without a change after which diagnostics are published: fast typing is not analysed letter by letter."""

IDLE: Final = 0.5
"""Seconds without a change after which the variants that are not open are analysed: they may be many."""

YIELD: Final = 0.001
"""Seconds before a request is answered: where many messages have arrived, one may cancel it, or change the text."""


class Server(LanguageServer):
    """The server of one client. A change sends the whole text: specs are small, and no place in them can go wrong."""

    def __init__(self, version: str) -> None:
        super().__init__("inception-dsl", version, types.TextDocumentSyncKind.Full)
        self.files = OpenFiles()
        self._due: asyncio.TimerHandle | None = None
        self._warm = False
        self._sent: dict[str, types.PublishDiagnosticsParams] = {}

    def shutdown(self) -> None:
        """End, even if a thread still waits for the client's next message, as after Ctrl-C."""
        self.thread_pool.shutdown(wait=False)
        self._thread_pool = None
        super().shutdown()  # type: ignore[no-untyped-call]

    def changed(self) -> None:
        """Publish diagnostics soon."""
        self._after(PAUSE, self._publish)

    def _publish(self) -> None:
        """Publish the diagnostics of all open files, and then of the variants that are not open, one by one."""
        changed = bool(self.files.stale)
        self._send_diagnostics()
        workspace = self.client_capabilities.workspace
        if changed and workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)
        if not self._warm:
            self._warm = True
            gc.collect()
            gc.freeze()  # what the first text has loaded stays: later collections need not look at it
        self._after(IDLE, self._publish_next)

    def _publish_next(self) -> None:
        if self.files.analyse_next():
            self._send_diagnostics()
            self._after(0, self._publish_next)
        else:
            gc.collect()  # now, and not while an answer waits

    def _send_diagnostics(self) -> None:
        for params in diagnostics.published(self.files):
            if params != self._sent.get(params.uri):
                self._sent[params.uri] = params
                self.text_document_publish_diagnostics(params)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do this later, in place of what was to be done: messages that have arrived meanwhile come first."""
        if self._due:
            self._due.cancel()
        self._due = asyncio.get_running_loop().call_later(seconds, action)


def make(version: str) -> Server:
    """The server with all features."""
    server = Server(version)

    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        workspace = server.workspace
        roots = [folder.uri for folder in workspace.folders.values()] or [workspace.root_uri or ""]
        server.files.folders = [path for path in map(path_of, roots) if path]
        server.files.units = Units(workspace.position_encoding)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        server.files.open(item.uri, item.text, item.version, item.language_id)
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.files.open(uri, server.workspace.get_text_document(uri).source, params.text_document.version)
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.files.close(params.text_document.uri)
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.files.expire(real(path_of(params.text_document.uri)))
        server.changed()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def changed_on_disk(params: types.DidChangeWatchedFilesParams) -> None:
        for change in params.changes:
            server.files.expire(real(path_of(change.uri)))
        server.changed()

    for feature in FEATURES:
        server.feature(feature.method, feature.options)(_handler(server, feature))
    return server


def _handler(server: Server, feature: Feature) -> Callable[[Any], Coroutine[Any, Any, Any]]:
    """What answers a request for a feature: nothing about a file that is not open."""

    async def handle(params: Any) -> Any:
        await asyncio.sleep(YIELD)
        file = server.files.get(params.text_document.uri)
        return feature.answer(file, params) if file else None

    return handle


def serve(version: str) -> int:
    """Serve one client over stdio, until it says `exit` or closes the stream; 1 if it did not say `shutdown` before.

    What anything else prints goes to stderr: a stray line would break the protocol.
    """
    logging.getLogger("pygls").setLevel(logging.ERROR)  # it warns of cancelled requests that were answered already
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    server = make(version)
    server.start_io(sys.stdin.buffer, output)
    return 0 if server.protocol._shutdown else 1
