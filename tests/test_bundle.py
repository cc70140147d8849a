"""Modules of a package as sections of one file: what is merged, what stays as it is, and what is refused."""

from __future__ import annotations

import pytest

from inception_dsl.emit.runner import bundle
from inception_dsl.emit.runner.bundle import PythonModule

ONE = '''"""The first.

It has a second paragraph.
"""

from __future__ import annotations

import os
from json import dumps as written

VALUE: int = 1


def first() -> str:
    """Imports where it needs to."""
    import re

    return written([os.sep, re.escape("x")])
'''
TWO = '''"""The second."""

import sys
from json import loads

from p.one import VALUE, first

_PAIR = left, right = first(), VALUE
if sys.argv:
    found = loads("1")
'''


def package(**sources: str) -> list[PythonModule]:
    """Modules of a package `p` that the last of them needs, by their names."""
    return bundle.closure([[*sources][-1]], lambda name: bundle.parse_module(name, sources[name], "p"))


def test_a_module_is_its_heading_its_imports_and_its_code() -> None:
    one, two = package(one=ONE, two=TWO)

    assert one.heading.splitlines() == [f"# --- The first. {'-' * 99}", "#", "# It has a second paragraph."]
    assert ONE.endswith(f"\n\n{one.code}\n") and one.code.startswith("VALUE")
    assert one.defines == {"VALUE", "first"}
    assert two.defines == {"_PAIR", "left", "right", "found"}
    assert bundle.imports([one, two]) == (
        ["import os", "import sys", "from json import dumps as written, loads"],
        [],
    )
    assert {*bundle.borrowed([two], [one])} == {"VALUE", "first"}


def test_modules_stand_after_those_that_they_need() -> None:
    chain = {
        "base": '"""B."""\n\nX = 1\n',
        "left": '"""L."""\n\nfrom p.base import X\n\nY = X\n',
        "right": '"""R."""\n\nfrom p.base import X\n\nZ = X\n',
        "top": '"""T."""\n\nfrom p.right import Z\nfrom p.left import Y\n\nSUM = Y + Z\n',
    }

    assert [module.name for module in package(**chain)] == ["base", "right", "left", "top"]


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("VALUE = 2", "`VALUE` is defined in one, and defined in two"),
        ("def first(): ...", "`first` is defined in one, and defined in two"),
        ("for os in (): pass", "`os` is import os, and defined in two"),
        ("import json as os", "`os` is import os, and import json as os"),
        ("from os import path as VALUE", "`VALUE` is defined in one, and from os import path as VALUE"),
        ("if True:\n    class first: ...", "`first` is defined in one, and defined in two"),
        ("open = 1", "`open` is a builtin of Python, and defined in two"),
    ],
)
def test_a_name_that_means_two_things_is_refused(code: str, meaning: str) -> None:
    modules = package(
        one=ONE, two=f'"""Two."""\n\nfrom p.one import VALUE as VALUE\n{code}\n'.replace(" as VALUE\n", "\n", 1)
    )

    with pytest.raises(ValueError, match=r"rename one$") as error:
        bundle.check(modules)
    assert str(error.value).startswith(meaning)


def test_names_that_mean_one_thing_pass() -> None:
    bundle.check(package(one=ONE, two=TWO + "\n\ndef other(os: str) -> str:\n    VALUE = os\n    return VALUE\n"))


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import os\n", "two: it has no docstring"),
        ('"""Two."""\n\nX = 1\nimport os\n', "two: a top-level import comes after other code"),
        ('"""Two."""\n\nfrom p.one import first as other\n', "two: first is imported under another name"),
        ('"""Two."""\n\nfrom p import one\n', "two: from p import one imports a module"),
        ('"""Two."""\n\nimport p.one\n', "two: import p.one imports a module"),
    ],
)
def test_what_cannot_be_moved_as_it_stands_is_refused(source: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        bundle.parse_module("two", source, "p")
