"""YAML in colour, with the tables and formulas in it, which are text to YAML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import RegexLexer, words
from pygments.lexers.data import YamlLexer
from pygments.token import Keyword, Name, Number, Operator, Text

from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.words import WORDS


class FormulaLexer(RegexLexer):
    """Layers, words on them, operators, references, values in braces and numbers; other text is plain."""

    tokens = {  # noqa: RUF012 - as every lexer of Pygments has them
        "root": [
            (r"^\w+(?= *\|)", Text),  # the name of a row
            (r"\{[^}\n]*\}|@\w+", Name.Constant),
            (r"\w+(?=:( |$))", Name.Tag),
            (r"->|[|+*\[\]=]", Operator),
            (r"\d+(x\d+)+(/\d+(x\d+)?)?(?!\w)|\d[\d.]*[KMB%]?(?!\w)", Number),
            (words((*LAYERS, "of", "again"), prefix=r"(?<![\w#])", suffix=r"(?![\w:])"), Keyword),
            (words(tuple(WORDS), prefix=r"(?<![\w#])", suffix=r"(?![\w:])"), Name.Attribute),
            (r"[\w#.]+|\s+|.", Text),
        ]
    }


class SpecLexer(YamlLexer):
    """YAML whose blocks of text are formulas and tables."""

    def get_tokens_unprocessed(self, text: str | None = None, context: Any = None) -> Iterator[tuple[int, Any, str]]:
        """The tokens of YAML, those of a block's lines split further."""
        for at, token, value in super().get_tokens_unprocessed(text, context):  # type: ignore[no-untyped-call]
            if token is Name.Constant:
                inner = FormulaLexer().get_tokens_unprocessed(value)
                yield from ((at + offset, kind, part) for offset, kind, part in inner)
            else:
                yield at, token, value


def fence(source: str, language: str, css_class: str, options: dict[str, Any], md: Any, **_: Any) -> str:
    """A block of code in YAML as HTML; its `title` is the name of a file."""
    return str(highlight(source, SpecLexer(), HtmlFormatter(wrapcode=True, filename=options.get("title", ""))))


def option(language: str, inputs: dict[str, str], options: dict[str, Any], attrs: Any, md: Any) -> bool:
    """Whether the options of a block are those that `fence` takes, which are then taken."""
    options.update(inputs)
    return inputs.keys() <= {"title"}


FENCE: Final = {"name": "yaml", "class": "highlight", "format": fence, "validator": option}
"""The block as pymdownx.superfences takes it."""
