"""`doctor`: whether training works on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import click

from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.text.terminal import columns


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write the checks as JSON, to attach to a bug report.")
@click.option("--device", default="", help="Test one device only, such as cpu. [default: all]")
@output_formats("text", "json")
def command(run: CommandRun, out: Path | None, device: str) -> None:
    """Check the installation, and train briefly on each device.

    Exit codes: 0 training works, 1 a check failed, 2 could not run.
    """
    with run.step(file="torch"):
        from inception_dsl.training import doctor, installation
    checks = []
    for check in doctor.run_checks(doctor.devices(device)):
        checks.append(check)
        run.echo(check.text(columns()))
    run.result = doctor.checks_data(checks)
    counts = run.result["summary"]
    run.echo("\n" + ", ".join(f"{count} {result}" for result, count in counts.items()))
    run.exit_code = int(counts[installation.FAILED] > 0)
    if out:
        from inception_dsl.files.output import write

        run.record_written(write({out.name: (json.dumps(run.result, indent=2) + "\n").encode()}, out.parent))
