"""A migration: what becomes of a network's weights in another. `diff --map` writes it, `weights migrate` applies it.

{"version": 1, "from": {...}, "to": {...},
 "tensors": {"mixed_3a.b1x1.conv.weight": "inception_3a.b1x1.conv.weight", "fc.weight": null}, "dropped": [...]}

Every tensor of the new network takes the values of one of the old network, or is drawn anew (null).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from inception_dsl.diagnostics.codes.weights import INVALID_MIGRATION
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError

VERSION: Final = 1


class Endpoint(NamedTuple):
    """One of the two networks: its name, and its spec as it was given."""

    network: str
    spec: str


class Migration(NamedTuple):
    """A migration between two networks; `tensors` maps the new names to the old ones, or to None.

    `dropped` are the old tensors that the new network does not take.
    """

    before: Endpoint
    after: Endpoint
    tensors: Mapping[str, str | None]
    dropped: tuple[str, ...]

    def json(self) -> str:
        """The migration as the text of a file."""
        data = {
            "version": VERSION,
            "from": self.before._asdict(),
            "to": self.after._asdict(),
            "tensors": dict(self.tensors),
            "dropped": list(self.dropped),
        }
        return json.dumps(data, indent=2) + "\n"


def read_migration(source: Source) -> Migration:
    """Read a migration. Raises `SpecError` E138 where the text is none."""
    try:
        data = json.loads(source.text)
    except (ValueError, RecursionError) as error:
        raise invalid(source.file, f"it is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise invalid(source.file, "it is not a JSON object")
    if data.get("version") != VERSION:
        raise invalid(source.file, f"its `version` must be {VERSION}")
    tensors, dropped = data.get("tensors"), data.get("dropped", [])
    if not isinstance(tensors, dict) or not all(old is None or isinstance(old, str) for old in tensors.values()):
        raise invalid(source.file, "its `tensors` must map the name of every tensor to another name, or to null")
    if not isinstance(dropped, list) or not all(isinstance(name, str) for name in dropped):
        raise invalid(source.file, "its `dropped` must be a list of names")
    return Migration(_endpoint(data.get("from")), _endpoint(data.get("to")), tensors, tuple(dropped))


def invalid(file: str, why: str, hint: str = "write it with `inception-dsl diff BEFORE AFTER --map FILE`") -> SpecError:
    """The error of a migration that cannot be used."""
    return SpecError(
        [Diagnostic(INVALID_MIGRATION, f"`{file}` is not a usable migration: {why}", help=hint, file=file)]
    )


def _endpoint(data: Any) -> Endpoint:
    """A network as a migration names it, for people: nothing depends on it."""
    found = data if isinstance(data, dict) else {}
    return Endpoint(str(found.get("network", "")), str(found.get("spec", "")))
