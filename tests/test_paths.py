"""Names that users give: of files that are none, that are not there, and whose characters no terminal should see."""

from __future__ import annotations

import json
import os
import shlex
import socket
from pathlib import Path
from typing import Self

import pytest
from cli_runner import Run, in_folder
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.files import paths
from inception_dsl.text.terminal import visible_lines

SPEC = """
network: {}
input: 3x8x8
title: "{}"
layers: |
  name | layer | output
  c | conv 3x3 4 same | {}
  f | fc {{classes}} |
"""
HOSTILE = "\x1b\u202e\u2066\x07\x9b"
"""Characters that a terminal obeys, or that reorder what it shows."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder."""
    return in_folder(tmp_path, monkeypatch, {})


def spec(path: str | Path, title: str = "T", shape: str = "8x8x4") -> None:
    """Write a spec, which holds if its shape is right."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(SPEC.format("t", title, shape), encoding="utf-8")


# --- what is no file ---


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Things that are no files, by what they are."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.yaml")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("socket.yaml")
    listening.close()
    return {"a pipe": "pipe.yaml", "a socket": "socket.yaml", "a device": "/dev/zero", "a directory": "."}


VERBS = (
    ("check", "{}"),
    ("check", "--explain", "{}"),
    ("claims", "{}"),
    ("compile", "{}"),
    ("show", "{}"),
    ("show", "--resolved", "{}"),
    ("train", "{}", "--data", "fake:8x10"),
    ("export", "{}", "--init", "0", "--out", "x.onnx"),
)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_spec_is_a_file(verb: tuple[str, ...], odd: dict[str, str], run: Run) -> None:
    """Nothing else is opened: a pipe that nobody writes into would be waited for."""
    for what, path in odd.items():
        if what == "a directory" and verb[0] in ("check", "claims", "compile"):
            continue
        result = run(*(word.format(path) for word in verb))
        assert result.exit_code == 2
        assert f"error[E001]: cannot read `{path}`: it is {what}" in result.stderr


@pytest.mark.parametrize(
    "verb",
    [
        ("weights", "import", "t.yaml", "{}", "--from", "timm"),
        ("weights", "export", "t.yaml", "{}", "--to", "timm"),
        ("export", "t.yaml", "--weights", "{}", "--out", "x.onnx"),
        ("eval", "t.yaml", "{}", "--data", "fake:8x10"),
        ("ensemble", "{}", "{}"),
        ("plot", "{}"),
        ("features", "{}", "image.png", "--out", "x.npz"),
    ],
    ids=" ".join,
)
def test_other_files_that_are_read_are_files_too(verb: tuple[str, ...], odd: dict[str, str], run: Run) -> None:
    for what in ("a pipe", "a socket", "a device"):
        result = run(*(word.format(odd[what]) for word in verb))
        assert result.exit_code == 2
        assert f"is {what}; save its output to a file" in " ".join(result.stderr.split())


def test_an_empty_path_is_not_the_folder_that_the_command_runs_in(run: Run) -> None:
    spec("t.yaml")
    result = run("check", "")

    assert result.exit_code == 2
    assert "error[E007]: a path is empty" in result.stderr


# --- what is not there ---


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("specs/googlnet.yaml", "specs/googlenet.yaml"),
        ("specs/GoogLeNet.yaml", "specs/googlenet.yaml"),
        ("spec/googlenet.yaml", "specs/googlenet.yaml"),
        ("specs/googlenet", "specs/googlenet.yaml"),
        ("googlenet", "specs/googlenet.yaml"),
        ("googlenet.yaml", "specs/googlenet.yaml"),
        ("spec", "specs"),
        ("deep/dawn/t.yaml", "deep/down/t.yaml"),
        ("deep/down/deeper", ""),
        ("specs/quite_another.yaml", ""),
        ("none/at/all.yaml", ""),
        ("specs/googlenet.yaml/x", ""),
    ],
)
def test_a_path_that_is_there_is_suggested(written: str, meant: str, run: Run) -> None:
    for path in ("specs/googlenet.yaml", "specs/nin.yaml", "deep/down/t.yaml"):
        spec(path)
    for verb in ("check", "show"):
        result = run(verb, written)
        assert result.exit_code == 2
        assert f"error[E001]: cannot read `{written}`" in result.stderr
        assert f"help: did you mean `{meant}`?" in result.stderr if meant else "help:" not in result.stderr


def test_suggestions_look_at_a_bounded_number_of_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    listed = os.scandir

    class Entries:
        def __init__(self, path: str) -> None:
            self.all = listed(path)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            self.all.close()

        def __iter__(self) -> Self:
            return self

        def __next__(self) -> os.DirEntry[str]:
            looked.append(entry := next(self.all))
            return entry

    for number in range(paths.MAX_COMPARED + 50):
        (tmp_path / f"{number:05}.yaml").touch()
    monkeypatch.setattr(os, "scandir", Entries)
    hint = paths.nearest(tmp_path / "0000O.yaml")

    assert len(looked) == paths.MAX_COMPARED
    assert hint.startswith(f"did you mean `{tmp_path}") or not hint


# --- what no terminal should see ---

NAMES = ["caf\udce9", "new\nline", "rtl\u202eover", "esc\x1b[31mape", "a b'c`$(x)", "--size", "bell\x07", "-"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "markdown"])
def test_names_of_files(name: str, form: str, run: Run) -> None:
    """Whatever a file is called: the right code, no character that a terminal obeys, and UTF-8."""
    for shape, code in (("8x8x4", 0), ("9x9x4", 1)):
        path = f"d{name}/{name}.yaml"
        spec(path, shape=shape)
        for words in (("check",), ("compile", "--out", "made")):
            result = run(*words, "--format", form, "--", path)
            assert result.exit_code == code, result.output
            assert not {*HOSTILE} & {*result.output}
            assert (
                form != "json"
                or json.loads(result.stdout)["diagnostics"][:1] == json.loads(result.stdout)["diagnostics"]
            )
    for file in ("architecture.svg", "model.py", "report.md"):
        assert not {*HOSTILE} & {*Path("made/t", file).read_text(encoding="utf-8")}
    assert run("compile", "--check", "--out", "made", "--", path).exit_code == 1


@pytest.mark.parametrize("title", [r"a\nb", r"\u202e!txen", r"\e[31mred\e[0m", r"bell\a", r"\u2028line"])
def test_titles(title: str, run: Run) -> None:
    spec("t.yaml", title)
    spec("bad.yaml", title, "9x9x4")
    for form in ("text", "json", "github", "sarif", "markdown"):
        for words, code in ((("check", "t.yaml"), 0), (("compile", "t.yaml"), 0), (("check", "bad.yaml"), 1)):
            result = run(*words, "--format", form)
            assert result.exit_code == code, result.output
            assert not {*HOSTILE} & {*result.output}
    for command in (("show", "t.yaml"), ("show", "--resolved", "t.yaml"), ("show", "--after", "simplify", "t.yaml")):
        result = run(*command)
        assert result.exit_code == 0
        assert not {*HOSTILE} & {*result.output}


def test_a_difference_shows_no_escapes_of_the_file(run: Run) -> None:
    spec("t.yaml")
    run("compile", "t.yaml")
    Path("generated/t/model.py").write_text(f"# {HOSTILE}\n", encoding="utf-8")
    result = run("compile", "--check", "t.yaml")

    assert result.exit_code == 1
    assert r"-# \x1b\u202e\u2066\x07\u009b" in result.stdout
    assert not {*HOSTILE} & {*result.output}


@given(st.text(), st.booleans())
def test_lines_are_kept_and_nothing_else_hides(text: str, colour: bool) -> None:
    shown = visible_lines(text, colour)

    assert shown.count("\n") == text.count("\n")
    plain = shown.replace("\n", "").replace("\t", "")
    assert plain.isprintable() or (colour and "\x1b[" in plain)
    assert text.isprintable() <= (shown == text)


def test_colours_of_a_table_stay() -> None:
    painted = "a\x1b[31mb\x1b[0m\u202ec\x1b[2J"

    assert visible_lines(painted, colour=True) == "a\x1b[31mb\x1b[0m\\u202ec\\x1b[2J"
    assert visible_lines(painted, colour=False) == "a\\x1b[31mb\\x1b[0m\\u202ec\\x1b[2J"


def test_the_command_of_a_name_with_spaces_is_one_that_runs(run: Run) -> None:
    spec("my specs/a b.yaml")
    assert run("compile", "my specs/a b.yaml").exit_code == 0
    made = Path("generated/t/model.py").read_bytes()
    second = made.decode().splitlines()[1]
    assert second == "# Do not edit. Rebuild: inception-dsl compile 'my specs/a b.yaml'"

    Path("generated/t/model.py").unlink()
    assert run(*shlex.split(second.partition("Rebuild: ")[2])[1:]).exit_code == 0
    assert Path("generated/t/model.py").read_bytes() == made
