"""Data as JSON can say it."""

from __future__ import annotations

import math
from typing import Any


def finite(data: Any) -> Any:
    """The data with None for each number that is none, NaN or infinite: JSON has no word for it."""
    match data:
        case dict():
            return {key: finite(each) for key, each in data.items()}
        case list() | tuple():
            return [finite(each) for each in data]
        case float() if not math.isfinite(data):
            return None
    return data
