"""The command that judges the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from inception_dsl.cli.run import Run


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write what was found as JSON, to go with a bug report.")
@click.option("--device", default="", help="Test one device only, such as cpu. [default: each]")
def doctor(out: Path | None, device: str) -> None:
    """Check the installation, and each device by a short training."""
    run = Run("text")
    with run.waiting.on("torch"):
        from inception_dsl.training.doctor import doctor

    if code := run.attempt(lambda: doctor(device, out)):
        sys.exit(code)
    run.finish()
