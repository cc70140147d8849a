"""Files on disk: written whole or not at all, and compared with what a spec gives."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from inception_dsl.diagnostics import Diagnostic, SpecError

MOST_DIFF = 60
"""Lines of a difference that are shown."""


def write(files: Mapping[str, bytes], out: Path, force: bool = False) -> list[Path]:
    """Write files below a folder, those that differ from what is there; gives the paths of all of them.

    Each is written beside its place and then moved there, after all could be written. Raises `SpecError` E006, and
    leaves everything as it was, where one cannot be; E404 for one that was edited since it was made, unless `force`.
    """
    if not force:
        _refuse_edited(files, out)
    moves: list[tuple[str, Path]] = []
    try:
        for name, content in files.items():
            path = out / name
            if path.is_file() and path.read_bytes() == content:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
            moves.append((temporary, path))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary, 0o666 & ~_umask())
        for temporary, path in moves:
            os.replace(temporary, path)
    except OSError as error:
        for temporary, _ in moves:
            Path(temporary).unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        failed = str(error.filename or out)
        raise SpecError([Diagnostic("E006", f"cannot write `{failed}`: {reason}", file=failed)]) from None
    return [out / name for name in files]


def _refuse_edited(files: Mapping[str, bytes], out: Path) -> None:
    from inception_dsl.emit.signature import edited

    faults = []
    for name, content in files.items():
        path = out / name
        if path.is_file() and (there := path.read_bytes()) != content and edited(there):
            hint = "keep it under another name, or overwrite it with --force"
            faults.append(Diagnostic("E404", f"`{path}` was edited since it was made", help=hint, file=str(path)))
    if faults:
        raise SpecError(faults)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Stale(NamedTuple):
    """A file that is not what its spec gives: what is wrong, and the difference as text."""

    path: Path
    problem: Literal["missing", "stale", "orphaned"]
    difference: str = ""

    @property
    def diagnostic(self) -> Diagnostic:
        """E402."""
        hint = "delete it" if self.problem == "orphaned" else "run `inception-dsl compile`, and commit what it writes"
        return Diagnostic("E402", f"`{self.path}` is {self.problem}", help=hint, file=str(self.path))


def stale(files: Mapping[str, bytes], out: Path, whole: bool) -> Iterator[Stale]:
    """What differs on disk from `files`: missing, stale, or orphaned (no spec gives it; in all of `out` if `whole`)."""
    for name, content in files.items():
        path = out / name
        if not path.is_file():
            yield Stale(path, "missing")
        elif (there := path.read_bytes()) != content and (shown := difference(there, content, path)):
            yield Stale(path, "stale", shown)
    folders = [out] if whole else sorted({(out / name).parent for name in files})
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and str(path.relative_to(out).as_posix()) not in files and path.suffix != ".pyc":
                yield Stale(path, "orphaned")


def difference(there: bytes, ours: bytes, path: Path) -> str:
    """What would change in a file, as a unified diff; empty for ONNX files that are the same graph."""
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


def _graph_text(data: bytes) -> str:
    import onnx

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # noqa: BLE001 - protobuf's DecodeError has no public name that all its versions share
        return f"not an ONNX file: {error}"
    return str(model)
