"""The text of a new variant: what it extends, and the parts of its base as examples of edits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import indent
from typing import Any, Final

from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.printer import as_file
from inception_dsl.syntax.yaml_printer import dump, flow
from inception_dsl.text.terminal import visible

MAX_ROWS: Final = 500
"""The most rows of a base that are shown."""

HEADER: Final = """\
# A variant of {title}.
# The lines behind `# ` are the parts of the base: remove the `# ` of those that you change, and of the keys above them.
# `inception-dsl check {file}` checks the variant; `inception-dsl show --resolved {file}` prints it as a complete spec.

"""

INSERTED: Final = "added"


def variant(name: str, file: str, extends: str, base: NetworkSpec) -> str:
    """The text of a variant called `name` of the spec `base`; `extends` is the path of that, `file` the variant's."""
    data = as_file(base)
    parts = [
        dump({"extends": extends, "network": name, "title": f"{base.title[:400]}, {name}"}),
        _comment(dump({"input": data["input"], "classes": base.classes})),
        _comment("override:\n" + "".join(_overrides(base, data))),
        _comment("insert:\n" + "".join(_insertions(base))),
        _comment(_removals(base, data)),
    ]
    header = HEADER.format(title=visible(" ".join(base.title.split())), file=visible(file))
    return header + "\n".join(filter(None, parts))


def _overrides(base: NetworkSpec, data: Mapping[str, Any]) -> Iterator[str]:
    """The parts of the base under `override`, as they are."""
    for kind in ("settings", "defaults", "modules"):
        yield indent(dump({kind: data[kind]}), "  ") if data.get(kind) else ""
    yield "  rows:\n"
    for row in base.rows[:MAX_ROWS]:
        cells = {column: _value(cell.text) for column, cell in row.cells.items() if column != "name" and cell.text}
        yield f"    {flow(row.name)}: {flow(cells)}\n"
    published = data.get("published") or {}
    columns = {column: keys for column, keys in published.items() if column not in ("totals", "errata")}
    for kind, part in (("heads", data.get("heads")), ("columns", columns), ("totals", published.get("totals"))):
        yield indent(dump({kind: part}), "  ") if part else ""


def _insertions(base: NetworkSpec) -> Iterator[str]:
    """A row with the columns of the base."""
    last = base.rows[min(len(base.rows), MAX_ROWS) - 1]
    taken = {*(row.name for row in base.rows), *base.modules, *(head.name for head in base.heads)}
    name = INSERTED
    while name in taken:
        name += "_"
    row = {**dict.fromkeys(last.cells, ""), "name": name, "layer": "pass"}
    yield f"  rows:\n    - {flow({'before': last.name, **row})}\n"


def _removals(base: NetworkSpec, data: Mapping[str, Any]) -> str:
    """The names of the parts that a variant may remove."""
    names = {
        "rows": [row.name for row in base.rows[:MAX_ROWS]],
        "heads": [head.name for head in base.heads],
        "totals": [*(data.get("published") or {}).get("totals", {})],
    }
    return dump({"remove": {kind: found for kind, found in names.items() if found}})


def _value(text: str) -> int | str:
    """A cell as YAML has it: a whole number needs no quotes."""
    return int(text) if re.fullmatch("0|[1-9][0-9]{0,8}", text) else text


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines())
