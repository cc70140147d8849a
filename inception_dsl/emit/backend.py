"""What a backend is. Each has a folder in `emit/` with one `Backend`, and one line in `backends.BACKENDS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inception_dsl.crosscheck.executor import Executor
from inception_dsl.diagnostics.codes.plugins import UNUSABLE_PLUGIN
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.emit.options import Options
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.typed import Typed
from inception_dsl.spec.vocabulary.plugins import plugin_of


class Backend(NamedTuple):
    """A target that spells every op by a rule of its own.

    `name` is what the command line calls it, and `rules` is its table of rules. `emit` takes the network, the options
    and the command to cite under "Rebuild:", and returns the backend's files by name. `executor` makes the form that
    the cross-check runs, if there is one; it imports the libraries `needs`, which emitting must not.
    """

    name: str
    rules: Rules[Any]
    emit: Callable[[Typed, Options, str], Mapping[str, bytes]]
    executor: Callable[[Typed], Executor] | None = None
    needs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name of the target, as its makers write it."""
        return self.rules.backend

    def files(self, typed: Typed, options: Options, rebuild: str) -> Mapping[str, bytes]:
        """Its files by name. Raises `SpecError` E009 for an op of a plugin that it has no rule for."""
        for node in typed.nodes:
            if type(node.op) not in self.rules:
                offer = plugin_of("layers", node.op.name)
                whose = f", a layer of the plugin {offer.origin}" if offer else ""
                message = f"the backend `{self.name}` has no rule for `{node.op.name}`{whose}"
                hint = f"the plugin can add it: `rules={{'{self.name}': ...}}`"
                raise SpecError([Diagnostic(UNUSABLE_PLUGIN, message, node.origin, help=hint)])
        return self.emit(typed, options, rebuild)
