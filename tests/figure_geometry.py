"""What must hold of every figure that is laid out: nothing overlaps, text stays inside, and no lines cross."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from inception_dsl.emit.figures.scene import Line, Rectangle, Scene, Shape, Text

Segment = tuple[float, float, float, float]


def faults(scene: Scene) -> list[str]:
    """What is wrong with a scene, in words; empty if it is a good one."""
    return [*_overlaps(scene), *_texts(scene), *_crossings(scene), *_outside(scene)]


def _overlaps(scene: Scene) -> Iterator[str]:
    """Boxes and headers that overlap each other; frames that hold only a part of something."""
    boxes = [shape.region for shape in shapes(scene) if shape.kind not in ("frame", "header")]
    headers = [shape.region for shape in shapes(scene) if shape.kind == "header"]
    frames = [shape.region for shape in shapes(scene) if shape.kind == "frame"]
    yield from (f"boxes overlap: {a} {b}" for a, b in _pairs([*boxes, *headers]) if _overlap(a, b))
    for a, b in _pairs([*boxes, *frames]):
        if _overlap(a, b) and not (_holds(a, b) or _holds(b, a)):
            yield f"a frame holds a part: {a} {b}"


def _texts(scene: Scene) -> Iterator[str]:
    """Words outside their boxes; labels on boxes, on lines or on each other."""
    boxes = [shape.region for shape in shapes(scene) if shape.kind != "frame"]
    words = [text for text in texts(scene) if text.role in ("title", "detail", "value")]
    for text in words:
        if not any(_holds(box, text.region) for box in boxes):
            yield f"outside its box: {text.text}"
    labels = [text for text in texts(scene) if text.role in ("edge", "heading", "caption")]
    segments = [*_segments(scene, dashed=False), *_segments(scene, dashed=True)]
    for text in labels:
        if any(_overlap(box, text.region) for box in boxes):
            yield f"a label on a box: {text.text}"
        if any(_overlap(_region(segment), text.region) for segment in segments):
            yield f"a label on a line: {text.text}"
    yield from (f"texts overlap: {a} {b}" for a, b in _pairs([text.region for text in texts(scene)]) if _overlap(a, b))


def _crossings(scene: Scene) -> Iterator[str]:
    """Lines that cross or cover each other, or go through boxes; a dashed line may cross another one."""
    solid, dashed = _segments(scene, dashed=False), _segments(scene, dashed=True)
    for ours, others in ((solid, solid), (dashed, solid), (solid, dashed)):
        level = sorted(segment for segment in ours if segment[1] == segment[3])
        upright = [segment for segment in others if segment[0] == segment[2]]
        for x, y0, _, y1 in upright:
            for x0, y, x1, _ in level:
                if x0 > x:
                    break
                if x0 < x < x1 and y0 < y < y1:
                    yield f"lines cross at {x}, {y}"
    assert all(x0 == x1 or y0 == y1 for x0, y0, x1, y1 in (*solid, *dashed)), "a line is slanted"
    for axis in (0, 1):
        yield from _covered([one for one in solid if one[axis] == one[axis + 2]], dashed, axis)
        yield from _covered([one for one in dashed if one[axis] == one[axis + 2]], dashed, axis)
    boxes = [shape.region for shape in shapes(scene) if shape.kind not in ("frame", "header")]
    for box in boxes:
        inside = Rectangle(box.x + 1, box.y + 1, box.width - 2, box.height - 2)
        if any(_overlap(_region(segment), inside) for segment in (*solid, *dashed)):
            yield f"a line goes through a box: {box}"


def _covered(segments: list[Segment], dashed: list[Segment], axis: int) -> Iterator[str]:
    """Lines that cover a part of a dashed one; edges to heads of one row begin together, which nobody sees."""
    lanes: dict[float, list[Segment]] = {}
    for segment in dashed:
        if segment[axis] == segment[axis + 2]:
            lanes.setdefault(segment[axis], []).append(segment)
    for a in segments:
        for b in lanes.get(a[axis], []):
            if a is not b and a[1 - axis] < b[3 - axis] and b[1 - axis] < a[3 - axis]:
                yield f"a line covers another: {a} {b}"


def _outside(scene: Scene) -> Iterator[str]:
    page = Rectangle(0, 0, scene.width, scene.height)
    regions = [*(shape.region for shape in shapes(scene)), *(text.region for text in texts(scene))]
    regions += map(_region, [*_segments(scene, dashed=False), *_segments(scene, dashed=True)])
    yield from (f"outside the page: {region}" for region in regions if not _holds(page, region))


def shapes(scene: Scene) -> list[Shape]:
    """All shapes of a scene."""
    return [part for part in scene.parts if isinstance(part, Shape)]


def lines(scene: Scene) -> list[Line]:
    """All lines of a scene."""
    return [part for part in scene.parts if isinstance(part, Line)]


def texts(scene: Scene) -> list[Text]:
    """All texts of a scene."""
    return [text for part in scene.parts if not isinstance(part, Line) for text in _texts_in(part)]


def _texts_in(part: Shape | Text) -> Iterable[Text]:
    return part.texts if isinstance(part, Shape) else [part]


def _segments(scene: Scene, dashed: bool) -> list[Segment]:
    return [
        (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        for line in lines(scene)
        if line.dashed == dashed
        for (x0, y0), (x1, y1) in pairwise(line.points)
    ]


def _region(segment: Segment) -> Rectangle:
    x0, y0, x1, y1 = segment
    return Rectangle(x0, y0, x1 - x0, y1 - y0)


def _pairs(regions: Sequence[Rectangle]) -> Iterator[tuple[Rectangle, Rectangle]]:
    """The pairs whose heights meet, found from top to bottom."""
    active: list[Rectangle] = []
    for region in sorted(regions, key=lambda one: one.y):
        active = [one for one in active if one.bottom > region.y]
        yield from ((one, region) for one in active)
        active.append(region)


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def _holds(outer: Rectangle, inner: Rectangle) -> bool:
    return outer.x <= inner.x and outer.y <= inner.y and inner.right <= outer.right and inner.bottom <= outer.bottom


def words(scene: Scene) -> list[str]:
    """All text of a scene."""
    return [text.text for text in texts(scene)]
