"""What must hold of every figure that is laid out: nothing overlaps, text stays inside, and no lines cross."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from inception_dsl.emit.figures.scene import Line, Scene, Shape, Text
from inception_dsl.emit.picture.rectangle import Rectangle

Segment = tuple[float, float, float, float]


def faults(scene: Scene) -> list[str]:
    """What is wrong with a scene, in words; empty if it is a good one."""
    return [*_overlaps(scene), *_texts(scene), *_crossings(scene), *_outside(scene)]


def _overlaps(scene: Scene) -> Iterator[str]:
    """Boxes and headers that overlap each other; frames that hold only a part of something."""
    boxes = [shape.region for shape in shapes(scene) if shape.kind not in ("frame", "header")]
    headers = [shape.region for shape in shapes(scene) if shape.kind == "header"]
    frames = [shape.region for shape in shapes(scene) if shape.kind == "frame"]
    yield from (f"boxes overlap: {a} {b}" for a, b in _pairs([*boxes, *headers]) if a.meets(b))
    for a, b in _pairs([*boxes, *frames]):
        if a.meets(b) and not (a.holds(b) or b.holds(a)):
            yield f"a frame holds a part: {a} {b}"


def _texts(scene: Scene) -> Iterator[str]:
    """Words outside their boxes; labels on boxes, on lines or on each other."""
    for part in scene.parts:
        if isinstance(part, Shape):
            yield from (f"outside its box: {text}" for text in part.texts if not part.region.holds(text.region))
        elif isinstance(part, Text) and part.role not in ("edge", "heading", "caption"):
            yield f"outside its box: {part}"
    boxes = [shape.region for shape in shapes(scene) if shape.kind != "frame"]
    labels = [part.region for part in scene.parts if isinstance(part, Text)]
    lines = [_region(segment) for dashed in (False, True) for segment in _segments(scene, dashed)]
    yield from (f"a label on a box: {a} {b}" for a, b in _meeting(labels, boxes) if a.meets(b))
    yield from (f"a label on a line: {a} {b}" for a, b in _meeting(labels, lines) if a.meets(b))
    yield from (f"texts overlap: {a} {b}" for a, b in _pairs([text.region for text in texts(scene)]) if a.meets(b))


def _crossings(scene: Scene) -> Iterator[str]:
    """Lines that cross each other, cover dashed ones, or go through boxes; a dashed line may cross another one."""
    solid, dashed = ([*map(_region, _segments(scene, dashed))] for dashed in (False, True))
    assert not any(line.width and line.height for line in (*solid, *dashed)), "a line is slanted"
    for ours, others in ((solid, solid), (dashed, solid), (solid, dashed)):
        level, upright = [line for line in ours if line.width], [line for line in others if line.height]
        for a, b in _meeting(level, upright):
            if a.x < b.x < a.right and b.y < a.y < b.bottom:
                yield f"lines cross at {b.x}, {a.y}"
    for a, b in (*_meeting(solid, dashed), *_pairs(dashed)):  # edges to heads of one row begin together, unseen
        if _cover((a.x, a.right), (b.x, b.right), a.y - b.y) or _cover((a.y, a.bottom), (b.y, b.bottom), a.x - b.x):
            yield f"a line covers another: {a} {b}"
    boxes = [shape.region for shape in shapes(scene) if shape.kind not in ("frame", "header")]
    inside = [box.grown(-1) for box in boxes]
    yield from (f"a line goes through a box: {b}" for a, b in _meeting([*solid, *dashed], inside) if a.meets(b))


def _cover(a: tuple[float, float], b: tuple[float, float], apart: float) -> bool:
    """Whether stretches of two lines that are so far apart cover each other."""
    return not apart and a[0] < b[1] and b[0] < a[1] and a[0] < a[1] and b[0] < b[1]


def _outside(scene: Scene) -> Iterator[str]:
    page = Rectangle(0, 0, scene.width, scene.height)
    regions = [*(shape.region for shape in shapes(scene)), *(text.region for text in texts(scene))]
    regions += map(_region, [*_segments(scene, dashed=False), *_segments(scene, dashed=True)])
    yield from (f"outside the page: {region}" for region in regions if not page.holds(region))


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
    """The pairs of regions that may meet."""
    return ((regions[one], regions[other]) for one, other in _near(regions, regions) if one < other)


def _meeting(ones: Sequence[Rectangle], others: Sequence[Rectangle]) -> Iterator[tuple[Rectangle, Rectangle]]:
    """The pairs of one and another region that may meet."""
    return ((ones[one], others[other]) for one, other in _near(ones, others))


def _near(ones: Sequence[Rectangle], others: Sequence[Rectangle]) -> Iterator[tuple[int, int]]:
    """The numbers of regions that meet along the longer side of the page, found from one end to the other."""
    axis = max((0, 1), key=lambda axis: max((region[axis] for region in (*ones, *others)), default=0))
    both = ones, others
    starts = sorted((region[axis], side, number) for side in (0, 1) for number, region in enumerate(both[side]))
    active: tuple[list[int], list[int]] = ([], [])
    for start, side, number in starts:
        opposite = active[1 - side]
        opposite[:] = [at for at in opposite if both[1 - side][at][axis] + both[1 - side][at][axis + 2] >= start]
        yield from ((number, at) if side == 0 else (at, number) for at in opposite)
        active[side].append(number)


def words(scene: Scene) -> list[str]:
    """All text of a scene."""
    return [text.text for text in texts(scene)]
