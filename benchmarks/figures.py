"""Measure what `architecture.svg` adds to the compilation of every spec in specs/, in one process without its imports.

    python benchmarks/figures.py [--rounds N]

Every round compiles every spec, and draws its figure once more, in CPU time; the numbers are medians of the rounds.
Exits with 1 if all figures together take more than 15% of the rest of the compilations.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

from inception_dsl import compiler
from inception_dsl.compilation import Build
from inception_dsl.emit.figures.architecture import architecture
from inception_dsl.spec import discovery

ROOT = Path(__file__).parent.parent
SHOWN = ("alexnet", "vgg16", "googlenet", "resnet50", "inception_v3", "inception_v4", "nasnet_a_large")
BOUND = 0.15

Result = TypeVar("Result")


def timed(action: Callable[[], Result]) -> tuple[float, Result]:
    """The CPU time of an action in milliseconds, and its result."""
    start = time.process_time()
    result = action()
    return (time.process_time() - start) * 1000, result


def compiled(path: Path) -> Build:
    """A spec with its verdicts and files, as `compile` makes them."""
    build = Build(compiler.compile_file(path))
    _ = build.verdicts, build.findings, build.files  # computed where they are asked for
    return build


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each spec is compiled (default: 5)")
    rounds: int = parser.parse_args().rounds
    specs = discovery.specs_in(ROOT / "specs")
    costs: dict[str, tuple[float, float]] = {}
    compiled(specs[0])  # the imports
    for path in specs:
        runs = []
        for _ in range(rounds):
            whole, build = timed(lambda path=path: compiled(path))  # type: ignore[misc]
            figure, _ = timed(lambda build=build: architecture(build.own))  # type: ignore[misc]
            runs.append((figure, whole - figure))
        costs[path.stem] = median(figure for figure, _ in runs), median(rest for _, rest in runs)
    costs[f"all {len(specs)}"] = sum(figure for figure, _ in costs.values()), sum(rest for _, rest in costs.values())
    print(f"| {'spec':<16} | {'figure ms':>9} | {'the rest ms':>11} | {'share':>6} |")
    print(f"|{'-' * 18}|{'-' * 10}:|{'-' * 12}:|{'-' * 7}:|")
    for name, (figure, rest) in costs.items():
        if name in SHOWN or name.startswith("all"):
            print(f"| {name:<16} | {figure:9.1f} | {rest:11.1f} | {figure / rest:6.1%} |")
    figure, rest = costs[f"all {len(specs)}"]
    sys.exit(figure / rest > BOUND)


if __name__ == "__main__":
    main()
