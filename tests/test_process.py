"""A command as a process: whatever becomes of its streams, its signals and its terminal, the exit code is right."""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from cli_runner import drained

TINY = "network: {}\ninput: 3x8x8\nlayers: |\n  name | layer | output\n  c | conv 3x3 4 same | {}\n  f | fc 4 |\n"
COMMAND = f"{shlex.quote(sys.executable)} -m inception_dsl"

# Every verb, and the exit code that it has with streams of the usual kind; those that need torch end before they do.
VERBS = {
    "check good.yaml": 0,
    "check bad.yaml": 1,
    "check none.yaml": 2,
    "check good.yaml --format json": 0,
    "check bad.yaml --format sarif": 1,
    "claims claims.yaml": 0,
    "compile good.yaml --out made": 0,
    "compile --check good.yaml --out none": 1,
    "explain": 0,
    "ops": 0,
    "show good.yaml": 0,
    "--version": 0,
    "chek": 2,
    "doctor --help": 0,
    "ensemble --help": 0,
    "eval --help": 0,
    "export none.yaml --init 0 --out none.onnx": 2,
    "plot --help": 0,
    "train none.yaml --data fake:8x10": 2,
    "weights import none.yaml none.pt --from timm": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec that holds, one that does not, and claims."""
    made = tmp_path_factory.mktemp("process")
    (made / "good.yaml").write_text(TINY.format("good", "8x8x4"), encoding="utf-8")
    (made / "bad.yaml").write_text(TINY.format("bad", "9x9x4"), encoding="utf-8")
    (made / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    return made


CLAIMS = """\
claims:
  few:
    source: section 1
    sentence: It has few layers.
    formula: depth(good)
    printed: "2"
    verdict: exact
"""


BASH = shutil.which("bash") or "bash"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "TERM": "xterm"}


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a line of shell gives; it may take a minute."""
    return subprocess.run(
        [BASH, "-c", line],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        cwd=folder,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
    )


def codes(verb: str, ends: Iterable[str], folder: Path) -> dict[str, int]:
    """The exit codes of a command with its streams redirected in several ways; none of them prints a traceback."""
    (folder / "codes").unlink(missing_ok=True)
    lines = [f'{COMMAND} {verb} {end}; echo "${{PIPESTATUS[0]}}" >>codes' for end in ends]
    done = shell("\n".join(lines), folder)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    return dict(zip(ends, map(int, (folder / "codes").read_text().split()), strict=True))


@pytest.mark.parametrize("verb", VERBS)
def test_streams_that_are_closed_full_or_cut(verb: str, folder: Path) -> None:
    code = VERBS[verb]
    prints = code == 0 or "--format" in verb or verb.startswith(("check bad", "compile"))

    found = codes(verb, (">&-", ">/dev/full", "2>&-", "| head -1 >/dev/null"), folder)

    assert found.pop("| head -1 >/dev/null") in {code, 141}
    assert found == {">&-": code, ">/dev/full": 2 if prints else code, "2>&-": code}


def test_both_streams_at_once(folder: Path) -> None:
    ends = (">&- 2>&-", "2>/dev/full", "<&- >&- 2>&-", ">/dev/full 2>/dev/full", "2>&1 | true")

    assert codes("check bad.yaml", ends, folder) == dict(zip(ends, (1, 1, 1, 2, 141), strict=True))
    assert codes("check good.yaml", ends[3:], folder) == dict(zip(ends[3:], (2, 141), strict=True))


def test_a_full_disk_is_reported(folder: Path) -> None:
    done = shell(f"{COMMAND} check good.yaml >/dev/full", folder)

    assert done.stderr == "error[E006]: cannot write to stdout: no space left on device\n"


def test_files_do_not_get_the_numbers_of_closed_streams(folder: Path) -> None:
    """What writes to the number 1 or 2, as C libraries do, must not write into a generated file."""
    script = (
        "import os, inception_dsl.cli.streams as s; s.guard(); f = open('file', 'w'); print(f.fileno() > 2, file=f)"
    )

    shell(f'{shlex.quote(sys.executable)} -c "{script}" <&- >&- 2>&-', folder)

    assert (folder / "file").read_text() == "True\n"


INTERRUPTED = """
import os, signal, sys
event, count = sys.argv.pop(1), int(sys.argv.pop(1))
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background job of a shell ignores
def hook(name, given):
    global count
    count -= name == event
    if name == event and count == 0:
        os.kill(os.getpid(), signal.SIGINT)
from inception_dsl.__main__ import run
sys.addaudithook(hook)
run()
"""


@pytest.mark.parametrize(
    ("event", "count"), [("import", 1), ("import", 40), ("import", 90), ("import", 150), ("open", 3), ("open", 150)]
)
def test_ctrl_c_at_any_time(event: str, count: int, folder: Path) -> None:
    """SIGINT at the n-th import, or the n-th file that is opened, ends a command with 130 and no word."""
    driver = [sys.executable, "-c", INTERRUPTED, event, str(count), "compile", "good.yaml", "--out", "interrupted"]
    done = subprocess.run(driver, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (130, "")


LATER = """
import atexit, sys
atexit.register(lambda: print("ended"))
for name in sys.argv.pop(1).split():
    __import__(name)
from inception_dsl.__main__ import run
run()
"""


@pytest.mark.parametrize(("libraries", "ended"), [("", False), ("multiprocessing", True), ("numpy", True)])
def test_what_has_workers_ends_in_the_ordinary_way(libraries: str, ended: bool, folder: Path) -> None:
    """A light command leaves without its modules being taken apart; one that may have workers runs what they left."""
    driver = [sys.executable, "-c", LATER, libraries, "check", "bad.yaml"]
    done = subprocess.run(driver, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert ("ended" in done.stdout.splitlines()) == ended
    assert "error[E301]" in done.stderr


@pytest.mark.parametrize("words", [(), ("--traceback",)])
def test_a_broken_installation_is_reported(words: tuple[str, ...], folder: Path) -> None:
    script = "import sys; sys.modules['lark'] = None; from inception_dsl.__main__ import run; run()"
    driver = [sys.executable, "-c", script, "check", "good.yaml", *words]
    done = subprocess.run(driver, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert "error[E901]: inception-dsl cannot start: ModuleNotFoundError: " in done.stderr
    assert ("Traceback" in done.stderr) == bool(words)


def test_a_disk_that_is_full_for_files(folder: Path) -> None:
    """As where no file may be large: nothing is left, and the code is 2."""
    done = shell(f"ulimit -f 2; {COMMAND} compile good.yaml --out full", folder)

    assert done.returncode == 2
    assert re.fullmatch(
        r"error\[E006\]: cannot write `(full/good/[a-z.]+)`: file too large\n --> \1\n\n1 error\n", done.stderr
    )
    assert not (folder / "full").exists()


def terminal(line: str, folder: Path) -> str:
    """What a command prints where both its streams are a terminal."""
    there, here = pty.openpty()
    with subprocess.Popen(
        [BASH, "-c", line], stdin=here, stdout=here, stderr=here, cwd=folder, env=ENVIRONMENT
    ) as process:
        os.close(here)
        printed = drained(there)
    assert process.returncode == 1
    return printed


COLOURS = {
    "": True,
    "NO_COLOR=1": False,
    "NO_COLOR=": True,
    "TERM=dumb": False,
    "TERM=dumb FORCE_COLOR=1": True,
    "NO_COLOR=1 FORCE_COLOR=1": False,
    "FORCE_COLOR=0": False,
}


@pytest.mark.parametrize("variables", COLOURS)
def test_colour_of_a_terminal(variables: str, folder: Path) -> None:
    printed = terminal(f"{variables} {COMMAND} check bad.yaml", folder)

    assert ("\x1b[31mMISMATCH\x1b[0m" in printed) == ("\x1b[1;31merror[E301]" in printed) == COLOURS[variables]
    assert ("\x1b" in printed) == COLOURS[variables]


def test_colour_of_a_pipe(folder: Path) -> None:
    plain, forced = (shell(f"{each} {COMMAND} check bad.yaml", folder) for each in ("", "FORCE_COLOR=1"))

    assert "\x1b" not in plain.stdout + plain.stderr
    assert "\x1b" in forced.stdout and "\x1b" in forced.stderr
