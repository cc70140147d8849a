"""A client of the language server over stdio, for tests and benchmarks: pytest-lsp's."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from lsprotocol import types
from pytest_lsp import LanguageClient, make_test_lsp_client

T = TypeVar("T")

COMMAND = (sys.executable, "-m", "inception_dsl", "lsp")
PATIENCE = 60
"""Seconds after which a conversation has failed."""


class Editor:
    """An editor that has started the server."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.versions: dict[str, int] = {}

    async def write(self, uri: str, text: str) -> Sequence[types.Diagnostic]:
        """Open a file, or change its text, and wait for the diagnostics of that version."""
        self.type(uri, text)
        return await self.diagnostics(uri)

    def type(self, uri: str, text: str) -> None:
        """Open a file, or change its text."""
        version = self.versions[uri] = self.versions.get(uri, 0) + 1
        if version == 1:
            item = types.TextDocumentItem(uri, "yaml", version, text)
            self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        else:
            changed = types.VersionedTextDocumentIdentifier(version, uri)
            whole = types.TextDocumentContentChangeWholeDocument(text)
            self.client.text_document_did_change(types.DidChangeTextDocumentParams(changed, [whole]))

    async def diagnostics(self, uri: str) -> Sequence[types.Diagnostic]:
        """Wait for the diagnostics of the last version of a file."""
        while True:
            told = await self.client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
            if told.uri == uri and told.version == self.versions[uri]:
                found: Sequence[types.Diagnostic] = told.diagnostics
                return found

    async def end(self) -> int | None:
        """Say `shutdown` and `exit`; the exit code of the server."""
        await self.client.shutdown_session()
        assert self.client._server
        return self.client._server.returncode


@asynccontextmanager
async def editor(*command: str, folder: str | None = None) -> AsyncIterator[Editor]:
    """Start a server, by default as editors do; it is ended at the end, if it has not ended itself."""
    client = make_test_lsp_client()
    await client.start_io(*(command or COMMAND))
    assert client._server
    try:
        await client.initialize_session(types.InitializeParams(types.ClientCapabilities(), root_uri=folder))
        yield Editor(client)
    finally:
        with suppress(ProcessLookupError):
            client._server.kill()
        await client._server.wait()
        await client.stop()  # type: ignore[no-untyped-call]


def run(conversation: Coroutine[Any, Any, T]) -> T:
    """Hold a conversation with a server to its end."""
    return asyncio.run(asyncio.wait_for(conversation, PATIENCE))
