"""Fuzzing: whatever a file holds, every verb answers soon, and `SpecError` alone comes out.

`python tests/nightly/fuzz.py HARNESS [--verbs check,fmt] [--count N | --minutes N] [--seed S]`: a failure is printed
and kept in `found/`, beside where it was started. The verbs, by default all, are those of `fuzzing.py`; the language
server needs the extra `lsp`. Harnesses:

- `texts`: random bytes and texts, and specs whose formulas are random tokens;
- `edits`: the specs of this repository and a small one of every key, with characters, words and lines changed;
- `specs`: random valid specs (`strategies.py`), which must hold, compile, and give Python that parses;
- `coverage`: what reaches new lines is bred further (needs `atheris`, which is not among the extras: it has no wheels
  for every Python); it starts from `tests/cases/fuzz/` and the specs, and adds to the folder `--corpus`.

`python tests/nightly/fuzz.py FILE...` answers such files again, with the traceback of what fails.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from hypothesis import strategies as st

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

SLOWEST = 3.0
"""CPU seconds that one verb may take, small as the files here are."""
LARGEST = 500
"""MB that the whole run may take, without the instruments of `coverage`."""
T = TypeVar("T")


class Run:
    """Executions of some verbs, by default all, counted by what came out."""

    def __init__(self, verbs: str, count: int, minutes: float) -> None:
        self.given = verbs
        self.count = count
        self.until = time.monotonic() + 60 * minutes
        self.texts = 0
        self.outcomes: Counter[str] = Counter()
        self.failures: set[str] = set()
        self.slowest = 0.0

    @property
    def over(self) -> bool:
        """Whether there were enough texts, or its time is up."""
        return self.texts >= self.count or time.monotonic() > self.until

    @property
    def verbs(self) -> Sequence[str]:
        """The verbs; the first call imports the tool."""
        import fuzzing

        return self.given.split(",") if self.given else [*fuzzing.VERBS]

    def once(self, data: bytes, path: Path | None = None) -> None:
        """Hold one input, which stands where a spec does, to the property; a failure is kept, and the run goes on."""
        import fuzzing

        self.texts += 1
        for verb in self.verbs:
            start = time.process_time()
            try:
                found = fuzzing.answer(verb, data, path or fuzzing.UNSAVED)
                errors = [diagnostic.code for diagnostic in found if diagnostic.severity == "error"]
                outcome = errors[0] if errors else "holds"
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                outcome = self.keep(data, error)
            spent = time.process_time() - start
            self.slowest = max(self.slowest, spent)
            if spent > SLOWEST:
                outcome = self.keep(data, TimeoutError(f"{spent:.1f} s"))
            self.outcomes[f"{verb} {outcome}"] += 1

    def valid(self, data: bytes) -> None:
        """Hold an input that is right to the property, and to being right."""
        before = self.outcomes["check holds"]
        self.once(data)
        if "check" in self.verbs and self.outcomes["check holds"] == before:
            self.keep(data, ValueError("a valid spec is refused"))

    def keep(self, data: bytes, error: Exception) -> str:
        """Print a failure once for each place that it comes from, and keep its input; gives what to count it as."""
        frames = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        place = f"{type(error).__name__} at {frames[-1] if frames else 'the end'}"
        if place not in self.failures:
            self.failures.add(place)
            Path("found").mkdir(exist_ok=True)
            path = Path("found") / f"{hashlib.sha256(data).hexdigest()[:12]}.yaml"
            path.write_bytes(data)
            sys.stdout.write(f"FAILED {place}: {str(error)[:200]} ({path})\n")
        return f"FAILED {place}"


TOKENS = """
conv maxpool avgpool lrn bn relu dropout fc softmax flatten pass m0 m1 m2 r0 1x1 3x3 /2 /{s} 64 0 1 9999 5% 0.5 {a} {in}
{classes} {a+1} {in//2} {w} {n} same same_upper valid pad=1 ceil global to=2x3 groups=2 groups={in} bias=none act=none
norm=bn eps=0.1 dilation=2 count_pad gamma=none a={a} a=0 s=2 w=relu a: b: 1x1: -> -> -> | | + * [ ] [ ] of 2 of 3 of
""".split()
LAYOUT = [
    "layers: |",
    "graph: |",
    "modules:",
    "heads:",
    "override:",
    "insert:",
    "  ",
    "\\n",
    "#",
    "- ",
    "? ",
    '"',
    "'",
    ">",
]
LAYERS = """
conv 3x3 4 same,conv 1x1 {a},conv 3x3/2 {in} same_upper groups={in},conv 1x1/{s} 2 bn relu,conv 5x5 3 pad=2 bias
conv 1x1 {a - 1} act=relu,maxpool 3x3/2 same,avgpool 2x2 ceil,avgpool to=3x2,maxpool global,lrn 3,bn,bn eps=0.1,relu,{w}
dropout 5%,fc 3,fc {classes} relu,softmax,flatten,pass,m0 a=2 s=1,m1 a={a} s={s},m0 a=0 s=1,m1 a=1 s={n},m2 a=3 s=2
conv 1x1 {in + 1}
"""


def texts(run: Run, seed: int) -> None:
    """Random bytes, texts, and formulas of random tokens."""
    from hypothesis import strategies as st

    layer = st.sampled_from([each.strip() for line in LAYERS.split("\n") for each in line.split(",") if each.strip()])

    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        some = st.lists(inner, min_size=1, max_size=3)
        joined = st.builds(lambda join, parts: join.join(parts), st.sampled_from([" -> ", " | ", " + "]), some)
        before = st.sampled_from(["", "", "a: ", "3x3: ", "2 of ", "{n} of ", "0.5 * ", "{s} of "])
        return st.builds(lambda word, parts: f"{word}[ {parts} ]", before, joined)

    grown = st.recursive(layer, deeper, max_leaves=6)
    tokens = st.lists(st.sampled_from(TOKENS), max_size=14).map(" ".join)
    formula = st.integers(0, 40).flatmap(lambda i: tokens if i == 23 else grown)
    cell = st.sampled_from(["", "0", "1", "2", "2", "3", "relu", "{n}", "0.5", "1", "9999999999"])
    row = st.tuples(formula, cell, cell).map(lambda cells: f"[ {cells[0]} ] | {cells[1]} | {cells[2]}")
    spec = st.builds(
        lambda graphs, rows, head, rest: (
            "network: t\ninput: 3x16x16\nsettings: {n: 2, w: relu}\nmodules:\n"
            + "".join(
                f"  m{i}:\n    graph: |\n      conv 1x1/{{s}} {{a}} -> [ {graph} ]\n" for i, graph in enumerate(graphs)
            )
            + "layers: |\n  name | layer | a | s\n  first | conv 1x1/{s} {a} | 2 | 1\n"
            + "".join(f"  r{i} | {row}\n" for i, row in enumerate(rows))
            + f"heads:\n  h:\n    from: r0\n    graph: |\n      {head}\n{rest}"
        ),
        st.lists(formula, min_size=1, max_size=3),
        st.lists(row, min_size=1, max_size=4),
        formula,
        st.sampled_from(["", "init: {source: x, conv: he, r0: xavier}\n", "published: {errata: {r0.output: x}}\n"]),
    )
    any_text = st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace"))
    _given(any_text | spec.map(str.encode) | spec.map(str.encode) | spec.map(str.encode), run, run.once, seed)


def edits(run: Run, seed: int) -> None:
    """Specs with slips."""
    import fuzzing
    from hypothesis import strategies as st
    from test_bad_specs import EDIT, ROWS, edited

    small = sorted({*TESTS.glob("cases/bad/*.yaml"), *TESTS.glob("cases/good/*.yaml")})
    texts = st.sampled_from([ROWS, *(path.read_text(encoding="utf-8") for path in small)])
    shipped = st.sampled_from([(path, path.read_text(encoding="utf-8")) for path in fuzzing.SPECS])
    base = texts.map(lambda text: (fuzzing.UNSAVED, text)) | shipped
    slips = st.lists(EDIT, min_size=1, max_size=6)
    drawn = st.builds(lambda of, slips: (edited(of[1], slips).encode(errors="replace"), of[0]), base, slips)
    _given(drawn, run, lambda data: run.once(*data), seed)


def specs(run: Run, seed: int) -> None:
    """Valid specs of every construct."""
    import strategies

    _given(strategies.specs().map(str.encode), run, run.valid, seed)


def _given(strategy: st.SearchStrategy[T], run: Run, once: Callable[[T], None], seed: int) -> None:
    """Draw in rounds, each with a seed of its own: hypothesis slows down as one test goes on."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    for first in count(0, 500):
        if run.over:
            break
        plan = settings(
            max_examples=min(500, run.count - run.texts),
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seeded(seed + first)(plan(given(strategy)(lambda drawn: None if run.over else once(drawn))))()
        sys.stderr.write(f"{run.texts:,}\n")


def coverage(run: Run, seed: int, corpus: Path) -> None:
    """Inputs bred by the lines that they reach; what is imported before is not looked into."""
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

    with atheris.instrument_imports(include=["inception_dsl"]):
        import fuzzing  # noqa: F401

        import inception_dsl.emit.onnx.onnx
        import inception_dsl.emit.pytorch.pytorch
        import inception_dsl.emit.report.report

        if "edit" in run.verbs:
            import inception_dsl.lsp.features  # noqa: F401
    corpus.mkdir(exist_ok=True)
    for path in (*TESTS.glob("cases/*/*.yaml"), *TESTS.parent.glob("specs/**/*.yaml")):
        (corpus / path.name).write_bytes(path.read_bytes())
    dictionary = corpus.parent / "tokens.txt"
    escaped = (token.replace("\\", "\\\\").replace('"', '\\"') for token in sorted({*TOKENS, *LAYOUT}))
    dictionary.write_text("".join(f'"{token}"\n' for token in escaped), encoding="utf-8")
    flags = [
        f"-seed={seed}",
        "-max_len=3000",
        "-rss_limit_mb=2000",
        "-timeout=60",
        f"-dict={dictionary}",
    ]

    def once(data: bytes) -> None:
        run.once(data)
        if run.over:  # the process ends without the end of Python
            failed = report(run)
            sys.stdout.flush()
            os._exit(failed)

    atheris.Setup([sys.argv[0], *flags, str(corpus)], once)
    atheris.Fuzz()


HARNESSES = {"texts": texts, "edits": edits, "specs": specs}


def peak_memory() -> float:
    """The most memory that this program has held, in MB.

    Linux's `ru_maxrss` begins with that of the process that started it, such as a large run of pytest.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run one harness and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("harness", nargs="+", metavar="HARNESS|FILE", help=", ".join([*HARNESSES, "coverage"]))
    parser.add_argument("--verbs", default="", help="names with commas between them; all by default")
    parser.add_argument("--count", type=int, default=10_000, help="texts")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after this time, whatever the count")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=Path("corpus"))
    given = parser.parse_args()
    harness = given.harness[0]
    run = Run(given.verbs, 10**9 if given.minutes < math.inf else given.count, given.minutes)
    if harness == "coverage":
        coverage(run, given.seed, given.corpus)
    elif harness in HARNESSES:
        HARNESSES[harness](run, given.seed)
        sys.exit(report(run))
    else:
        again(run, given.harness)


def again(run: Run, files: Sequence[str]) -> None:
    """Answer files; what fails ends it."""
    import fuzzing

    for file in files:
        for verb in run.verbs:
            codes = [diagnostic.code for diagnostic in fuzzing.answer(verb, Path(file).read_bytes())]
            sys.stdout.write(f"{file}: {verb}: {', '.join(codes)}\n")


def report(run: Run) -> bool:
    """Print the counts; true if there are failures."""
    memory = peak_memory()
    lines = [f"{run.texts:,} texts, the slowest verb {run.slowest:.2f} s of CPU, {memory:,.0f} MB"]
    lines += [f"{count:8,}  {outcome}" for outcome, count in sorted(run.outcomes.items(), key=lambda item: -item[1])]
    sys.stdout.write("\n".join(lines) + "\n")
    return bool(run.failures) or memory > LARGEST


if __name__ == "__main__":
    main()
