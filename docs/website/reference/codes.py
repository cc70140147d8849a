"""A page for each diagnostic of the compiler and each rule of lint, with what its wrong example gives."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from contextlib import chdir
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from prose import fenced, plain, rewritten, table, terminal

from inception_dsl import compilation, compiler
from inception_dsl.audit import report
from inception_dsl.audit.audit import audit
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.table import CODES
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.files import builtin
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.lint import table as rules
from inception_dsl.network import load

ALL: Final[dict[str, Code]] = {code: code for code in (*CODES, *rules.codes())}

NAME: Final = "example.yaml"
"""The file of an example; that of E121 extends itself."""

FAMILIES: Final = {
    "E0": "The tool could not run",
    "E1": "How a spec is written",
    "E2": "What a spec means",
    "E3": "What papers print",
    "E4": "What is generated",
    "E5": "What an audit finds",
    "E9": "Bugs",
    "W": "Warnings",
}
"""The headings of the index, by how codes begin."""

AUDIT: Final = "E5"
"""How codes begin whose example is a spec, and whose `base` is also the network that it is compared with."""

NAMED: Final = re.compile(r"(?<![\w\[/#.-])([A-Z]\d{3})(?![\w\]-])")


def pages() -> dict[str, str]:
    """All pages of codes, and the index of those of the compiler; docs/lint.md is that of the rules."""
    return {"diagnostics/index.md": _index()} | {page_of(code): page(code) for code in ALL.values()}


def page_of(code: Code) -> str:
    """The page of a code."""
    return f"{'diagnostics' if code in CODES else 'lint'}/{code}.md"


def page(code: Code) -> str:
    """The rule, and its examples."""
    kind = code.severity if code in CODES else "rule of lint"
    parts = [
        f"# {code}: {plain(code.summary)} {{ #{code} }}\n",
        f"*{kind}, exit code {code.exit_code}*\n",
        plain(code.explanation),
    ]
    if code.wrong:
        base = "base.yaml, and the target" if code.startswith(AUDIT) else "base.yaml"
        parts += ["## Wrong\n", fenced(code.base, "yaml", base) if code.base else ""]
        parts += [fenced(code.wrong, "yaml", NAME), terminal(render.text(found(code), colour=True))]
        parts += ["## Right\n", fenced(code.right, "yaml", NAME)]
    return "\n".join(filter(None, parts))


def found(code: Code) -> Sequence[Diagnostic]:
    """What the wrong example of a code gives."""
    with TemporaryDirectory() as folder, chdir(folder):
        Path("base.yaml").write_text(code.base, encoding="utf-8")
        Path(NAME).write_text(code.wrong, encoding="utf-8")
        try:
            if code not in CODES:
                return [finding.diagnostic for finding in load(NAME).lint()]
            if code.wrong.startswith("claims:"):
                claims = Source(NAME, code.wrong)
                return compilation.examine_source(claims, Path(builtin.PREFIX)).findings
            program = compiler.compile_file(NAME)
            if code.startswith(AUDIT):
                target = of_spec(compiler.at_size(compiler.compile_file("base.yaml")))
                return report.diagnostics(audit(compiler.at_size(program), target))
            return compilation.Build(program).findings
        except SpecError as error:
            return error.diagnostics


def linked(uri: str, markdown: str) -> str:
    """A page whose prose names codes, each now a link to its page."""

    def link(match: re.Match[str]) -> str:
        code = ALL.get(match[1])
        if code is None or page_of(code) == uri:
            return match[0]
        return f"[{code}]({posixpath.relpath(page_of(code), posixpath.dirname(uri) or '.')})"

    return rewritten(markdown, lambda text: NAMED.sub(link, text))


def _index() -> str:
    parts = [
        "# Diagnostics\n",
        "Every error and warning has a code that does not change. `inception-dsl explain CODE` prints its page. The "
        "rules of `lint` have [pages](../lint.md) too.\n",
    ]
    for family, codes in groupby(CODES, lambda code: next(family for family in FAMILIES if code.startswith(family))):
        parts += [
            f"## {FAMILIES[family]}\n",
            table(["code", "what is wrong"], [[code, plain(code.summary)] for code in codes]),
        ]
    return "\n".join(parts)
