"""Errors in formulas: brackets are checked before the parser runs, and the parser's errors are explained."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from lark import Token, UnexpectedInput, UnexpectedToken

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.syntax import INVALID_FORMULA, OUT_OF_BOUNDS, UNMATCHED_BRACKET
from inception_dsl.diagnostics.codes.yaml import NESTED_TOO_DEEPLY
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.ir.values import FUNCTIONS, MEASURE_FUNCTIONS, PART_COUNTS

MAX_BRACKETS: Final = 40
"""The deepest nesting of brackets."""
LEVELS: Final = 100
"""The deepest nesting of the parts of a formula and the modules it calls; recursion over them fits Python's stack."""
LENGTH: Final = 50_000
VALUE_LENGTH: Final = 300

PAIRS: Final = {"[": "]", "{": "}", "(": ")"}
OPENERS: Final = {closer: opener for opener, closer in PAIRS.items()}


class SyntaxFault(Exception):
    """An error in a formula: what is wrong, at which offsets, and what to do."""

    def __init__(self, code: Code, message: str, at: tuple[int, int], label: str = "", help: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.code, self.message, self.at, self.label, self.help = code, message, at, label, help


def check_brackets(text: str) -> None:
    """Raise `SyntaxFault` for unmatched brackets, which the parser would find too late, and for too long a text."""
    if len(text) > LENGTH:
        message = f"a formula has {len(text):,} characters; the limit is {LENGTH:,}"
        hint = "move parts of it into modules"
        raise SyntaxFault(OUT_OF_BOUNDS, message, (0, 1), help=hint)
    stack: list[int] = []
    for i, character in enumerate(text):
        if character in PAIRS:
            stack.append(i)
            if len(stack) > MAX_BRACKETS:
                hint = "move the inner part into a module"
                raise SyntaxFault(NESTED_TOO_DEEPLY, f"brackets nest deeper than {MAX_BRACKETS}", (i, i + 1), help=hint)
        elif character in OPENERS:
            if not stack:
                hint = f"delete it, or open it with `{OPENERS[character]}`"
                raise SyntaxFault(UNMATCHED_BRACKET, f"`{character}` is never opened", (i, i + 1), help=hint)
            start = stack.pop()
            opener = text[start]
            if opener != OPENERS[character]:
                hint = f"close `{opener}` with `{PAIRS[opener]}` first"
                raise SyntaxFault(UNMATCHED_BRACKET, f"`{character}` cannot close `{opener}`", (i, i + 1), help=hint)
            if character == "}" and i - start > VALUE_LENGTH:
                message = f"a value has {i - start - 1:,} characters; the limit is {VALUE_LENGTH}"
                raise SyntaxFault(
                    OUT_OF_BOUNDS, message, (start, start + 1), help="move parts of it into settings or columns"
                )
    if stack:
        i = stack[-1]
        hint = f"add the missing `{PAIRS[text[i]]}`"
        raise SyntaxFault(UNMATCHED_BRACKET, f"`{text[i]}` is never closed", (i, i + 1), help=hint)


ARROW: Final = "write `->` between steps"
REPEAT: Final = "write the count of a repeat first: `3 of [ ... ]`"
REFERENCE: Final = "a reference is `@` and the name of a row or of a labelled step, as one word: `@stem`"
STAR: Final = "a product is `a * b`, a factor `0.1 * a`, a repeat `3 of a`; put arithmetic in braces: `{64 * 2}`"
QUOTED: Final = "remove the quotes; quotes of YAML enclose the whole formula"
HABITS: Final = {
    "→": ARROW,
    "=>": ARROW,
    ">": ARROW,
    "-": f"{ARROW}; put arithmetic in braces",
    "×": STAR,
    "*": STAR,
    "=": "write a setting as `key=value`, without a kernel or bracket before it",
    ",": f"{ARROW} and `|` between branches; separate words with spaces",
    ";": f"{ARROW} and `|` between branches",
    "(": "layers take no parentheses: write `conv 3x3 64`; group layers with `[` and `]`",
    '"': QUOTED,
    "'": QUOTED,
    "@": REFERENCE,
    "#": "put the name of a column in braces: `{#1x1}`",
}
WANTED: Final = {
    "WORD": "a layer",
    "NAME": "a name",
    "INT": "a number",
    "ARROW": "`->`",
    "BAR": "`|`",
    "PLUS": "`+`",
    "RSQB": "`]`",
    "RBRACE": "`}`",
    "RPAR": "`)`",
    "LPAR": "`(`",
    "OF": "`of`",
    "STAR": "`*`",
    "COMMA": "`,`",
}
EXAMPLES: Final = {
    "value": "write a number, a measure such as `params(googlenet)`, or arithmetic on those",
    "braced": "write a name, a number, or arithmetic on those, such as `{in // 2}`",
}


FIRST: Final = re.compile(r"(?:^|[\[|+>:*])\s*([0-9]+x[0-9]+(?:/[0-9]+)?)\s+([^\W\d]\w*)")
"""A kernel before the name of its layer, as papers write it: `3x3 conv`."""
MISWRITTEN_KERNEL: Final = re.compile(r"(?<=[^\W\d])\s+([0-9]{1,3})(?:\s*[X×]\s*|\*|\s+x\s*|x\s+)([0-9]{1,3})(?!\w)")
"""A kernel after a layer's name that contains a capital X, a star or spaces."""


def kernel_fault(text: str, offset: int) -> SyntaxFault | None:
    """The fault of a misspelt kernel at an offset, None where there is none."""
    for found in MISWRITTEN_KERNEL.finditer(text, max(0, offset - 60), offset + 60):
        if found.start(1) <= len(text[:offset].rstrip()) <= found.end():
            written = text[found.start(1) : found.end()]
            return _fault(
                f"`{written}` is not a kernel", (found.start(1), found.end()), f"write `{found[1]}x{found[2]}`"
            )
    return None


def _factor_fault(text: str, offset: int) -> SyntaxFault | None:
    """The fault of a factor that stands after what it scales, right before an offset; None where there is none."""
    if not (factor := re.search(r"\*\s*([0-9]+(?:\.[0-9]+)?)\s*$", text[max(0, offset - 60) : offset])):
        return None
    begin = max(0, offset - 60) + factor.start(1)
    hint = f"write it first: `{factor[1]} * ...`, or put arithmetic in braces"
    return _fault(f"the factor {factor[1]} stands after `*`", (begin, begin + len(factor[1])), hint)


def explain_parser_error(error: UnexpectedInput, text: str, start: str) -> SyntaxFault:
    """The fault that a parser error stands for; `start` is the rule that was being parsed."""
    offset = _offset(error, text)
    braced = start in EXAMPLES or text.rfind("{", 0, offset) > text.rfind("}", 0, offset)
    if not braced and (fault := kernel_fault(text, offset) or _factor_fault(text, offset)):
        return fault
    if not isinstance(error, UnexpectedToken):
        return _stray(text, offset)
    token, accepts = error.token, error.accepts
    at = token.start_pos or 0
    end = token.end_pos or at + 1
    if token.type == "$END":
        return _too_short(text, _wanted(accepts), start)
    if braced:
        return _in_a_value(token, accepts, text, start)
    return _out_of_place(token, accepts, text, (at, end))


def _in_a_value(token: Token, accepts: set[str], text: str, start: str) -> SyntaxFault:
    """The fault of a token in braces, or in the formula of a claim, that cannot follow what precedes it."""
    at = token.start_pos or 0
    if token.type == "LPAR":
        name = len(text[:at].rstrip()) - len(re.split(r"\W", text[:at].rstrip())[-1])
        return no_function((name, at), (*MEASURE_FUNCTIONS, *PART_COUNTS) if start == "value" else ())
    what = "a name or a number"
    if accepts == {"PLACE"}:
        what = "a network or `network.row`"
    elif accepts == {"COMMA", "RPAR"}:
        what = "`)`, or `,` and a setting"
    elif accepts == {"KEY"}:
        what = "a setting, such as `width=0.5`"
    elif accepts == {"FLOAT", "INT"}:
        what = "a number"
    elif closers := sorted(accepts & {"RBRACE", "RPAR"}):
        what = f"an operator or {WANTED[closers[0]]}"
    elif "$END" in accepts:
        what = "an operator"
    hint = EXAMPLES.get(start, EXAMPLES["braced"])
    if token.type == "MINUS" and "MINUS" not in accepts:
        hint = "write a negative number as a difference: `0 - 1`"
    if token.startswith("@"):
        hint = f"a reference stands without braces: `{token}`; `{{...}}` names a column that holds it"
    return _fault(f"expected {what}, found `{token}`", (at, token.end_pos or at + 1), hint)


def _offset(error: UnexpectedInput, text: str) -> int:
    """The offset at which the parser stopped."""
    if isinstance(error, UnexpectedToken):
        if error.token.type == "$END":
            return len(text)
        return error.token.start_pos or 0
    above = text.split("\n")[: error.line - 1]
    return sum(len(line) + 1 for line in above) + error.column - 1


def no_function(at: tuple[int, int], measures: Iterable[str] = ()) -> SyntaxFault:
    """The fault of a call of something that is neither a function nor, in a claim, a measure."""
    return _fault("unknown function", at, f"the functions are {listing(sorted({*FUNCTIONS, *measures}))}")


def _stray(text: str, at: int) -> SyntaxFault:
    """The fault of a character that belongs to no word or operator."""
    begin = at - 1 if text[max(at - 1, 0) : at + 1] == "=>" else at
    written = text[begin : at + 1]
    hint = HABITS.get(written, "")
    if written == "." and re.search(r"\{[^{}]*[^\W\d]\w*$", text[:at]):
        hint = "`module.in` is the only name with a point"
    elif re.search(r"@\w+\.$", text[: at + 1]):
        hint = REFERENCE
    elif re.search(r"[0-9]\.$", text[: at + 1]):
        hint = "kernels, strides, pads and counts are whole numbers"
    elif decimals := re.match(r"\.([0-9]+)", text[at:]):
        hint = f"write `0.{decimals[1]}`"
    return _fault(f"unexpected `{written}`", (begin, at + 1), hint)


def _too_short(text: str, wanted: str, start: str) -> SyntaxFault:
    if not text.strip() and start == "value":
        return _fault("expected a formula", (0, max(1, len(text))), EXAMPLES["value"])
    if not text.strip():
        return _fault("expected a layer", (0, max(1, len(text))), "write `pass` for the input itself")
    end = len(text.rstrip())
    return SyntaxFault(
        INVALID_FORMULA, f"expected {wanted}, found the end", (max(0, end - 1), end), f"expected {wanted} after this"
    )


def _out_of_place(token: Token, accepts: set[str], text: str, at: tuple[int, int]) -> SyntaxFault:
    """The fault of a token outside braces that cannot follow what precedes it."""
    begin, end = at
    if token.type in ("ARROW", "BAR", "PLUS", "RSQB") and "WORD" in accepts:
        return _fault(f"expected a layer, found `{token}`", at, "write `pass` for the input itself")
    if token.type == "MINUS" and (number := re.match(r"([0-9.]+)(\s*\*)?", text[end:])):
        hint = f"a negative factor is `{{0 - {number[1]}}} * ...`" if number[2] else "write a number of 0 or more"
        return _fault("numbers here cannot be negative", at, hint)
    if token.value == "of":
        return _fault("a count must be a whole number", at, "write `2 of ...`; a factor is written `2.5 * ...`")
    if fault := _label_fault(token, text) or _reference_fault(token, text):
        return fault
    if (
        token.type == "X"
        and (first := FIRST.search(text, max(0, begin - 10)))
        and first.start(1) < begin < first.end(1)
    ):
        return _fault(
            f"`{first[1]}` comes before the name of its layer", first.span(1), f"write `{first[2]} {first[1]}`"
        )
    if token.type in ("LBRACE", "X", "SLASH") or token[0].isdigit():
        word = token.split()[0]
        hint = "write `->` between two layers; a kernel such as `3x3/2` comes before the width"
        before = re.search(r"(?<![\w#])([^\W\d]\w*)\s+([0-9]{1,2}\s+)?$", text[max(0, begin - 80) : begin])
        if before and not re.match(r"[0-9]+x[0-9{]", text[begin:]):
            kernel = (before[2] or "").strip()
            hint = "write a setting as `key=value`, and a separate layer after `->`"
            hint = f"write a square kernel as `{kernel}x{kernel}`" if kernel else hint
        label = "a layer is written as name, kernel/stride, width, words"
        return SyntaxFault(INVALID_FORMULA, f"unexpected `{word}`", (begin, begin + len(word)), label, hint)
    word = token.split()[0]
    hint = HABITS.get(word[0], "") if token.type != "ARROW" else ""
    if word == "=" and (twice := re.search(r"\w+\s*=\s*([^\W\d]\w*)\s*$", text[:begin])):
        hint = f"a word has one value: write `{twice[1]}=...` alone"
    if re.fullmatch(r"x[0-9]+", word):
        hint = REPEAT
    elif word == "#":
        hint = "formulas and tables cannot contain comments: move it to a line above the block"
    if "STAR" in accepts and "ARROW" not in accepts:
        hint = "write `2 of ...` for a repeat, or `0.1 * ...` for a factor"
    return _fault(f"expected {_wanted(accepts)}, found `{word}`", (begin, begin + len(word)), hint)


def _label_fault(token: Token, text: str) -> SyntaxFault | None:
    """The fault of a label that does not begin a step, given its colon; None for another token."""
    begin = token.start_pos or 0
    if token.type != "COLON" or not (written := re.search(r"\w+\s*$", text[:begin])):
        return None
    label, hint = written[0].strip(), "write `->` or `|` before it"
    if before := re.search(r"(\*|\bof)\s*$", text[: written.start()]):
        hint = f"write it in brackets: `{before[1]} [ {label}: ... ]`"
    return _fault(f"the label `{label}` is in the middle of a layer", (written.start(), begin + 1), hint)


def _reference_fault(token: Token, text: str) -> SyntaxFault | None:
    """The fault of what follows a reference, None where none precedes the token."""
    begin = token.start_pos or 0
    if not (reference := re.search(r"@\w+\s*$", text[:begin])):
        return None
    message = f"a reference takes no kernel, width or words: `{reference[0].strip()}` is a value"
    return _fault(message, (begin, begin + len(token.split()[0])), "write `->` before the layer that reads it")


def _fault(message: str, at: tuple[int, int], hint: str) -> SyntaxFault:
    return SyntaxFault(INVALID_FORMULA, message, at, help=hint)


def _wanted(terminals: set[str]) -> str:
    """What could come here, in words; the words that any layer may have are left out."""
    if "ARROW" in terminals:
        terminals = terminals & {"ARROW", "BAR", "RSQB"}
    elif "WORD" in terminals:
        terminals = {"WORD"}
    return " or ".join(words for terminal, words in WANTED.items() if terminal in terminals) or "the end of the formula"
