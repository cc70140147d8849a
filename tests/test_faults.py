"""What stops a step of a command: every option keeps every diagnostic, and a fault of the program is one of them."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runner import Run, in_folder
from click.testing import Result

from inception_dsl import compilation, compiler
from inception_dsl.cli import tables
from inception_dsl.cli.group import Commands
from inception_dsl.crosscheck import crosscheck
from inception_dsl.diagnostics import render
from inception_dsl.emit import catalogue
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.report import report
from inception_dsl.files import freshness, output
from inception_dsl.paper import single_edits, verdicts
from inception_dsl.spec import discovery
from inception_dsl.weights import drawn, transfer

TINY = "network: {}\ninput: 3x8x8\nlayers: |\n  name | layer | output\n  c | conv 3x3 4 same | 8x8x4\n  f | fc 4 |\n"

BAD = {
    "E215": "network: t\ninput: 3x8x8\nlayers: |\n  name | layer\n  f | fc 4\n  c | conv 1x1 4\n",
    "E116": "network: t\ninput: 3x8x8\nlayers: |\n  name | layer | params\n  c | conv 1x1 4 | abc\n",
    "E301": "network: t\ninput: 3x8x8\nlayers: |\n  name | layer | params\n  c | conv 1x1 4 | 5\n",
    "E203": "network: t\ninput: 3x8x8\nlayers: |\n  name | layer\n  c | conv 1x1 4 sam\n",
    "E101": "network: [t\n",
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder with `specs/a.yaml` and `specs/z.yaml`, which hold."""
    return in_folder(tmp_path, monkeypatch, {f"specs/{name}.yaml": TINY.format(name) for name in "az"})


def diagnostics(result: Result) -> list[tuple[str, str]]:
    """Code and message of the diagnostics of a command that printed JSON."""
    return [(diagnostic["code"], diagnostic["message"]) for diagnostic in json.loads(result.stdout)["diagnostics"]]


AGAINST = pytest.param(("check", "--against", "onnx"), marks=pytest.mark.extras)


@pytest.mark.parametrize("code", BAD)
@pytest.mark.parametrize(
    "words", [("check", "--explain"), AGAINST, ("compile",), ("compile", "--check"), ("show",)], ids=" ".join
)
def test_every_option_keeps_what_check_finds(code: str, words: tuple[str, ...], run: Run) -> None:
    Path("specs/t.yaml").write_text(BAD[code], encoding="utf-8")
    target = "specs" if words[0] == "compile" or words[-1] == "--explain" else "specs/t.yaml"
    plain, other = run("check", "specs/t.yaml"), run(*words, target)

    assert f"error[{code}]" in plain.stderr
    if words != ("show",):
        assert (other.exit_code, other.stderr) == (plain.exit_code, plain.stderr)
        assert all(f"{name}: 1 printed" in other.stdout for name in "az" if target == "specs")
    elif code not in ("E116", "E301"):  # `show` looks at no printed number
        assert (other.exit_code, other.stderr) == (plain.exit_code, plain.stderr)


FAULTS = [RuntimeError("of some kind"), MemoryError(), RecursionError("too deep"), KeyError("key"), AssertionError()]

STEPS = {
    "compile_file": (compiler, ("check", "specs")),
    "at_size": (compiler, ("check", "specs")),
    "compare_cells": (verdicts, ("check", "specs")),
    "findings": (verdicts, ("check", "specs")),
    "summary": (tables, ("check", "specs")),
    "verdict_table": (tables, ("check", "specs/a.yaml")),
    "single_edits": (single_edits, ("check", "--explain", "specs")),
    "cross_check": (crosscheck, ("check", "--against", "onnx", "specs")),
    "source": (pytorch, ("compile", "specs")),
    "model": (onnx, ("compile", "specs")),
    "report": (report, ("compile", "specs")),
    "write": (output, ("compile", "specs")),
    "stale": (freshness, ("compile", "--check", "specs")),
    "find_files": (discovery, ("check", "specs")),
    "examine": (compilation, ("claims", "specs/a.yaml")),
    "print_resolved": (compilation, ("show", "--resolved", "specs/a.yaml")),
    "inferred_table": (tables, ("show", "specs/a.yaml")),
    "load_weights": (transfer, ("export", "specs/a.yaml", "--weights", "w.safetensors", "--out", "a.onnx")),
    "draw": (drawn, ("export", "specs/a.yaml", "--init", "0", "--out", "a.onnx")),
    "import_weights": (transfer, ("weights", "import", "specs/a.yaml", "w.pth", "--from", "timm")),
    "text": (render, ("check", "none.yaml")),
    "diagnostics_data": (render, ("show", "specs/a.yaml", "--format", "json")),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_fault_of_any_step_is_a_diagnostic(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a step raises gives E901 and the exit code 2, once the other specs have been examined."""
    module, words = STEPS[name]

    for error in FAULTS:

        def stop(*given: object, error: Exception = error, **options: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            if name == "text":  # what prints the diagnostics: the first one fails, that about it does not
                once, right = iter([stop]), render.text
                patch.setattr(module, name, lambda *g, once=once, right=right, **o: next(once, right)(*g, **o))
            else:
                patch.setattr(module, name, stop)
            result = run(*words)

        assert result.exit_code == 2, result.output
        assert isinstance(result.exception, SystemExit)
        assert (
            f"error[E901]: {'`specs/a.yaml`: ' if '`specs/a' in result.stderr else ''}internal error in inception-dsl"
            in result.stderr
        )
        assert type(error).__name__ in result.stderr and "Traceback" not in result.output
        assert f"inception-dsl {' '.join(words)}" in " ".join(result.stderr.split())


def test_a_fault_between_steps_is_printed_in_the_format_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "entries", lambda: 1 / 0)
    result = run("ops", "--format", "json")

    assert (result.exit_code, result.stderr) == (2, "")
    ((code, message),) = diagnostics(result)
    assert code == "E901" and "ZeroDivisionError" in message
    assert json.loads(result.stdout)["command"] == "ops"


@pytest.mark.extras
def test_the_other_specs_of_a_folder_go_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    right = verdicts.compare_cells

    def stop(typed: object) -> object:
        if typed.program.name == "a":  # type: ignore[attr-defined]
            raise ZeroDivisionError("division by zero")
        return right(typed)  # type: ignore[arg-type]

    monkeypatch.setattr(verdicts, "compare_cells", stop)
    result = run("check", "--explain", "--against", "onnx", "specs", "--format", "json")

    assert result.exit_code == 2
    assert [spec["network"] for spec in json.loads(result.stdout)["specs"]] == ["z"]
    ((code, message),) = diagnostics(result)
    assert code == "E901" and "specs/a.yaml" in message and "ZeroDivisionError: division by zero" in message


def test_a_path_that_means_no_spec_hides_no_other(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("empty").mkdir()
    Path("closed").mkdir()
    listed = os.scandir

    def refused(path: str | Path) -> Iterator[os.DirEntry[str]]:
        if os.path.basename(path) == "closed":
            raise PermissionError(errno.EACCES, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refused)
    result = run("check", "empty", "specs", "closed", "none.yaml")

    assert result.exit_code == 2
    assert "2 exact" in result.stdout or all(f"{name}: 1 printed" in result.stdout for name in "az")
    for text in ("E007]: there is no spec in `empty`", "E001]: cannot read `closed`: permission denied", "`none.yaml`"):
        assert text in result.stderr


@pytest.mark.parametrize("words", [("--traceback", "check", "specs"), ("check", "specs", "--traceback")])
def test_a_traceback_is_shown_where_it_is_asked_for(
    words: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "compare_cells", lambda typed: 1 / 0)
    result = run(*words)

    assert result.exit_code == 2
    assert "Traceback" in result.stderr and "test_faults.py" in result.stderr and "error[E901]" in result.stderr
    assert run("check", "--", "--traceback").exit_code == 2  # a file's name, after all


def test_what_is_wrong_with_a_spec_has_no_traceback(run: Run) -> None:
    Path("specs/t.yaml").write_text(BAD["E203"], encoding="utf-8")
    result = run("check", "specs/t.yaml", "--traceback")

    assert (result.exit_code, "error[E203]" in result.stderr, "Traceback" in result.stderr) == (1, True, False)


def test_the_file_system_is_no_fault_of_the_program(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, code in ((errno.EIO, "E001"), (errno.EACCES, "E001"), (errno.ENOSPC, "E006")):
        with monkeypatch.context() as patch:

            def stop(*given: object, number: int = number, **options: object) -> Iterator[object]:
                raise OSError(number, "as it may be", "some/file")

            patch.setattr(pytorch, "source", stop)
            result = run("compile", "specs")

        assert result.exit_code == 2
        assert (
            f"error[{code}]: cannot {'write' if code == 'E006' else 'read'} `some/file`: as it may be" in result.stderr
        )


def test_ctrl_c_is_no_fault(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*given: object, **options: object) -> object:
        raise KeyboardInterrupt

    for target, name, words in (
        (verdicts, "compare_cells", ("check", "specs")),
        (Commands, "resolve_command", ("check", "specs")),
        (Commands, "parse_args", ("check", "specs")),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, stop)
            result = run(*words)

        assert (result.exit_code, result.output) == (130, ""), name
