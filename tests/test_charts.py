"""Charts: legible, the same every time, and safe whatever names say."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from chart_geometry import faults, words
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markup_reader import SVG, parsed

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.charts import pen
from inception_dsl.emit.charts.axes import Axis, around, costs, from_zero, losses, percent, plain, short, whole
from inception_dsl.emit.charts.file import write_chart
from inception_dsl.emit.charts.labels import place
from inception_dsl.emit.charts.matrix import STEPS, confusion_svg
from inception_dsl.emit.charts.model import Chart, Dots, Line, Mark, Name, Panel, Spread, series
from inception_dsl.emit.charts.svg import svg
from inception_dsl.emit.picture.rectangle import Rectangle
from inception_dsl.runner.base.settings import RunError

HOSTILE = "</title></svg><script>alert(1)</script>\"'&\u202e\x00"

numbers = st.floats(-1e12, 1e12)


@given(st.lists(numbers, max_size=6), st.sampled_from([around, from_zero, costs, losses]), st.integers(2, 12))
@example([2.2e-102, -1.4e-100], from_zero, 5)
def test_axes_hold_their_numbers_and_have_different_ticks(values: list[float], made: object, most: int) -> None:
    axis = made(values)  # type: ignore[operator]  # each takes numbers
    ticks = axis.ticks(most)

    assert all(-1e-9 <= axis.part(value) <= 1 + 1e-9 for value in values)
    assert 2 <= len(ticks) <= 2 * most + 1
    assert all(-1e-9 <= axis.part(tick) <= 1 + 1e-9 for tick in ticks)
    assert ticks == sorted({*ticks})


def test_ticks_are_round() -> None:
    assert Axis(0, 100).ticks(5) == [0, 20, 40, 60, 80, 100]
    assert Axis(0.13, 0.31).ticks(5) == [0.15, 0.2, 0.25, 0.3]
    assert Axis(0, 1.02, integral=True).ticks(6) == [0, 1]
    assert Axis(3, 700, log=True).ticks(9) == [5, 10, 20, 50, 100, 200, 500]
    assert Axis(1e-9, 1e9, log=True).ticks(5) == [1e-9, 1e-5, 1e-1, 1e3, 1e7]
    assert Axis(4.1e6, 4.9e6, log=True).ticks(5) == [4.2e6, 4.4e6, 4.6e6, 4.8e6]


def test_a_number_alone_has_room_around_it() -> None:
    assert around([0.0667], "", percent).ticks(5) == [0.062, 0.064, 0.066, 0.068, 0.07, 0.072]
    assert costs([1.6e9]).ticks(3) == [1.5e9, 1.6e9, 1.7e9]


def test_numbers_are_written_as_papers_print_them() -> None:
    assert [short(value) for value in (0, 999, 1500, 5e6, 1.58e9)] == ["0", "999", "1.5K", "5M", "1.58B"]
    assert [percent(value) for value in (0.5, 0.0725)] == ["50%", "7.25%"]
    assert (plain(1e-7), whole(12000)) == ("1e-07", "12,000")


def chart(name: str = "a", count: int = 9) -> Chart:
    """One with every kind of mark."""
    points = [(10.0 + step % 3, 0.5 + step / 100) for step in range(count)]
    marks: list[Mark] = [
        Line([(step, value) for step, (_, value) in enumerate(points)], series(0), f"{name} line"),
        Dots(points, series(1), f"{name} dots", names=[name] * count),
        Dots(points, series(2), f"{name} holes", hollow=True),
        Spread(10.0, 0.45, 0.55, series(3)),
        *(Name(point, f"{name} {index}", series(4)) for index, point in enumerate(points)),
    ]
    x, y = from_zero([x for x, _ in points], name), around([0.45, *(y for _, y in points)], name, percent)
    panels = [Panel(name, x, y, marks, remark=name), Panel("empty", Axis(0, 1), Axis(0, 1), [], note=name)]
    return Chart(name, name, panels, 2, keys=[Line((), series(0), name)], notes=[name], size=(520, 400))


@pytest.mark.parametrize(("name", "points"), [("a", 9), ("two words", 3), (HOSTILE[:20], 3), ("long " * 30, 1)])
def test_a_chart_is_legible(name: str, points: int) -> None:
    assert faults(svg(chart(name, points))) == []


def test_a_chart_is_the_same_every_time_and_may_leave_its_style_to_a_page() -> None:
    assert svg(chart()) == svg(chart())
    assert f"<style>\n{pen.STYLE}</style>\n" in svg(chart())
    assert svg(chart(), styled=False) == svg(chart()).replace(f"<style>\n{pen.STYLE}</style>\n", "")
    assert all(line.startswith((".chart ", "@media", "}")) for line in pen.STYLE.splitlines())


@given(st.text(max_size=12) | st.just(HOSTILE))
@settings(max_examples=20)
def test_names_are_text(name: str) -> None:
    for drawn in (svg(chart(name, 2)), confusion_svg(name, [name, "b"], {(0, 0): 1, (0, 1): 2})):
        root = parsed(drawn)
        kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert kinds <= {"svg", "title", "desc", "style", "rect", "path", "text", "g"}
        assert not [key for element in root.iter() for key in element.attrib if key.startswith(("on", "href"))]
        assert all(not set(text) & {"\u202e", "\x00"} for text in words(drawn))


def test_a_line_has_gaps_and_a_point_alone_is_seen() -> None:
    line = Line([(0, 1), (1, 1), (2, math.nan), (3, 1)], series(0))
    drawn = svg(Chart("a", "b", [Panel("c", Axis(0, 4), Axis(0, 2), [line])]))
    (data,) = (path.get("d", "") for path in parsed(drawn).iter(f"{SVG}path") if path.get("class") == "line s0")

    assert [step[0] for step in data.replace("L", " L").replace("M", " M").split() if step[0] in "ML"] == [
        "M",
        "L",
        "M",
    ]


def test_a_point_that_is_pointed_at_tells_its_name() -> None:
    titles = [title.text for title in parsed(svg(chart("x"))).iter(f"{SVG}title")]

    assert titles == ["x"] * 10


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=6))
def test_names_of_points_cover_nothing_where_there_is_room(points: list[tuple[int, int]]) -> None:
    taken = [Rectangle(x, y, 0, 0).grown(5) for x, y in points]
    boxes = [*place(points, [(30, 13)] * len(points), Rectangle(-200, -200, 700, 700), taken)]

    assert not [1 for i, box in enumerate(boxes) for other in [*boxes[:i], *taken] if box.meets(other)]


def test_a_confusion_matrix_has_a_colour_for_each_part_of_a_row() -> None:
    cells = {(0, 0): 97, (0, 1): 3, (1, 1): 199, (1, 0): 1}
    drawn = confusion_svg("Confusion", ["cat", "dog"], cells)

    assert faults(drawn) == []
    assert {"cat", "dog", "97", "3", "<1", "predicted", "class"} <= {*words(drawn)}
    assert "300 images of 2 classes, 296 predicted as their class" in drawn
    paths = [(path.get("class", ""), path.get("d", "").count("M")) for path in parsed(drawn).iter(f"{SVG}path")]
    levels = [f"line level{level}" for level in range(7)]
    assert [entry for entry in paths if entry[0] in levels] == [
        *((level, 1) for level in levels),  # the legend
        *zip((levels[0], levels[2], levels[6]), (1, 1, 2), strict=True),
    ]


def test_many_classes_make_a_small_picture() -> None:
    many = {(row, (row * 7 + step) % 1000): 50 - 24 * bool(step) for row in range(1000) for step in range(2)}
    drawn = confusion_svg("Confusion", [str(number) for number in range(1000)], many)

    assert len(drawn) < 100_000 and faults(drawn) == []
    assert len(STEPS) == len(pen.LEVELS)


def test_files_have_the_format_of_their_suffix(tmp_path: Path) -> None:
    write_chart(svg(chart()), tmp_path / "new" / "a.svg")
    assert (tmp_path / "new" / "a.svg").read_text(encoding="utf-8") == svg(chart())
    with pytest.raises(RunError, match=r"a\.pdf: unsupported image format; use \.svg or \.png"):
        write_chart("", tmp_path / "a.pdf")
    (tmp_path / "file").touch()
    with pytest.raises(SpecError, match=r"cannot write `.*a\.svg`: `.*file` is not a folder"):
        write_chart("", tmp_path / "file" / "a.svg")
