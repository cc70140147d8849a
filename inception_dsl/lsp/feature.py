"""What a feature of the server is: a method of the protocol, and the function that answers it about a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inception_dsl.lsp.files import OpenFile


@dataclass(frozen=True)
class Feature:
    """A request about an open file: `answer` gets the file and the parameters of the request.

    `options` are those that the server announces to the client.
    """

    method: str
    answer: Callable[[OpenFile, Any], Any]
    options: Any = None
