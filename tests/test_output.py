"""Generated files: a network's are the old set or the new one, whatever fails, and say the command that makes them."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from cli_runner import Run, in_folder

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files import output
from inception_dsl.network import load

ROOT = Path(__file__).parent.parent
OLD = {"model.py": b"old\n", "report.md": b"old too\n"}
NEW = {"model.py": b"new\n", "model.onnx": b"\x08\x0d", "report.md": b"new too\n"}

TINY = """
network: {}
input: 3x8x8
layers: |
  name | layer               | output
  conv | conv 3x3 {{4 * w}} same | 8x8x4
  pool | avgpool global      | 1x1x4
  fc   | fc {{classes}}      | 1x1x1000
settings: {{w: 1}}
heads:
  aux: {{from: conv, loss_weight: 0.5, graph: "avgpool global -> fc {{classes}}"}}
training: {{recipe: modern}}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder with `specs/a.yaml` and `specs/z.yaml`."""
    return in_folder(tmp_path, monkeypatch, {f"specs/{name}.yaml": TINY.format(name) for name in "az"})


def content(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- all or nothing ---

CALLS = [(tempfile, "mkstemp"), (os, "fdopen"), (os, "chmod"), (os, "link"), (os, "replace"), (Path, "mkdir")]


class Failing:
    """Lets the calls of the file system through, but for the n-th of all."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, error: BaseException) -> None:
        self.left, self.error = at, error
        for module, name in CALLS:
            patch.setattr(module, name, self.wrapped(getattr(module, name)))

    def wrapped(self, call: Callable[..., object]) -> Callable[..., object]:
        """A call that may be the one that fails."""

        def tried(*given: object, **options: object) -> object:
            self.left -= 1
            if self.left == 0:
                raise self.error
            return call(*given, **options)

        return tried


@pytest.mark.parametrize("before", [{}, OLD, {**OLD, "other.txt": b"not ours"}], ids=["fresh", "there", "others"])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), MemoryError(), KeyboardInterrupt()], ids=repr
)
def test_the_old_set_or_the_new_one(before: dict[str, bytes], error: BaseException, tmp_path: Path) -> None:
    """Every call of the file system fails once: the folder is then as it was, and a later run finds nothing strange."""
    for at in range(1, 100):
        folder = tmp_path / str(at)
        if before:
            folder.mkdir()
        for name, data in before.items():
            (folder / name).write_bytes(data)
        with pytest.MonkeyPatch.context() as patch:
            failing = Failing(patch, at, error)
            try:
                output.write(NEW, folder)
            except (SpecError, MemoryError, KeyboardInterrupt) as raised:
                if isinstance(raised, SpecError):
                    (diagnostic,) = raised.diagnostics
                    assert (diagnostic.code, diagnostic.message.rpartition(": ")[2]) == (
                        "E006",
                        "no space left on device",
                    )
                    assert re.fullmatch(f"cannot write `{folder}/[mr][a-z.]*`: .*", diagnostic.message)
                assert content(folder) == before
                assert folder.exists() == bool(before)
            else:
                assert content(folder) == before | NEW
        if failing.left > 0:  # none is left that could fail
            break
        output.write(NEW, folder)
        assert content(folder) == before | NEW
    assert at > 10


def test_a_file_system_without_second_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    replace = os.replace

    def only_once(part: Path, path: Path) -> None:
        if path.name == "report.md" and part.read_bytes().startswith(b"new"):
            raise OSError(errno.EACCES, "Permission denied")
        replace(part, path)

    for name, data in OLD.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.setattr(os, "link", refused)
    monkeypatch.setattr(os, "replace", only_once)
    with pytest.raises(SpecError, match=r"report\.md`: permission denied"):
        output.write(NEW, tmp_path)

    assert content(tmp_path) == OLD


KILLED = """
import os, signal, sys
calls = int(sys.argv.pop(1))
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background job of a shell ignores
def hook(name, given):
    global calls
    calls -= name in ("os.link", "os.rename", "tempfile.mkstemp")
    if name in ("os.link", "os.rename", "tempfile.mkstemp") and calls == 0:
        os.kill(os.getpid(), {signal})
from inception_dsl.__main__ import run
sys.addaudithook(hook)
run()
"""


def killed(number: signal.Signals, calls: int, *words: str) -> int:
    """The exit code of a command that gets a signal at its n-th temporary file, link or renaming."""
    script = [sys.executable, "-c", KILLED.format(signal=int(number)), str(calls), *words]
    done = subprocess.run(
        script, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode


@pytest.mark.parametrize("calls", [3, 9])
def test_strays_of_a_killed_run_are_swept_and_never_orphans(calls: int, run: Run) -> None:
    assert run("compile").exit_code == 0
    Path("generated/a/model.py").write_text("old", encoding="utf-8")
    for name in ("train.py", "support.py", "report.md"):
        Path(f"generated/a/{name}").unlink()
    assert killed(signal.SIGKILL, calls, "compile") == -signal.SIGKILL
    strays = [path.name for path in Path("generated/a").iterdir() if path.name.startswith(".")]
    assert strays

    assert "orphaned" not in run("compile", "--check").output
    assert "orphaned" not in run("compile").output
    assert run("compile", "--check").exit_code == 0
    assert sorted(path.name for path in Path("generated/a").iterdir()) == sorted(
        ["architecture.svg", "model.onnx", "model.py", "report.md", "support.py", "train.py"]
    )


@pytest.mark.parametrize("calls", [2, 7, 10])
def test_ctrl_c_leaves_all_files_or_none(calls: int, run: Run) -> None:
    assert run("compile", "specs/a.yaml").exit_code == 0
    new = content(Path("generated"))
    for name in ("model.py", "report.md"):
        Path(f"generated/a/{name}").write_text("old", encoding="utf-8")
    for name in ("train.py", "support.py"):
        Path(f"generated/a/{name}").unlink()
    old = content(Path("generated"))

    assert killed(signal.SIGINT, calls, "compile", "specs/a.yaml") == 130
    assert content(Path("generated")) in (old, new)


def test_files_of_another_run_at_work_are_left(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        theirs = tmp_path / f".inception-dsl-{process.pid}-abc.part"
        theirs.write_bytes(b"")
        output.write(NEW, tmp_path)
        assert theirs.exists()
        process.communicate(b"\n")
    output.write(NEW, tmp_path)
    assert not theirs.exists()


# --- what stands in the way ---


def directory(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.with_name("target").write_text("of somebody", encoding="utf-8")
    path.symlink_to("target")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("kind", "word"),
    [(directory, "a directory"), (link, "a symbolic link"), (dangling, "a symbolic link"), (pipe, "a pipe")],
)
def test_what_is_no_file_is_not_replaced(kind: Callable[[Path], None], word: str, run: Run) -> None:
    Path("generated/a").mkdir(parents=True)
    kind(Path("generated/a/report.md"))
    before = content(Path("generated"))
    result = run("compile")

    assert result.exit_code == 2
    assert f"error[E006]: cannot write `generated/a/report.md`: it is {word}; move it away" in result.stderr
    now = content(Path("generated"))
    assert {name: data for name, data in now.items() if name.startswith("a/")} == before
    assert len(now) == len(before) + 6  # the other network is written all the same


def test_a_folder_of_the_path_is_no_folder(run: Run) -> None:
    Path("generated").write_text("a file", encoding="utf-8")
    result = run("compile", "specs/a.yaml")

    assert result.exit_code == 2
    assert "error[E006]: cannot write `generated/a/model.py`: `generated` is not a folder" in result.stderr
    assert Path("generated").read_text(encoding="utf-8") == "a file"


def test_devices_are_not_replaced(run: Run) -> None:
    assert run("export", "specs/a.yaml", "--init", "0", "--out", "/dev/null").exit_code == 2
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("words", [("compile",), ("compile", "--check")])
def test_a_file_that_cannot_be_read(words: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("compile").exit_code == 0
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "report.md":
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    result = run(*words)

    assert result.exit_code == 2
    assert "error[E001]: cannot read `generated/a/report.md`: permission denied" in result.stderr


# --- orphans, and the command that mends ---


def test_compile_says_what_is_orphaned_and_removes_nothing(run: Run) -> None:
    assert run("compile").exit_code == 0
    kept = [Path("generated/a/notes.txt"), Path("generated/gone/model.py"), Path("generated/runs/log")]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_text("", encoding="utf-8")
    shutil.copytree("generated/a", "generated/a/__pycache__")
    whole, one = run("compile"), run("compile", "specs/a.yaml")

    assert whole.exit_code == one.exit_code == 0
    assert re.findall(r"warning\[W402\]: `(.*)` is orphaned", whole.stderr) == [
        "generated/a/notes.txt",
        "generated/gone",
    ]
    assert re.findall(r"`(.*)` is orphaned", one.stderr) == ["generated/a/notes.txt"]
    assert all(path.exists() for path in kept)


OPTIONS = [
    (),
    ("--out", "made here"),
    ("--size", "16", "--out", "made"),
    ("--size", "16x9", "--out", "made"),
    ("--size", "dynamic", "--out", "made"),
    ("--opset", "18", "--out", "made"),
    ("--batch", "3", "--heads", "--out", "made/there"),
    ("--set", "w=1", "--out", "made"),
    ("--set", "w=2", "--size", "16", "--out", "made"),
    ("--heads", "--out", "made"),
    ("--extend-outside", "--size", "16", "--out", "made"),
]


@pytest.mark.parametrize("words", OPTIONS, ids=" ".join)
def test_the_command_in_a_header_gives_that_very_file(words: tuple[str, ...], run: Run) -> None:
    """`Rebuild:` is the whole command; `--check` with the same options is content, and names them where it is not."""
    if "w=2" in words:
        Path("specs/a.yaml").write_text(TINY.format("a").replace("8x8x4", "").replace("1x1x4", ""), encoding="utf-8")
    first = run("compile", "specs/a.yaml", *words)
    assert first.exit_code == 0, first.output
    (model,) = Path().rglob("model.py")
    made = content(model.parent)
    commands = {
        line.partition("Rebuild: ")[2].removesuffix(" -->")
        for name in {"model.py", "train.py", "report.md", "architecture.svg"} & made.keys()
        for line in made[name].decode().splitlines()[:5]
        if "Rebuild: " in line
    }
    metadata = {prop.key: prop.value for prop in onnx.load(model.parent / "model.onnx").metadata_props}
    (command,) = commands
    assert {*shlex.split(command)} <= {"inception-dsl", "compile", "specs/a.yaml", *words}  # as they were given
    plain = command == "inception-dsl compile specs/a.yaml"
    assert sum(b"Rebuild: " in data for data in made.values()) == (1 if plain else 4)
    assert "support.py" in made
    assert metadata.get("rebuild", "") == ("" if plain else command)

    shutil.rmtree(model.parent)
    again = run(*shlex.split(command)[1:])
    (rebuilt,) = Path().rglob("model.py")
    assert again.exit_code == 0, again.output
    assert content(rebuilt.parent) == made

    run("compile", "specs/a.yaml", *words)
    assert run("compile", "--check", "specs/a.yaml", *words).exit_code == 0
    model.write_text("stale", encoding="utf-8")
    checked = run("compile", "--check", "specs/a.yaml", *words)
    assert checked.exit_code == 1
    named = re.search(r"help: run `(.*)`, and commit", checked.stderr)
    assert named
    assert run(*shlex.split(named[1])[1:]).exit_code == 0
    assert content(model.parent) == made


def test_no_path_in_a_header_is_absolute(run: Run) -> None:
    out = Path("some/where").absolute()
    assert run("compile", str(Path("specs/a.yaml").absolute()), "--batch", "2", "--out", str(out)).exit_code == 0
    second = (out / "a/model.py").read_text(encoding="utf-8").splitlines()[1]

    assert second == "# Do not edit. Rebuild: inception-dsl compile specs/a.yaml --batch 2 --out some/where"


def test_files_of_the_api_cite_their_command_too(run: Run) -> None:
    net = load("specs/a.yaml")
    for source, words in (
        (net.pytorch_source(), ()),
        (net.pytorch_source(16), ("--size", "16", "--out", "generated")),
        (net.pytorch_source((16, 9)), ("--size", "16x9", "--out", "generated")),
        (load("specs/a.yaml", {"w": 1}).pytorch_source(), ()),
    ):
        command = " ".join(("inception-dsl", "compile", "specs/a.yaml", *words))
        assert source.splitlines()[1] == f"# Do not edit. Rebuild: {command}"
        assert run(*shlex.split(command)[1:]).exit_code == 0
        assert Path("generated/a/model.py").read_text(encoding="utf-8") == source
    graph = onnx.load_from_string(net.onnx(batch=2, heads=True))
    assert {prop.key: prop.value for prop in graph.metadata_props}["rebuild"] == (
        "inception-dsl compile specs/a.yaml --batch 2 --heads --out generated"
    )


@pytest.mark.parametrize("words", [words[:-2] for words in OPTIONS[2:-1]], ids=" ".join)
def test_other_files_than_the_spec_s_own_need_a_place(words: tuple[str, ...], run: Run) -> None:
    for check in ((), ("--check",)):
        result = run("compile", "specs/a.yaml", *words, *check)
        assert result.exit_code == 2
        assert f"{words[0]} changes the files: say where to write them with --out" in result.stderr
    assert not Path("generated").exists()


def test_the_runner_trains_at_the_size_of_the_network(run: Run) -> None:
    assert run("compile", "specs/a.yaml", "--size", "16x9", "--out", "made").exit_code == 0
    train = Path("made/a/train.py").read_text(encoding="utf-8")

    assert re.findall(r"^        (height|width)=(\d+)", train, re.MULTILINE) == [("height", "16"), ("width", "9")]
    assert "3x16x9" in Path("made/a/model.py").read_text(encoding="utf-8")


def test_a_network_may_have_no_runner_but_not_half_of_one(run: Run) -> None:
    assert run("compile").exit_code == 0
    folder = Path("generated/a")
    files = content(folder)
    (folder / "support.py").unlink()
    half = run("compile", "--check")
    assert half.exit_code == 1
    assert re.findall(r"`(.*)` is (\w+)", half.stderr) == [("generated/a/support.py", "missing")]

    (folder / "train.py").unlink()
    assert run("compile", "--check").exit_code == 0
    assert run("compile").exit_code == 0 and content(folder) == files
    (folder / "train.py").write_text("stale", encoding="utf-8")
    assert "`generated/a/train.py` is stale" in run("compile", "--check").stderr

    shutil.copytree(folder, "generated/z", dirs_exist_ok=True)
    spec = Path("specs/z.yaml")
    spec.write_text(spec.read_text(encoding="utf-8").partition("training:")[0], encoding="utf-8")
    untrained = run("compile", "--check", "specs/z.yaml").stderr
    assert {f"generated/z/{name}" for name in ("support.py", "train.py")} <= {
        *re.findall(r"`(.*)` is orphaned", untrained)
    }


def test_a_runner_that_is_not_asked_for_is_not_written(run: Run) -> None:
    assert run("compile", "--no-runner").exit_code == 0
    names = ["architecture.svg", "model.onnx", "model.py", "report.md"]
    assert sorted(content(Path("generated"))) == [f"{network}/{name}" for network in "az" for name in names]
    without = content(Path("generated"))
    for words in ((), ("--no-runner",)):
        assert run("compile", "--check", *words).exit_code == 0  # the other files are the same
    Path("generated/a/model.py").write_text("stale", encoding="utf-8")
    assert "help: run `inception-dsl compile --no-runner`, and" in run("compile", "--check", "--no-runner").stderr

    assert run("compile").exit_code == 0
    edited = Path("generated/a/train.py")
    edited.write_text("mine", encoding="utf-8")
    for words in ((), ("--check",)):
        result = run("compile", "--no-runner", *words)
        assert (result.exit_code, result.stderr) == (0, "")  # a runner from before is left alone, and nobody's orphan
    assert edited.read_text(encoding="utf-8") == "mine"
    assert without.items() < content(Path("generated")).items()


def test_an_edited_file_of_one_network_keeps_no_other_back(run: Run) -> None:
    assert run("compile").exit_code == 0
    edited = Path("generated/a/train.py")
    edited.write_text(edited.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    Path("generated/z/report.md").unlink()
    result = run("compile")

    assert result.exit_code == 1
    assert "error[E404]: `generated/a/train.py` was edited" in result.stderr
    assert Path("generated/z/report.md").exists()
    hint = "keep it under another name, or run `inception-dsl compile --force`"
    assert hint in run("compile", "--check").stderr
