"""What tests share: the options of this suite, and how many threads each of its parallel workers takes."""

from __future__ import annotations

import ast
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from browser import chromium  # noqa: F401 - a fixture
from foreign_package import theirs  # noqa: F401 - a fixture
from hypothesis import HealthCheck, settings

# no test fails because its machine is slow
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    # before torch or numpy are imported, here and in what tests start: workers that each take all processors wait for
    # each other, and a test then takes up to ten times as long
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden` and `--core`."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the texts that tests compare with")
    parser.addoption("--core", action="store_true", help="run the tests that hold without torch and the other extras")


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of what `--core` leaves out."""
    config.addinivalue_line("markers", "extras: it needs more than the core install, though its file does not")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--core`, leave out the files whose imports are not installed: they are of the extras."""
    if not config.getoption("--core") or collection_path.suffix != ".py":
        return None
    tree = ast.parse(collection_path.read_text(encoding="utf-8"))
    imports: list[ast.stmt] = [each for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
    try:
        exec(compile(ast.Module(imports, []), collection_path, "exec"), {})  # noqa: S102 - our own files
    except ModuleNotFoundError as error:
        return True if (error.name or "").partition(".")[0] != "inception_dsl" else None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--core`, skip the tests that are marked `extras`."""
    for item in items if config.getoption("--core") else ():
        if item.get_closest_marker("extras"):
            item.add_marker(pytest.mark.skip(reason="needs an extra"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker tests that follow each other, so that what a file's tests share is made once."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether texts are rewritten in place of failing."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """What is launched; it is not, but as if it was preempted."""
    from inception_dsl.training import launch

    calls: list[Sequence[str]] = []

    def preempted(folder: Path, arguments: Sequence[str], processes: int = 1, quiet: bool = False) -> int:
        calls.append(arguments)
        return launch.PREEMPTED

    monkeypatch.setattr(launch, "launch", preempted)
    return calls
