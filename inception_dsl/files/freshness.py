"""Compares generated files with their specs: missing, stale, or orphaned."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from inception_dsl.diagnostics.codes.generated import ORPHANED_FILE, STALE_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.files.output import content_of, is_temporary

MOST_DIFF: Final = 60
"""The most lines of a difference that are shown."""


class Stale(NamedTuple):
    """A file that differs from what its spec produces: the problem, and the difference as text."""

    path: Path
    problem: Literal["missing", "stale", "orphaned"]
    difference: str = ""

    def diagnostic(self, command: str) -> Diagnostic:
        """E402, with the command that fixes it."""
        from inception_dsl.files.signature import edited

        hint = f"run `{command}`, and commit what it writes"
        if self.problem == "orphaned":
            hint = "no spec produces it: delete it"
        elif self.path.is_dir():
            hint = f"a directory is in its place: move it away, and {hint}"
        elif self.problem == "stale" and edited(content_of(self.path) or b""):
            hint = f"it was edited since it was generated: keep it under another name, or run `{command} --force`"
        return Diagnostic(STALE_FILE, f"`{self.path}` is {self.problem}", help=hint, file=str(self.path))


def stale(
    files: Mapping[str, bytes],
    out: Path,
    everything: bool,
    optional: Collection[str] = (),
    ignored: Collection[str] = (),
) -> Iterator[Stale]:
    """What differs on disk from `files`: missing, stale, or orphaned, which is that no spec produces it.

    Orphans are looked for beside `files`; in all of `out` if `everything`. The files with `optional` names may be
    missing from a folder, but only all of them together; files with `ignored` names are not orphans.
    Raises `SpecError` E001 for a file that cannot be read.
    """
    for name, content in files.items():
        path = out / name
        if path.name in optional and not any(path.with_name(other).exists() for other in optional):
            continue
        if (there := content_of(path)) is None:
            yield Stale(path, "missing")
        elif there != content and (shown := difference(there, content, path)):
            yield Stale(path, "stale", shown)
    folders = [out] if everything else sorted({(out / name).parent for name in files})
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            known = path.name in ignored or path.relative_to(out).as_posix() in files
            if path.is_file() and not known and not _of_tools(path):
                yield Stale(path, "orphaned")


def orphans(
    files: Mapping[str, bytes], out: Path, everything: bool, ignored: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """W402 for other files in the folder of a network, except those with `ignored` names.

    If `everything`, for folders of other networks too.
    """
    given = {out / name for name in files}
    folders = {path.parent for path in given}
    beside = [path for folder in sorted(folders) if folder.is_dir() for path in sorted(folder.iterdir())]
    networks = sorted(out.iterdir()) if everything and out.is_dir() else []
    others = [path for path in networks if path not in folders and (path / "model.py").is_file()]
    for path in (*beside, *others):
        if path not in given and path.name not in ignored and not _of_tools(path):
            message, hint = f"`{path}` is orphaned: no spec produces it", "delete it: `compile` never deletes files"
            yield Diagnostic(ORPHANED_FILE, message, help=hint, file=str(path))


def difference(there: bytes, ours: bytes, path: Path) -> str:
    """The change of a file as a unified diff; empty for ONNX files with equal graphs."""
    from difflib import unified_diff

    if path.suffix == ".onnx":
        before, after = _graph_text(there), _graph_text(ours)
    else:
        before, after = there.decode(errors="replace"), ours.decode()
    lines = list(
        unified_diff(
            before.splitlines(), after.splitlines(), f"{path} (on disk)", f"{path} (from the spec)", "", "", 1, ""
        )
    )
    rest = [f"... and {len(lines) - MOST_DIFF} more lines"] if len(lines) > MOST_DIFF else []
    return "\n".join([*lines[:MOST_DIFF], *rest])


def _of_tools(path: Path) -> bool:
    """Whether a path is a cache of Python or a temporary file of `write`."""
    return is_temporary(path) or path.suffix == ".pyc" or path.name == "__pycache__"


def _graph_text(data: bytes) -> str:
    import onnx

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # noqa: BLE001 - protobuf's DecodeError has no public name that all its versions share
        return f"not an ONNX file: {error}"
    return str(model)
