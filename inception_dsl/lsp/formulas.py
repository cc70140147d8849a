"""The tokens of a formula, whole or broken, and what they stand for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, Literal, NamedTuple

from inception_dsl.elaborate.references import AGAIN
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import FUNCTIONS, NAMES

TokenKind = Literal[
    "layer", "module", "word", "column", "setting", "name", "function", "row", "label", "number", "operator"
]

INIT: Final = "init"
"""What owns the words of an initialisation, such as `normal std=0.01`."""

_TOKEN: Final = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<label>\w+(?=[ \t]*:))"
    r"|(?P<row>@\w*)"
    r'|(?P<key>[\w#]+(?=[ \t]*=)|"[^"\n]*"(?=[ \t]*=))'
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?%?(?:x\d+)?(?:/\d+(?:x\d+)?)?(?!\w))"
    r"|(?P<of>of(?!\w))"
    r"|(?P<word>\w+)"
    r"|(?P<operator>->|[|+*\[])"
    r"|(?P<close>\])"
    r"|(?P<brace>\{)"
    r"|(?P<other>.)"
)
_VALUE: Final = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<function>[^\W\d]\w*(?=[ \t]*\())"
    r"|(?P<name>module\.in(?![\w#])|(?:[^\W\d]|#|\d+[^\W\d])[\w#]*(?:[ \t]+[\w#]+)*)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
    r"|(?P<operator>//|[-+*/%])"
    r"|(?P<brace>\})"
    r"|(?P<other>.)"
)


class Token(NamedTuple):
    """A part of a formula between two offsets of its line; `owner` is the layer or module that a word stands on."""

    kind: TokenKind
    text: str
    start: int
    end: int
    owner: str = ""
    defines: bool = False


class Scanner:
    """Reads a formula line by line. Between tokens, its fields tell what may stand there.

    `owner` alone reads the words of a default, which stand on that layer. A name in braces is a setting if `settings`
    has it, else a column.
    """

    def __init__(self, settings: Collection[str] = (), owner: str = "") -> None:
        self.settings = settings
        self.owner = owner
        self.expects_layer = not owner
        self.in_braces = False
        self.key = ""
        """The word, or the column, whose value comes next, after its `=`."""

    def line(self, text: str, start: int = 0) -> Iterator[Token]:
        """The tokens of the next line, or part of one, from an offset on."""
        self.in_braces = False
        at = start
        while at < len(text):
            match = (_VALUE if self.in_braces else _TOKEN).match(text, at)
            assert match
            token = self._in_value(match) if self.in_braces else self._in_formula(match)
            if token:
                yield token
            at = match.end()

    def _in_value(self, match: re.Match[str]) -> Token | None:
        text, at = match[0], match.span()
        match match.lastgroup:
            case "function":
                return Token("function", text, *at)
            case "name" if text in NAMES or text in FUNCTIONS:
                return Token("name", text, *at)
            case "name":
                return Token("setting" if text in self.settings else "column", text, *at)
            case "number":
                return Token("number", text, *at)
            case "operator":
                return Token("operator", text, *at)
            case "brace":
                self.in_braces = False
                self.key = ""
        return None

    def _in_formula(self, match: re.Match[str]) -> Token | None:
        text, at, key = match[0], match.span(), self.key
        kind = match.lastgroup
        if kind == "space" or text == "=":
            return None
        self.key = ""
        match kind:
            case "label":
                self._step()
                return Token("label", text, *at, defines=True)
            case "row":
                self.expects_layer = False if not key else self.expects_layer
                return Token("row", text[1:], at[0] + 1, at[1])
            case "key":
                name = text.strip('"')
                self.key = name
                quoted = text[0] == '"'
                at = at[0] + quoted, at[1] - quoted
                return Token("word" if self.owner in (INIT, *LAYERS) else "column", name, *at, self.owner)
            case "number":
                return Token("number", text, *at)
            case "of" | "operator":
                self._step()
                return Token("operator", text, *at)
            case "word":
                return self._word(text, at, key)
            case "brace":
                self.in_braces, self.key = True, key
                self.expects_layer = False
            case "close":
                self.expects_layer, self.owner = False, ""
        return None

    def _word(self, text: str, at: tuple[int, int], key: str) -> Token:
        if key:
            is_layer = self.owner not in LAYERS and text in LAYERS
            return Token("layer" if is_layer else "word", text, *at, self.owner)
        if not self.expects_layer:
            return Token("label" if self.owner == AGAIN else "word", text, *at, self.owner)
        self.expects_layer, self.owner = False, text
        if text == AGAIN:
            return Token("operator", text, *at)
        return Token("layer" if text in LAYERS else "module", text, *at)

    def _step(self) -> None:
        self.expects_layer, self.owner = True, ""
