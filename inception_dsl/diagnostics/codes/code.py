"""What a diagnostic's code is."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Literal, Self


@dataclass(frozen=True, eq=False, repr=False)
class Code(str):  # noqa: SLOT000 - a dataclass
    """A diagnostic's stable code such as "E204", and the rule behind it, which `inception-dsl explain E204` prints.

    `wrong` is a spec that breaks the rule and nothing else, `right` one that keeps it; both extend the spec `base` if
    there is one. Codes that no spec alone can cause have no examples. `about_installation` says that it concerns the
    installation of the tool and no file, `unread` that the input could not be read at all.
    """

    code: InitVar[str]
    summary: str
    explanation: str
    wrong: str = ""
    right: str = ""
    base: str = ""
    about_installation: bool = False
    unread: bool = False

    def __new__(cls, code: str, *_: object, **__: object) -> Self:
        """Make the string; the other arguments are the fields."""
        return super().__new__(cls, code)

    @property
    def severity(self) -> Literal["error", "warning"]:
        """An error for E codes, a warning for all others."""
        return "error" if self.startswith("E") else "warning"

    @property
    def exit_code(self) -> Literal[0, 1, 2]:
        """The exit code that it causes.

        2 says that the tool could not run (E0xx, E9xx) or read its input (`unread`), 1 that the input was read and is
        wrong, or that `lint` found something. A warning of the compiler (W) causes 0.
        """
        if self.startswith("W"):
            return 0
        return 2 if self.unread or self.startswith(("E0", "E9")) else 1

    def markdown(self) -> str:
        """The rule as a section of Markdown, with its examples."""
        examples = {"base.yaml": self.base, "wrong": self.wrong, "right": self.right}
        blocks = [f"```yaml {name}\n{text}```\n" for name, text in examples.items() if text]
        return "\n".join([f"## {self} {self.summary}\n", self.explanation, *blocks])
