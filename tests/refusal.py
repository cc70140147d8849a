"""What a formula that cannot be compiled is refused with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inception_dsl.diagnostics.diagnostic import SpecError


def refusal(compiled: Callable[[str], object], formula: str) -> str:
    """The code, message and advice of the one diagnostic that a formula gives."""
    with pytest.raises(SpecError) as caught:
        compiled(formula)
    (found,) = caught.value.diagnostics
    return f"{found.code}: {found.message}: {found.help}"
