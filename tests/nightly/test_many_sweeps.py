"""Many random sweeps, costed both ways. It takes some minutes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import specs
from test_sweep import base_of, compare, varied


@settings(max_examples=1000, deadline=None)
@given(specs(), st.data())
def test_random_sweeps_cost_what_the_compiler_counts(text: str, draw: st.DataObject) -> None:
    compare(base_of(varied(text, draw)))
