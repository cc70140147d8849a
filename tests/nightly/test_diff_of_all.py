"""`diff` of every spec with its base and its neighbour: both directions, and torch's word on checkpoints."""

from __future__ import annotations

import json
import re

import pytest
import torch
from diff_cases import SCHEMA
from test_diff_laws import facts

from inception_dsl.diff.data import as_data
from inception_dsl.diff.markdown import markdown
from inception_dsl.diff.text import text
from inception_dsl.files import builtin
from inception_dsl.network import load
from inception_dsl.syntax import source as sources

SPECS = [f"builtin:{name}" for name in builtin.spec_names() if name != "claims"]


def base(spec: str) -> str:
    """The spec that a variant extends; the spec itself if it extends none."""
    text = sources.read(spec).text
    found = re.search(r"^extends: (?:builtin:)?(\S+)$", text, re.MULTILINE)
    return f"builtin:{found[1]}" if found else spec


PAIRS = dict.fromkeys([*zip(SPECS, [*SPECS[1:], SPECS[0]], strict=True), *((base(spec), spec) for spec in SPECS)])


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_pair(before: str, after: str) -> None:
    one, other = load(before), load(after)
    there, back = one.diff(other), other.diff(one)
    assert facts(there) == facts(back, -1)
    SCHEMA.validate(json.loads(json.dumps(as_data(there))))
    assert len(markdown(there)) < 60_000 and text(there)
    assert one.diff(load(before)).equal

    with torch.device("meta"):
        state, model = one.build().state_dict(), other.build()
        try:
            model.load_state_dict(state, strict=True, assign=True)
        except RuntimeError:
            assert not there.loads
        else:
            assert there.loads
