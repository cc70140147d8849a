"""What completion offers: a text, what it is, and what it means."""

from __future__ import annotations

from typing import Final, NamedTuple

from lsprotocol.types import CompletionItemKind

LAYER: Final = CompletionItemKind.Function
MODULE: Final = CompletionItemKind.Class
WORD: Final = CompletionItemKind.EnumMember
COLUMN: Final = CompletionItemKind.Field
SETTING: Final = CompletionItemKind.Variable
NAME: Final = CompletionItemKind.Constant
FUNCTION: Final = CompletionItemKind.Method
ROW: Final = CompletionItemKind.Reference
KEY: Final = CompletionItemKind.Property
VALUE: Final = CompletionItemKind.Value
FILE: Final = CompletionItemKind.File


class Offer(NamedTuple):
    """A text that can be written at a place. `label` is shown for it where that is shorter."""

    text: str
    kind: CompletionItemKind
    meaning: str = ""
    label: str = ""
