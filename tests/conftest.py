"""What tests share: `pytest --update-golden` rewrites the texts that tests compare with."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the texts that tests compare with")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether texts are rewritten in place of failing."""
    return bool(request.config.getoption("--update-golden"))
