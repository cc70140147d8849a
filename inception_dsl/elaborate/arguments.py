"""The arguments of a call: the values of its module's columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE, WRONG_MODULE_ARGUMENTS
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.elaborate.scope import MAX_CHANNELS, Scope, describe_value
from inception_dsl.ir.values import Name, Scalar, Value, Width, names
from inception_dsl.syntax.terms import Use

Arguments = dict[str, Value | Scalar | None]


def arguments(use: Use, columns: tuple[str, ...], scope: Scope) -> Arguments:
    """The argument for each column of a module, given by name or by a cell of the row. Raises `Fault` E216."""
    given: dict[str, Value | Scalar | None] = {}
    for word in use.words:
        if word.text not in columns:
            hint = did_you_mean(word.text, columns) or (
                f"it has {listing(columns)}" if columns else "it takes no arguments"
            )
            raise scope.fault(
                WRONG_MODULE_ARGUMENTS, f"the module `{use.name}` has no column `{word.text}`", word.at, help=hint
            )
        if word.value is None or isinstance(word.value, tuple):
            hint = f"write `{word.text}=64`, for example"
            raise scope.fault(WRONG_MODULE_ARGUMENTS, f"`{word.text}` takes one number", word.at, help=hint)
        if word.text in given:
            raise scope.fault(WRONG_MODULE_ARGUMENTS, f"`{word.text}` is given twice", word.at, help="keep one of them")
        given[word.text] = word.value
    row = scope.row if scope.row and scope.row.layer is scope.formula else None
    for column in columns:
        if column in given:
            continue
        if row is None or column not in row.args:
            hint = f"write `{use.name} {column}=...`"
            if row:
                table = row.layer.fragment.literal  # else it stands among the edits of a variant
                hint += (
                    f", or add a column `{column}` to the table" if table else f", or give the row a cell `{column}`"
                )
            raise scope.fault(
                WRONG_MODULE_ARGUMENTS,
                f"the module `{use.name}` needs a value for its column `{column}`",
                use.at,
                help=hint,
            )
        given[column] = scope.symbols[column] if column in scope.symbols else scope.values[column]
    return {column: given[column] for column in columns}


def known(given: Arguments, scope: Scope) -> dict[str, Scalar | None]:
    """The arguments whose values are known at the call; those that depend on `in` are left out. Raises `Fault`."""
    values: dict[str, Scalar | None] = {}
    for column, argument in given.items():
        if not isinstance(argument, Value):
            values[column] = argument
        elif all(name.name in scope.values for name in names(argument)):
            values[column] = scope.known(argument)
    return values


def widths(use: Use, given: Arguments, structural: Collection[str], scope: Scope) -> dict[str, Width]:
    """The arguments for the columns that are widths, 0 for an empty one. Raises `Fault`."""
    bound: dict[str, Width] = {}
    for column, argument in given.items():
        if column in structural:
            continue
        if isinstance(argument, Value):
            width = scope.width(argument)
            bound[column] = 0 if width is None else width
        elif isinstance(argument, int) and argument <= MAX_CHANNELS:
            bound[column] = argument
        elif argument is not None:
            message = f"a width must be a whole number from 1 to {MAX_CHANNELS:,}, not {describe_value(argument)}"
            for word in use.words:
                if word.text == column:
                    raise scope.fault(CANNOT_EVALUATE, message, word.at)
            place = Name(column, at=use.at)
            raise scope.bad(CANNOT_EVALUATE, place, message, scope.rounded(place, argument))
    return bound


def argument(param: str, bound: Mapping[str, Width], use: Use, scope: Scope) -> Width:
    """The width that a call binds a parameter of a template to. Raises `Fault` where it is empty."""
    if param not in bound:
        message = f"`{param}` of the module `{use.name}` must not be empty"
        raise scope.bad(CANNOT_EVALUATE, Name(param, at=use.at), message)
    return bound[param]
