"""Measure the language server as an editor meets it: a client over stdio that types into GoogLeNet.

    python benchmarks/editor.py [--keys N]

Each key is a change of the text in the table; then the client waits for the diagnostics of that version, and for every
second key it breaks the text. Hover, completion, inlay hints and semantic tokens are asked for right after a key, so
that the server has to analyse the text for them too. Times are those of the client's clock, and of the server's CPU.
Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from lsp_client import Editor, editor  # noqa: E402 - from the tests' folder
from lsprotocol import types  # noqa: E402, TID251 - it speaks as an editor

SPEC = ROOT / "specs" / "googlenet.yaml"
GOALS = {"diagnostics": 100.0, "hover": 50.0, "completion": 50.0}
"""The most milliseconds of the 95th percentile."""
ASKED = {
    "hover": types.TEXT_DOCUMENT_HOVER,
    "completion": types.TEXT_DOCUMENT_COMPLETION,
    "inlay hints": types.TEXT_DOCUMENT_INLAY_HINT,
    "semantic tokens": types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
}


def percentile(times: Sequence[float], share: float) -> float:
    """The time that a share of them does not exceed."""
    return sorted(times)[min(int(share * len(times)), len(times) - 1)]


def texts(keys: int) -> list[str]:
    """The texts while someone types into the row inception_4a: each is another, and every second one is broken."""
    text = SPEC.read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.strip().startswith("inception_4a"))
    return [text.replace(row, row.replace("| 96 ", f"| {96 + key}{'x' * (key % 2)} ", 1)) for key in range(keys)]


def question(method: str, uri: str, text: str) -> Any:
    """A question about the row that is typed into."""
    line = next(i for i, each in enumerate(text.splitlines()) if each.strip().startswith("inception_4a"))
    known = {
        "position": types.Position(line, text.splitlines()[line].index("inception ") + 4),
        "range": types.Range(types.Position(0, 0), types.Position(len(text.splitlines()), 0)),
    }
    kind: Any = types.METHOD_TO_TYPES[method][2]
    names = {field.name for field in kind.__attrs_attrs__}
    return kind(types.TextDocumentIdentifier(uri), **{name: value for name, value in known.items() if name in names})


def cpu(process: int) -> float:
    """The milliseconds of CPU that a process has used."""
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) * 1e3 / os.sysconf("SC_CLK_TCK")


async def measure(one: Editor, keys: int) -> dict[str, list[float]]:
    """The milliseconds from each key to its answers."""
    uri = SPEC.as_uri()
    found: dict[str, list[float]] = {"diagnostics": [], **{name: [] for name in ASKED}}
    protocol: Any = one.client.protocol
    await one.write(uri, SPEC.read_text(encoding="utf-8"))
    for text in texts(keys):
        begun = time.perf_counter()
        await one.write(uri, text)
        found["diagnostics"].append((time.perf_counter() - begun) * 1e3)
    for name, method in ASKED.items():
        for text in texts(keys):
            one.type(uri, text)
            begun = time.perf_counter()
            await protocol.send_request_async(method, question(method, uri, text))
            found[name].append((time.perf_counter() - begun) * 1e3)
            await asyncio.sleep(0.05)  # the diagnostics of this version come meanwhile
    return found


async def main() -> int:
    """Print a table; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=100, help="how many keys are typed for each line of the table")
    keys = parser.parse_args().keys
    async with editor(folder=ROOT.as_uri()) as one:
        assert one.client._server
        start = cpu(one.client._server.pid)
        found = await measure(one, keys)
        used = cpu(one.client._server.pid) - start
    print("| answer          | median ms |  p95 ms |  goal |      |")
    print("|-----------------|----------:|--------:|------:|------|")
    missed = False
    for name, times in found.items():
        half, most, goal = percentile(times, 0.5), percentile(times, 0.95), GOALS.get(name)
        verdict = "" if goal is None else "met" if most <= goal else "missed"
        missed |= verdict == "missed"
        print(f"| {name:15} | {half:9.1f} | {most:7.1f} | {goal or '':>5} | {verdict:4} |")
    print(f"\n{used / (keys * len(found)):.1f} ms of the server's CPU a key; it started with {start:.0f} ms")
    return int(missed)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
