"""What papers call layers: a cell such as `max pool`, `conv3-64` or `3 x Inception (3a)`, as words of the language."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from inception_dsl.ir import names
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.tables.kinds import KERNEL

_COUNT: Final = re.compile(r"([0-9]{1,3})\s*[x×]\s*(?=\D)|(?<![0-9])\s*[x×]\s*([0-9]{1,3})$")
_LAYERS: Final = (
    ("softmax", r"soft-?\s?max"),
    ("dropout", r"drop-?\s?out"),
    ("lrn", r"local(ly)? res|\blrn\b|local norm"),
    ("avgpool", r"(avg|average|mean|global)[ -]?pool|\bgap\b"),
    ("maxpool", r"max-?\s?pool"),
    ("pool", r"\bpool(ing)?[0-9]*\b"),
    ("fc", r"\bfc[-_ 0-9]*|linear|fully[ -]?connected|\bdense\b(?! ?block)|inner product"),
    ("flatten", r"flatten"),
    ("input", r"^(input( (image|layer))?( ?\(.*\))?|image|data)$"),
    ("conv", r"\bconv(olution(al)?|2d)?[-_0-9]*(?![a-z])"),
)
_STRIDE: Final = re.compile(r"(?:,\s*)?(?:/\s*s? ?|\bstride ?=? ?|\bs ?= ?)([0-9])(?![0-9])")
_BASES: Final = {"maxpool": "pool", "avgpool": "pool", "dropout": "drop"}


class Kind(NamedTuple):
    """What a row is: a layer's word, or "" and the name of a module; how many `times` in a row; and what its text adds.

    `base` is what rows of this kind are called, and `label` what tells this one from the others, as `3a`.
    """

    layer: str
    module: str
    times: int
    base: str
    label: str
    kernel: tuple[int, int] | None = None
    stride: int | None = None
    width: int | None = None
    share: str = ""


def kind(text: str) -> Kind:
    """What the text of a row's type says, such as `inception (3a)`, `7x7 conv, 64, /2` or `2 x block`."""
    lower = text.lower()
    count, rest = 1, lower
    if match := _COUNT.search(lower):
        count = max(int(match[1] or match[2]), 1)
        rest = f"{lower[: match.start()]} {lower[match.end() :]}".strip()
    rest = re.sub(r"\bconv(olution(al)?)?[ -]?[123]d\b", "conv", rest)
    stride = int(found[1]) if (found := _STRIDE.search(rest)) else None
    rest = _STRIDE.sub("", rest).strip() or rest
    layer = next((word for word, pattern in _LAYERS if re.search(pattern, rest)), "")
    label = found[1] if (found := re.search(r"\(?(?<![0-9x])([0-9]{1,2}[a-z]?)\)?$", rest)) else ""
    share = found[0].replace(" ", "") if (found := re.search(r"[0-9]{1,2}(\.[0-9]+)?\s*%|0?\.[0-9]+", rest)) else ""
    window, width = KERNEL.search(rest), None
    if vgg := re.search(r"conv([0-9])-([0-9]{1,5})$", rest):  # as VGG writes it
        return Kind("conv", "", count, "conv", "", (int(vgg[1]), int(vgg[1])), None, int(vgg[2]))
    if found := re.search(r"(?:,\s*|fc[- ]|\bconv[^,]*[- ])([0-9]{2,5})(?=\s*(?:,|$))", rest):
        width = int(found[1])
    kernel = (int(window[1]), int(window[2])) if window else None
    if layer:
        base, label = _BASES.get(layer, layer), "" if layer in ("dropout", "softmax") else label
        own = re.fullmatch(r"[a-z]+[0-9]{1,3}(_\w{1,20})?", rest)
        base = rest if own and not names.problem(rest) else base
        label = "" if own or window or width else label
        return Kind(layer, "", count, base, label, kernel, stride, width, share)
    bare = re.sub(r"\(?(?<![0-9x])[0-9]{1,2}[a-z]?\)?$", "", rest) or rest
    module = names.from_column(bare)[:40].strip("_").lower() if re.search("[a-z]", bare) else "block"
    module = f"{module}_block" if names.problem(module) or module in LAYERS else module
    base = rest if re.fullmatch(r"[a-z_]+[0-9]{1,3}[a-z]?", rest) and count == 1 else module
    return Kind("", module, count, base, "" if base == rest else label, kernel, stride, width)


def with_patch(found: Kind, text: str) -> Kind:
    """A row's kind with what the cell of its window adds: `5x5x192` is a convolution, `3x3 max` a maximum."""
    lower = text.lower()
    if found.layer == "pool" and (pool := re.search(r"\b(max|avg|average)", lower)):
        return found._replace(layer="maxpool" if pool[1] == "max" else "avgpool")
    if found.layer == "dropout" and not found.share and re.fullmatch(r"0?\.[0-9]+|[0-9]{1,2}(\.[0-9]+)? ?%", lower):
        return found._replace(share=lower.replace(" ", ""))
    if not found.layer and (filters := re.fullmatch(r"[0-9]{1,2}x[0-9]{1,2}x([0-9]{1,5})", lower)):
        return found._replace(layer="conv", width=found.width or int(filters[1]))
    return found


def patch(text: str) -> tuple[tuple[int, int] | None, int | None]:
    """The kernel and the stride in a cell such as `3x3/2`, `8x8` or `stride 2`; None for what it does not say."""
    found = re.search(r"stride ?=? ?([0-9]{1,2})|^/([0-9]{1,2})$", text.lower())
    stride = int(found[1] or found[2]) if found else None
    if match := KERNEL.search(text):
        return (int(match[1]), int(match[2])), int(match[3]) if match[3] else stride
    return None, stride
