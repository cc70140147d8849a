"""Random networks against their own module and file: the same layers, and the same values."""

from __future__ import annotations

from hypothesis import given, settings
from strategies import specs

from inception_dsl.network import loads


@settings(max_examples=150)
@given(specs())
def test_a_network_has_the_values_of_its_own_module(text: str) -> None:
    network = loads(text)
    result = network.audit(network.build(), values=True)
    parted = result.values and result.values.parted

    assert not result.findings
    # of values that are nearly equal, a layer norm gives the rounding
    assert not parted or parted.apart < 1e-2 or "ln" in text
