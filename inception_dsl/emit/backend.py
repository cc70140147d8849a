"""What a backend is. Each has a folder in `emit/` with one `Backend`, and one line in `backends.BACKENDS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inception_dsl.crosscheck.executor import Executor
from inception_dsl.emit.options import Options
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.typed import Typed


class Backend(NamedTuple):
    """A target that spells every op by a rule of its own.

    `name` is what the command line calls it, and `rules` is its table of rules. `emit` takes the network, the options
    and the command to cite under "Rebuild:", and returns the backend's files by name. `executor` makes the form that
    the cross-check runs; it imports the libraries `needs`, which emitting must not.
    """

    name: str
    rules: Rules[Any]
    emit: Callable[[Typed, Options, str], Mapping[str, bytes]]
    executor: Callable[[Typed], Executor]
    needs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name of the target, as its makers write it."""
        return self.rules.backend
