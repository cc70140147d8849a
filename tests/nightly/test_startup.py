"""The price of a check, most of which is imports: `check` beside an empty Python and beside `import torch`, in CPU."""

from __future__ import annotations

import sys

from test_bounds import cpu

ROUNDS = 9
COMMANDS = {
    "python": ["-c", "pass"],
    "check": ["-m", "inception_dsl", "check", "specs/googlenet.yaml"],
    "torch": ["-c", "import torch"],
}


def test_a_check_costs_little_more_than_its_imports() -> None:
    """At most 26 times an empty Python and a sixth of `import torch`: the least of alternated rounds."""
    rounds = [{name: cpu([sys.executable, *command])[0] for name, command in COMMANDS.items()} for _ in range(ROUNDS)]
    least = {name: min(seconds[name] for seconds in rounds) for name in COMMANDS}

    assert least["check"] <= 26 * least["python"]
    assert 6 * least["check"] <= least["torch"]
