"""Data that JSON can represent."""

from __future__ import annotations

import math
from typing import Any


def finite(data: Any) -> Any:
    """Replace NaN and infinite numbers by None: JSON has neither."""
    match data:
        case dict():
            return {key: finite(value) for key, value in data.items()}
        case list() | tuple():
            return [finite(item) for item in data]
        case float() if not math.isfinite(data):
            return None
    return data
