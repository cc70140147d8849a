"""What `inception-dsl explain CODE` prints: the rule behind each diagnostic, with a wrong and a right example."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files


def explain(code: str) -> str | None:
    """The Markdown section about a code such as `E204`; None for a code there is not."""
    return _sections().get(code.upper())


def codes() -> list[tuple[str, str]]:
    """Every code and its title, in order."""
    return [(code, section.partition("\n")[0].removeprefix(f"## {code} ")) for code, section in _sections().items()]


@cache
def _sections() -> dict[str, str]:
    text = files("inception_dsl.diagnostics").joinpath("explanations.md").read_text(encoding="utf-8")
    sections = re.split(r"^(?=## [EW][0-9]{3} )", text, flags=re.MULTILINE)[1:]
    return {section[3:7]: section.rstrip() + "\n" for section in sections}
