"""`sweep`: every combination of some values of a spec's settings, costed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from inception_dsl.cli.options import OUTSIDE, SPEC, Written, settings_option
from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.diagnostics.spelling import counted
from inception_dsl.files import builtin
from inception_dsl.text.aligned import TextColumn, format_table
from inception_dsl.text.terminal import columns

if TYPE_CHECKING:
    from inception_dsl.sweeps.sweep import Counts, Reason, Sweep
    from inception_dsl.sweeps.variant import Variant

MOST_REASONS: Final = 3
"""The most reasons why variants do not compile that are printed."""


class Quantity(click.ParamType[Fraction]):
    """A number as papers print them: `600M`, `1,000`; or `4.2e6`."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """Return the number."""
        from inception_dsl.sweeps.formulas import quantity

        if (number := quantity(str(value))) is None:
            self.fail(f"invalid number `{value}`: expected a number such as 600M, 4.2e6 or 1,000", param, ctx)
        return number


@click.command()
@SPEC
@settings_option("--set", "settings", "Vary a setting: width=0.25:2:0.05 (both ends count), depth=1,2,3, or one value.")
@click.option("--size", "sizes", metavar="SIZES", help="Vary the image size: 128:256:32, or 224,192x256 (HxW).")
@click.option("--max-params", type=Quantity(), help="Keep variants with at most this many parameters.")
@click.option("--max-macs", type=Quantity(), help="Keep variants with at most this many multiply-adds: 600M.")
@click.option("--max-activations", type=Quantity(), help="Keep variants with at most this many activations.")
@click.option("--where", metavar="EXPR", multiple=True, help="Keep variants for which this holds: 'depth * width < 4'.")
@click.option("--minimise", metavar="EXPR", multiple=True, help="Objective of the front. [default: ops, activations]")
@click.option("--maximise", metavar="EXPR", multiple=True, help="Objective of the front. [default: params]")
@click.option("--csv", type=Written(".csv"), help="Write all variants that are kept to a CSV file.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw them as .svg or .png.")
@click.option("--write", type=click.IntRange(1, 1000), help="Write this many variants of the front as specs.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="With --write: the folder. [default: that of SPEC; . if built in]"
)
@OUTSIDE
@output_formats("text", "json", "markdown")
def command(
    run: CommandRun,
    spec: str,
    settings: dict[str, str],
    csv: Path | None,
    plot: Path | None,
    write: int | None,
    out: Path | None,
    **options: Any,
) -> None:
    """Count all combinations of settings, and print the Pareto front.

    The front has the variants for which no other has at least as many parameters with at most as many multiply-adds
    and activations, unless --minimise and --maximise set other objectives. All numbers are those of the rows, without
    heads. Exit codes: 0 some variants are kept, 1 none is, 2 could not run.
    """
    from inception_dsl.sweeps.sweep import Counts, sweep
    from inception_dsl.sweeps.table import spooled

    if out and not write:
        raise click.UsageError("--out needs --write: it is the folder for the variants")
    with run.step(spec):
        options["sizes"] = options["sizes"] or ()
        found = sweep(spec, settings, **options)
    folder = out or Path("." if spec.startswith(builtin.PREFIX) else spec).parent
    with run.step(spec), spooled(found) as spool:
        from inception_dsl.sweeps.plot import Places, plot_sweep
        from inception_dsl.sweeps.write import chosen, extendable, write_variants

        _check_files(csv, plot)
        if write:
            extendable(found.path, folder)
        counts, front, places = Counts(), found.collector(), Places(found)
        for variant in found.variants(counts, lambda done: run.waiting.note(f"{done:,} of {len(found):,} variants")):
            front.add(variant)
            if csv:
                spool.add(variant)
            if plot:
                places.add(variant)
        kept = front.items()
        _print(run, found, counts, kept)
        if csv:
            spool.write(csv, kept)
            run.record_written([csv])
        if plot and kept:
            plot_sweep(found, places, kept, plot)
            run.record_written([plot])
        if write and kept:
            run.record_written(write_variants(found, chosen(kept, write), folder))


def _check_files(csv: Path | None, plot: Path | None) -> None:
    """Fail before the work if a file cannot be written."""
    from inception_dsl.emit.charts.file import check_format
    from inception_dsl.files.output import check_writable

    if plot:
        check_format(plot)
    for path in filter(None, (csv, plot)):
        check_writable(path)


def _print(run: CommandRun, found: Sweep, counts: Counts, front: Sequence[Variant]) -> None:
    """Print the counts, the front, and why some variants do not compile."""
    from inception_dsl.sweeps.table import MOST_ROWS, front_table

    reasons = found.reasons(counts)
    run.table = front_table(found, front)
    run.result = {
        "network": found.spec.network,
        "axes": {axis.name: list(axis.values) for axis in found.axes},
        "combinations": len(found),
        "valid": counts.valid,
        "kept": counts.kept,
        "objectives": [{"formula": objective.text, "maximise": objective.maximise} for objective in found.objectives],
        "front": [{**variant.data(), "objectives": found.scores(variant)} for variant in front],
        "invalid": [_reason_data(found, reason) for reason in reasons],
    }
    many = counted(len(found), "variant")
    run.echo(f"{found.spec.network}: {many}, {counts.valid:,} valid, {counts.kept:,} within the limits")
    if front:
        run.echo(f"Pareto front of {', '.join(map(str, found.objectives))}: {len(front):,}\n")
        shown = zip(*run.table[: MOST_ROWS + 1], strict=True)
        lines = format_table([TextColumn.of(column, right=True) for column in shown], gap=2, room=columns())
        run.echo("\n".join([*lines, *([f"... and {len(front) - MOST_ROWS:,} more"] if len(front) > MOST_ROWS else [])]))
    for reason in reasons[:MOST_REASONS]:
        many, message = counted(reason.variants, "variant"), reason.diagnostics[0].message
        run.echo(f"\nnot valid: {many}, such as {found.label(reason.first)}: {message} [{reason.diagnostics[0].code}]")
    if not counts.valid:
        run.diagnostics += [diagnostic for reason in reasons for diagnostic in reason.diagnostics]
    run.exit_code = 0 if counts.kept else 1


def _reason_data(found: Sweep, reason: Reason) -> dict[str, Any]:
    """A reason for machines."""
    settings, size = found.split(reason.first)
    first = reason.diagnostics[0]
    where = {"row": reason.row, "variants": reason.variants, "settings": settings, "size": size}
    return {**where, "code": str(first.code), "message": first.message}
