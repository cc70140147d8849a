"""Reads YAML 1.2 with positions: from a `Source` to plain data and the place of every part of it.

Only the events of PyYAML's parser are used. Scalars follow the core schema of YAML 1.2, so that `no` and `1:30` are
strings. Features that surprise readers (anchors, aliases, tags, merge keys, duplicate keys) are errors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
from typing import Any, Final

import yaml

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.syntax import OUT_OF_BOUNDS
from inception_dsl.diagnostics.codes.tool import FILE_EMPTY, FILE_TOO_LARGE
from inception_dsl.diagnostics.codes.yaml import (
    DUPLICATE_KEY,
    INVALID_VALUE,
    INVALID_YAML,
    NESTED_TOO_DEEPLY,
    UNSUPPORTED_YAML,
)
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, Note, Source, Span, SpecError
from inception_dsl.syntax.document import Document, YamlNode
from inception_dsl.syntax.source import read
from inception_dsl.syntax.yaml_errors import bad_escape, explain_yaml_error, here, span_of_marks, unreadable_number

__all__ = ["Document", "parse", "read", "type_name"]

MAX_DEPTH: Final = 50
MAX_VALUES: Final = 100_000
"""The deepest nesting of values, and the most values in a file."""

MAX_DIGITS: Final = 18

_AHEAD: Final = 2048  # twice the characters that a parser reads to find the `:` of a key
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

LOADER: Final = getattr(yaml, "CLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it

# What YAML does not allow, and what PyYAML, which reads YAML 1.1, takes for a line break.
_NO_TEXT: Final = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")

# https://yaml.org/spec/1.2.2/#103-core-schema
_CORE: Final = re.compile(
    r"(?P<null>~|null|Null|NULL|)"
    r"|(?P<true>true|True|TRUE)"
    r"|(?P<false>false|False|FALSE)"
    r"|(?P<integer>[-+]?[0-9]+)"
    r"|(?P<octal>0o[0-7]+)"
    r"|(?P<hexadecimal>0x[0-9a-fA-F]+)"
    r"|(?P<real>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<infinite>[-+]?\.(?:inf|Inf|INF))"
    r"|(?P<nan>\.(?:nan|NaN|NAN))"
)
_VALUES: Final[dict[str, Callable[[str], bool | int | float | None]]] = {
    "null": lambda _: None,
    "true": lambda _: True,
    "false": lambda _: False,
    "integer": int,
    "octal": lambda text: int(text, 0),
    "hexadecimal": lambda text: int(text, 16),
    "real": float,
    "infinite": lambda text: float(text.replace(".", "")),
    "nan": lambda _: math.nan,
}


def parse(source: Source) -> Document:
    """Read a source as one YAML mapping.

    Raises `SpecError` with every error up to the first that makes it impossible to read on: E003 for too many values,
    E004 for a file without data, E101 for invalid syntax, E102 for duplicate keys, E105 for a key that is not a string
    or a file that is not a mapping, E106 for unsupported YAML, E107 for values nested too deeply, E117 for a number of
    more than 18 digits.
    """
    if stray := _NO_TEXT.search(source.text):
        before = source.text[: stray.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"YAML does not allow the character U+{ord(stray[0]):04X}"
        help_ = f'delete it, or write "\\u{ord(stray[0]):04x}" in double quotes'
        raise SpecError([Diagnostic(INVALID_YAML, message, Span(source, line, column, column + 1), help=help_)])
    reader = _Reader(source)
    loader = LOADER(source.text)
    try:
        while loader.check_event():
            reader.take(loader.get_event())
    except yaml.MarkedYAMLError as error:
        reader.fail(error)
    except (OverflowError, ValueError):
        reader.findings.diagnostics.append(unreadable_number(here(source, loader.get_mark())))
    reader.findings.stop()
    if reader.root is None or reader.data is None:
        raise SpecError([Diagnostic(FILE_EMPTY, f"`{source.file}` is empty", Span(source, 1, 1, 1))])
    if not isinstance(reader.data, dict):
        message, help_ = "expected lines of the form `key: value`", "start with a line such as `network: name`"
        raise SpecError(
            [Diagnostic(INVALID_VALUE, message, reader.root.span, f"this is {type_name(reader.data)}", help=help_)]
        )
    return Document(source, reader.data, reader.root)


class _Open:
    """A collection whose end has not been read yet. `key` is the key whose value comes next."""

    __slots__ = ("data", "flow", "key", "node")

    def __init__(self, node: YamlNode, data: dict[str, Any] | list[Any], flow: bool) -> None:
        self.node = node
        self.data = data
        self.flow = flow
        self.key: tuple[str, Span] | None = None


class _Reader:
    """Builds data and nodes from events, with its own stack, so that deep nesting cannot exhaust Python's."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings = Findings()
        self.data: Any = None
        self.root: YamlNode | None = None
        self._open: list[_Open] = []
        self._end = 0  # where in the text the last event ended
        self._documents = self._count = 0

    def bracket(self) -> Span | None:
        """The innermost `[` or `{` that is still open."""
        spans = (opened.node.span for opened in reversed(self._open) if opened.flow)
        return next((span for span in spans if span.end > span.column), None)  # `[a: b]` has a mapping without braces

    def take(self, event: Any) -> None:
        """Process an event; raises `SpecError` where it makes no sense to read on."""
        span = span_of_marks(self.source, event.start_mark, event.end_mark)
        self._end = event.end_mark.index
        match event:
            case yaml.DocumentStartEvent():
                self._document(span, explicit=bool(event.explicit))
            case yaml.AliasEvent():
                self._refuse("an alias", span, "repeat the value where it is used")
                self._add("", YamlNode(span, ""))
            case yaml.ScalarEvent():
                self._refuse_properties(event, span)
                if event.style in ("|", ">"):
                    span = self._within(span, "[|>][-+0-9]*")
                elif event.style == '"' and _SURROGATE.search(event.value):  # libyaml refuses the escape by itself
                    self.findings.diagnostics.append(bad_escape(span))
                value = event.value if event.style else self._scalar(event.value, span)
                if not event.style and value == "<<" and self._wants_key():
                    self._refuse("a merge key", span, "repeat the keys where they are used")
                self._add(value, YamlNode(span, event.value, event.style == "|"))
            case yaml.CollectionStartEvent():
                self._refuse_properties(event, span)
                node = YamlNode(span)
                data: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
                self._add(data, node)
                self._open.append(_Open(node, data, bool(event.flow_style)))
                if len(self._open) > MAX_DEPTH:
                    self._too_deep(span)
            case yaml.CollectionEndEvent():
                closed = self._open.pop()
                if closed.flow:
                    first = closed.node.span
                    end = span.end if span.line == first.line else len(self.source.lines[first.line - 1]) + 1
                    closed.node.span = first._replace(end=end)

    def fail(self, error: yaml.MarkedYAMLError) -> None:
        """Report the error that ended the events."""
        if opener := self._deep_bracket(error):
            self._too_deep(opener)
        self.findings.diagnostics.append(explain_yaml_error(error, self.source, self.bracket()))

    def _deep_bracket(self, error: yaml.MarkedYAMLError) -> Span | None:
        """The bracket that nests too deeply among those that the parser read before its error.

        A parser reads ahead to find a `:`, and libyaml may stop at brackets whose events have not been seen yet.
        """
        at = error.problem_mark or error.context_mark
        flow = sum(opened.flow for opened in self._open)
        ahead = self.source.text[self._end : at.index if at else 0][:_AHEAD]
        depth = len(self._open) - flow
        with suppress(yaml.YAMLError, OverflowError, ValueError):  # `explain` reports the error itself
            for token in yaml.scan("[" * flow + ahead, Loader=yaml.SafeLoader):
                depth += isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken)
                depth -= isinstance(token, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken)
                if depth > MAX_DEPTH:
                    before = self.source.text[: self._end + token.start_mark.index - flow]
                    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
                    return Span(self.source, line, column, column + 1)
        return None

    def _too_deep(self, span: Span) -> None:
        self._give_up(
            NESTED_TOO_DEEPLY, f"values nest deeper than {MAX_DEPTH} levels", span, "a spec needs about five levels"
        )

    def _document(self, span: Span, explicit: bool) -> None:
        self._documents += 1
        if self._documents > 1:
            self._give_up(UNSUPPORTED_YAML, "a second document in one file", span, "move it to a file of its own")
        head = takewhile(lambda line: not line.startswith("---"), self.source.lines if explicit else ())
        for number, line in enumerate(head, 1):
            if line.startswith("%") and line.split("#")[0].split() != ["%YAML", "1.2"]:
                self._refuse("this directive", Span(self.source, number, 1, len(line) + 1), "delete the line")

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].data, dict) and self._open[-1].key is None

    def _add(self, value: Any, node: YamlNode) -> None:
        """Add a value as the root, the next item of a list, a key, or the value of the last key."""
        self._count += 1
        if self._count > MAX_VALUES:
            self._give_up(FILE_TOO_LARGE, f"the file holds more than {MAX_VALUES:,} values", node.span)
        if not self._open:
            self.data, self.root = value, node
            return
        parent = self._open[-1]
        if isinstance(parent.data, list):
            parent.node.children[len(parent.data)] = node
            parent.data.append(value)
        elif parent.key is None:
            parent.key = (self._key(value, node, parent), node.span)
        else:
            name, node.key = parent.key
            parent.node.children[name] = node
            parent.data[name] = value
            parent.key = None

    def _key(self, value: Any, node: YamlNode, parent: _Open) -> str:
        if not parent.node.children and not parent.flow:
            parent.node.span = node.span
        name = node.text or ""
        if not isinstance(value, str):
            hint = f'write `"{name}"` to use it as a string' if name else "write a string as the key"
            self.findings.error(INVALID_VALUE, f"a key must be a string, not {type_name(value)}", node.span, help=hint)
        elif first := parent.node.children.get(name):
            notes, hint = [Note(first.key or first.span, "first defined here")], "delete one, or rename it"
            self.findings.error(DUPLICATE_KEY, f"duplicate key `{name}`", node.span, notes=notes, help=hint)
        return name

    def _scalar(self, text: str, span: Span) -> str | bool | int | float | None:
        """The value of a plain scalar by the core schema."""
        match = _CORE.fullmatch(text)
        if match is None or match.lastgroup is None:
            return text
        kind = match.lastgroup
        digits = text.lstrip("+-") if kind == "integer" else text[2:] if kind in ("octal", "hexadecimal") else ""
        value = _VALUES[kind](text) if len(digits) <= MAX_DIGITS else math.inf
        if value in (math.inf, -math.inf) and kind != "infinite":
            hint = f"a number has at most {MAX_DIGITS} digits; quote it if it is a string"
            self.findings.error(OUT_OF_BOUNDS, "this number is too large", span, help=hint)
            return 0
        return value

    def _refuse_properties(self, event: Any, span: Span) -> None:
        if event.anchor is not None:
            hint = f"delete `&{event.anchor}` and repeat the value where it is used"
            self._refuse("an anchor", self._within(span, r"&[^\s,\[\]{}]+"), hint)
        if getattr(event, "tag", None) is not None:
            hint = "delete it; the type of a value follows from how it is written"
            self._refuse("a tag", self._within(span, r"!\S*"), hint)

    def _within(self, span: Span, pattern: str) -> Span:
        """The start of a span that matches a pattern; the span itself where its start does not match."""
        # matched in place: copying the rest of the line for each of its values takes quadratic time
        match = re.compile(pattern).match(self.source.lines[span.line - 1], span.column - 1)
        return span._replace(end=match.end() + 1) if match else span

    def _refuse(self, what: str, span: Span, help: str) -> None:  # noqa: A002 - the name of the printed line
        self.findings.error(UNSUPPORTED_YAML, f"{what} is not supported in a spec", span, help=help)

    def _give_up(self, code: Code, message: str, span: Span, help: str = "") -> None:  # noqa: A002 - see above
        self.findings.error(code, message, span, help=help)
        self.findings.stop()


def type_name(value: Any) -> str:
    """The type of a value, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "a mapping"
