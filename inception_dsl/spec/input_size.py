"""The key `input`: the size of an image."""

from __future__ import annotations

import re
from typing import Final

from inception_dsl.diagnostics.codes.shapes import CHANNELS_LAST_INPUT
from inception_dsl.diagnostics.codes.yaml import INVALID_VALUE
from inception_dsl.diagnostics.diagnostic import Findings, Span

MAX_DIMENSION: Final = 65_536
"""The largest number of channels or pixels a side."""

_NUMBER: Final = r"\s*([0-9]{1,6})\s*"
INPUT_SIZE: Final = re.compile(f"{_NUMBER}x{_NUMBER}x{_NUMBER}")
_LIKE_SIZE: Final = re.compile(r"\W*([0-9]+)[^0-9]{1,3}([0-9]+)[^0-9]{1,3}([0-9]+)\W*")


def input_size(text: str) -> tuple[int, int, int] | None:
    """Channels, height and width of `3x224x224`; None for a text that is not such a size, or out of bounds."""
    match = INPUT_SIZE.fullmatch(text)
    if not match:
        return None
    channels, height, width = map(int, match.groups())
    in_bounds = all(1 <= number <= MAX_DIMENSION for number in (channels, height, width))
    return (channels, height, width) if in_bounds else None


def read_input(text: str, span: Span, findings: Findings) -> tuple[int, int, int]:
    """Read the key; what is wrong goes to `findings`: E105, and W203 for a size that looks like HxWxC."""
    size = input_size(text)
    if size is None:
        numbers = _LIKE_SIZE.fullmatch(text)
        likely = "x".join(numbers.groups()) if numbers else ""
        example = likely if input_size(likely) else "3x224x224"
        hint = f"write channels, height and width, each from 1 to {MAX_DIMENSION:,}, such as `{example}`"
        findings.error(INVALID_VALUE, f"`{text}` is not an input size", span, help=hint)
        return 1, 1, 1
    first, second, last = size
    if min(first, second) > 16 and (last in (3, 4) or (last == 1 and first == second)):
        message = f"`input` is channels x height x width: {first} channels of {second}x{last} pixels"
        findings.warn(CHANNELS_LAST_INPUT, message, span, help=f"did you mean `{last}x{first}x{second}`?")
    return size
