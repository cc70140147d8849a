"""The first line of a spec, which tells editors its schema: `# yaml-language-server: $schema=../schemas/spec.json`.

https://github.com/redhat-developer/yaml-language-server#using-inlined-schema
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PREFIX: Final = "# yaml-language-server: $schema="

FOLDER: Final = "schemas"
"""The folder of the published schemas, in the root of a project: `schemas/spec.json`."""


def modeline(file: str | os.PathLike[str], kind: str = "spec") -> str:
    """The line for a file of a kind; empty unless there is a schema for it, in the folder of the file or above it."""
    above = Path(os.path.abspath(file)).parents
    for up, folder in enumerate(above):
        if (folder / FOLDER / f"{kind}.json").is_file():
            return f"{PREFIX}{'../' * up}{FOLDER}/{kind}.json"
    return ""


def with_modeline(text: str, line: str) -> str:
    """A text with this modeline, or with none, in the place of its own."""
    first, _, rest = text.partition("\n")
    rest = rest if first.startswith(PREFIX) else text
    return f"{line}\n{rest}" if line else rest
