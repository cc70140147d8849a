"""The tables of docs/padding.md and docs/errata.md are computed; `pytest --update-golden` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from inception_dsl.ir.program import TOTALS
from inception_dsl.ir.shapes import Padding, Window
from inception_dsl.network import load
from inception_dsl.text.markdown import escaped, table

ROOT = Path(__file__).parent.parent
SIZES = (224, 225, 299)
CONVENTIONS = {
    "valid": Padding(),
    "same": Padding("same"),
    "same_upper": Padding("same_upper"),
    "ceil": Padding(ceil=True),
}


def windows() -> str:
    """The output size of a window on an image, and the pixels that it reads before and after the image."""
    rows = []
    for size in SIZES:
        for kernel, stride in ((7, 2), (3, 2), (3, 1), (2, 2)):
            row = [f"{size}", f"{kernel}x{kernel}/{stride}"]
            for name, padding in CONVENTIONS.items():
                if name == "same" and kernel % 2 == 0:
                    row.append("")
                    continue
                axis, _ = Window((kernel, kernel), (stride, stride), padding).axes((size, size))
                beyond = max((axis.out - 1) * stride + kernel - size - axis.before, 0)
                row.append(f"{axis.out} ({axis.before}, {beyond})")
            rows.append(row)
    return table(["image", "window", *CONVENTIONS], rows, left=2)


def grids() -> str:
    """The maps of GoogLeNet behind its four pools of 3x3/2, if these pad by another convention."""
    rows = []
    for name, padding in CONVENTIONS.items():
        row = [f"`{name}`"]
        for image in SIZES:
            size = Window((7, 7), (2, 2), Padding("same")).out((image, image))
            sizes = [size := Window((3, 3), (2, 2), padding).out(size) for _ in range(4)]
            row.append(", ".join(str(height) for height, _ in sizes))
        rows.append(row)
    return table(["pools", *(f"{image}x{image}" for image in SIZES)], rows)


def errata() -> str:
    """The errata of every spec that states some, each with its reason, but not those that a base states already."""
    stated: dict[Path | None, list[list[str]]] = {}
    files = [file for file in sorted((ROOT / "specs").rglob("*.yaml")) if "errata:" in file.read_text("utf-8")]
    parts = []
    for file in sorted(files, key=lambda file: (bool(base(file)), file.stem)):
        net = load(file)
        wrong = [verdict for verdict in net.check().verdicts if verdict.verdict == "erratum"]
        stated[file] = [
            [f"{at.row.replace(TOTALS, 'the total')}, {at.column}", at.text, verdict.shown, verdict.reason]
            for verdict, at in ((verdict, verdict.claim) for verdict in wrong)
        ]
        if own := [[*map(escaped, row)] for row in stated[file] if row not in stated.get(base(file), [])]:
            link = f"[{file.name}](../{file.relative_to(ROOT).as_posix()})"
            rows = table(["number", "printed", "computed", "reason"], own, left=4)
            parts.append(f"## {escaped(net.program.title)}\n\nIn {link}:\n\n{rows}")
    return "\n\n".join(parts)


def base(file: Path) -> Path | None:
    """The file of this repository that a spec extends."""
    extended = yaml.safe_load(file.read_text("utf-8")).get("extends")
    return file.parent / extended if extended else None


def claims(verdict: str) -> str:
    """The claims of papers with a verdict, and why."""
    stated = yaml.safe_load((ROOT / "specs/claims.yaml").read_text("utf-8"))["claims"].values()
    found = [claim for claim in stated if str(claim["verdict"]).lower() == verdict]
    keys = ("source", "sentence", "formula", "printed", "reason")
    return table(keys, [[escaped(str(claim[key])) for key in keys] for claim in found], left=len(keys))


TABLES: dict[str, Callable[[], str]] = {
    "padding.md: windows": windows,
    "padding.md: grids": grids,
    "errata.md: numbers": errata,
    "errata.md: false": lambda: claims("false"),
    "errata.md: not reproduced": lambda: claims("not reproduced"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_the_computed_one(name: str, update_golden: bool) -> None:
    file, _, label = name.partition(": ")
    page = ROOT / "docs" / file
    text = page.read_text(encoding="utf-8")
    (start,) = re.finditer(rf"<!-- {label}: .* -->\n\n", text)
    end = text.index("\n\n<!-- end -->", start.end())
    shown, computed = text[start.end() : end], TABLES[name]()
    if update_golden:
        page.write_text(text[: start.end()] + computed + text[end:], encoding="utf-8")
        shown = computed

    assert shown == computed


def test_what_the_page_on_padding_says() -> None:
    """Its sentences about the table."""

    def beyond(size: int, name: str, kernel: int = 3) -> tuple[int, int, int]:
        axis, _ = Window((kernel, kernel), (2, 2), CONVENTIONS[name]).axes((size, size))
        return axis.out, axis.before, max((axis.out - 1) * 2 + kernel - size - axis.before, 0)

    for even in range(8, 300, 2):
        assert beyond(even, "same_upper") == beyond(even, "ceil")
        assert beyond(even, "same")[0] == beyond(even, "ceil")[0] == beyond(even, "valid")[0] + 1
        assert beyond(even, "same")[1] == beyond(even, "same_upper")[1] + 1
    for odd in range(9, 300, 2):
        assert beyond(odd, "same_upper") == beyond(odd, "same") != beyond(odd, "ceil") == beyond(odd, "valid")
    assert beyond(224, "same", 7)[1:] == (3, 2) and beyond(224, "same_upper", 7)[1:] == (2, 3)
