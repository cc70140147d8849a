"""Files on disk: a set of them is written whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from inception_dsl.diagnostics.codes.generated import EDITED_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import paths

_TEMPORARY: Final = ".inception-dsl-{}-"
_STRAY: Final = re.compile(r"\.inception-dsl-(\d+)-.*\.part")


def write(files: Mapping[str, bytes], out: Path, force: bool = False) -> list[Path]:
    """Write a set of files below a folder, those that differ from what is there; gives the paths of all of them.

    Each is written beside its place, and moved there after all could be written: whatever fails, the folder has all of
    the old files or all of the new ones. Raises `SpecError` E006 where one cannot be written; E404 for one that was
    edited since it was made, unless `force`.
    """
    changed = _changed({out / name: content for name, content in files.items()}, force)
    parts: dict[Path, Path] = {}
    made: list[Path] = []
    for folder in dict.fromkeys((out / name).parent for name in files):
        _sweep(folder)
    try:
        for path, content in changed.items():
            with _of(path):
                made += _folders(path.parent)
                parts[path] = _part(path, content)
        with _undisturbed():
            _move(parts)
    finally:
        with suppress(OSError):
            for part in parts.values():
                part.unlink(missing_ok=True)
            for folder in reversed(made):
                folder.rmdir()  # which fails where it has files now
    return [out / name for name in files]


def is_temporary(path: Path) -> bool:
    """Whether a file is one that `write` is writing, or left when it was killed."""
    return _STRAY.fullmatch(path.name) is not None


def content_of(path: Path) -> bytes | None:
    """What is in a file; None where there is none. Raises `SpecError` E001 where it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise paths.unreadable(path, paths.reason(error)) from None


def _changed(files: Mapping[Path, bytes], force: bool) -> dict[Path, bytes]:
    """The files that are not what they should be; raises `SpecError` where one must not or cannot be replaced."""
    from inception_dsl.files.signature import edited

    changed: dict[Path, bytes] = {}
    faults: list[Diagnostic] = []
    for path, content in files.items():
        there = content_of(path)
        if there == content:
            continue
        changed[path] = content
        if hindrance := _hindrance(path):
            faults += paths.unwritable(path, hindrance).diagnostics
        elif there is not None and not force and edited(there):
            hint = "keep it under another name, or overwrite it with --force"
            faults.append(
                Diagnostic(EDITED_FILE, f"`{path}` was edited since it was generated", help=hint, file=str(path))
            )
    if faults:
        raise SpecError(faults)
    return changed


def _hindrance(path: Path) -> str:
    """What is at a path instead of a file, in words; "" if nothing is in the way."""
    with suppress(OSError):  # a path that cannot be examined is reported when it is written
        if os.path.lexists(path):
            kind = paths.kind(path.lstat().st_mode)
            return f"it is {kind}; move it away" if kind else ""
        above = next((each for each in path.parents if os.path.lexists(each)), None)
        if above is not None and not above.is_dir():
            return f"`{above}` is not a folder"
    return ""


def _folders(folder: Path) -> list[Path]:
    """Make a folder; gives those that were made for it, from the top."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _part(path: Path, content: bytes) -> Path:
    """Write a file's content beside its place; gives where."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY.format(os.getpid()), suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o666 & ~_umask())
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _move(parts: Mapping[Path, Path]) -> None:
    """Move files to their places; a failure brings back what was there."""
    kept: dict[Path, Path | None] = {}
    try:
        for path in parts:
            with _of(path):
                kept[path] = _second_name(path) if path.exists() else None
        for path, part in parts.items():
            with _of(path):
                os.replace(part, path)
    except BaseException:
        for path, old in kept.items():
            if old:
                os.replace(old, path)
            elif not parts[path].exists():
                path.unlink(missing_ok=True)
        raise
    finally:
        with suppress(OSError):
            for old in filter(None, kept.values()):
                old.unlink(missing_ok=True)


@contextmanager
def _of(path: Path) -> Iterator[None]:
    """Tell of the file that is written, whatever its content is called until it is in its place."""
    try:
        yield
    except OSError as error:
        raise paths.unwritable(path, paths.reason(error)) from None


def _second_name(path: Path) -> Path:
    """Keep what is in a file under another name beside it, or a copy where a file system has no second names."""
    other = _part(path, b"")
    try:
        other.unlink()
        os.link(path, other)
    except OSError:
        shutil.copy2(path, other)
    return other


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed left in a folder."""
    with suppress(OSError):
        for path in folder.iterdir():
            if (stray := _STRAY.fullmatch(path.name)) and not _runs(int(stray[1])):
                path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether another process of that number is at work."""
    if process == os.getpid() or os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except OverflowError:
        return False
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals wait that would end the process."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
