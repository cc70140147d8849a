"""Files that another command of this tool wrote, and that may be damaged since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inception_dsl.files.paths import reason
from inception_dsl.runner.base.settings import RunError


@contextmanager
def written(file: Path, by: str) -> Iterator[Any]:
    """Yield the JSON in a file, which the block takes apart.

    Raises `RunError` for a file that cannot be read, or lacks what the block takes from it.
    """
    try:
        yield json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{file}: {reason(error)}") from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise RunError(f"{file}: not what {by} writes; write it again") from None
