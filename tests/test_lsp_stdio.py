"""The language server over stdio, as an editor speaks with it: pytest-lsp's client."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from lsp_client import COMMAND, editor, run
from lsp_editor import SMALL
from lsprotocol import types
from pygls.exceptions import JsonRpcMethodNotFound, JsonRpcRequestCancelled

from inception_dsl.lsp.server import YIELD, make

BROKEN = SMALL.replace("conv 3x3 8", "convv 3x3 8")

BEYOND = 'paper: {title: "\N{MUSICAL SYMBOL G CLEF}", yeer: 2015}\n' + SMALL.lstrip()
"""A character that UTF-16 writes as two, before a key that is wrong."""

NOISY = """
import os
from inception_dsl.cli.main import main
from inception_dsl.lsp import files
def noisy(*words, analyse=files.analyse):
    print("noise")
    os.write(1, b"noise")
    return analyse(*words)
files.analyse = noisy
main(["lsp"])
"""


def at(uri: str, line: int, character: int) -> types.HoverParams:
    """A question about a position."""
    return types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(line, character))


@pytest.fixture
def small(tmp_path: Path) -> str:
    """The URI of a file that is not on the disk, in a folder whose name has a space."""
    return (tmp_path / "my specs" / "small.yaml").as_uri()


def test_a_conversation(small: str) -> None:
    async def conversation() -> None:
        async with editor() as one:
            client = one.client
            assert [each.code for each in await one.write(small, BROKEN)] == ["E201"]
            assert await one.write(small, SMALL) == ()

            # what is typed fast is not analysed letter by letter; the last text counts
            for end in range(len(SMALL) - 60, len(SMALL)):
                one.type(small, SMALL[:end])
            assert await one.write(small, SMALL) == ()

            shown = await client.text_document_hover_async(at(small, 6, 3))
            assert shown
            assert "8x8x8" in str(shown.contents)

            # a question about a file that is not open, or beyond the end, has no answer
            assert await client.text_document_hover_async(at("file:///no.yaml", 0, 0)) is None
            assert await client.text_document_hover_async(at(small, 999, 999)) is None

            with pytest.raises(JsonRpcMethodNotFound):
                await client.text_document_moniker_async(
                    types.MonikerParams(types.TextDocumentIdentifier(small), types.Position(0, 0))
                )

            protocol: Any = client.protocol
            answer = asyncio.wrap_future(protocol.send_request(types.TEXT_DOCUMENT_HOVER, at(small, 6, 3), msg_id="x"))
            client.cancel_request(types.CancelParams("x"))
            with suppress(JsonRpcRequestCancelled):  # or it was answered before
                assert await answer == shown
            assert await client.text_document_hover_async(at(small, 6, 3)) == shown

            windows = "file:///c%3A/Specs/my%20small.yaml"
            found = await one.write(windows, BEYOND)
            assert [each.code for each in found] == ["E103"]
            assert (found[0].range.start.character, found[0].range.end.character) == (21, 25)

            assert await one.end() == 0

    run(conversation())


class Sent(list[Any]):
    """What a server has sent, in place of a stream."""

    def write(self, data: bytes) -> None:
        """Take one message."""
        self.append(json.loads(data))

    def close(self) -> None:
        """Nothing is left to do."""


def test_a_request_that_waits_is_cancelled(small: str) -> None:
    async def conversation() -> Sent:
        server, sent = make("1"), Sent()
        protocol: Any = server.protocol
        protocol.set_writer(sent, include_headers=False)
        server.files.open(small, SMALL)
        for number in (1, 2):
            protocol.handle_message(types.HoverRequest(number, at(small, 6, 3)))
        protocol.handle_message(types.CancelNotification(types.CancelParams(1)))
        await asyncio.sleep(20 * YIELD)
        return sent

    answers = {message["id"]: message for message in run(conversation())}
    assert answers[1]["error"]["code"] == types.LSPErrorCodes.RequestCancelled
    assert "8x8x8" in answers[2]["result"]["contents"]["value"]


def test_what_is_printed_does_not_break_the_protocol(small: str) -> None:
    async def conversation() -> None:
        async with editor(sys.executable, "-c", NOISY) as one:
            assert [each.code for each in await one.write(small, BROKEN)] == ["E201"]
            assert await one.write(small, SMALL) == ()

    run(conversation())


@pytest.mark.parametrize("word", ["", "Content-Length: 33\r\n\r\n" + '{"jsonrpc":"2.0","method":"exit"}'])
def test_a_server_ends_with_its_client(word: str) -> None:
    """A closed stream, or `exit` without `shutdown`: the exit code tells that it was not asked to end."""

    async def conversation() -> tuple[int | None, bytes]:
        server = await asyncio.create_subprocess_exec(
            *COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        _, told = await server.communicate(word.encode())
        return server.returncode, told

    assert run(conversation()) == (1, b"")
