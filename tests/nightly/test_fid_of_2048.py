"""FID of the 2048 features of docs/features.md, for which torchmetrics takes minutes."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_features import fid, number, own_number

__all__ = ["fid"]


def test_fid_is_the_number_of_torchmetrics_own_network(fid: Path) -> None:
    assert number(2048, "pool") == pytest.approx(own_number(2048), rel=1e-3)
