"""Networks of others against specs: every code by its examples, and the ports of libraries by what is known of them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from cli_runner import cli
from test_readme import blocks

from inception_dsl.audit.audit import Audit, audit
from inception_dsl.audit.findings import Deviation
from inception_dsl.compiler import at_size, compile_file
from inception_dsl.diagnostics.codes import audit_layers, audit_structure
from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.ir.typed import Typed

MODULES = (audit_layers, audit_structure)
CODES = [code for module in MODULES for code in vars(module).values() if isinstance(code, Code)]
EXAMPLES = [code for code in CODES if code.wrong]


def found(result: Audit) -> list[tuple[str, str, str, str, str]]:
    """What an audit found, without places: code, what differs, both sides, and the first row."""
    return [(*_first(finding.first), finding.rows[0]) for finding in result.findings]


def _first(deviation: Deviation) -> tuple[str, str, str, str]:
    return deviation.code, deviation.what, deviation.spec, deviation.target


def compiled(text: str, base: str, folder: Path) -> Typed:
    (folder / "base.yaml").write_text(base, encoding="utf-8")
    (folder / "example.yaml").write_text(text, encoding="utf-8")
    return at_size(compile_file(str(folder / "example.yaml")))


@pytest.mark.parametrize("code", EXAMPLES)
def test_examples(code: Code, tmp_path: Path) -> None:
    """A wrong example deviates from the target in exactly its code, a right one in nothing."""
    target = of_spec(compiled(code.base, code.base, tmp_path))

    assert {finding.first.code for finding in audit(compiled(code.wrong, code.base, tmp_path), target).findings} == {
        code
    }
    assert audit(compiled(code.right, code.base, tmp_path), target).holds


# --- the sessions of docs/audit.md ------------------------------------------------------------------------------------

SESSIONS = [block.split("\n", 1) for block in blocks("docs/audit.md", "console")]


@pytest.mark.parametrize(("command", "printed"), SESSIONS)
def test_sessions(command: str, printed: str) -> None:
    """A session of docs/audit.md prints what stands there."""
    if "timm" in command:
        pytest.importorskip("timm")

    assert cli(*shlex.split(command)[2:]).stdout == printed
