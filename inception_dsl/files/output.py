"""Writes a set of files atomically: all of them or none."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from inception_dsl.diagnostics.codes.generated import EDITED_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import paths

_TEMPORARY: Final = ".inception-dsl-{}-"
_STRAY: Final = re.compile(r"\.inception-dsl-(\d+)-.*\.part")


def write(files: Mapping[str, bytes], out: Path, force: bool = False) -> list[Path]:
    """Write the files that differ from those in a folder; returns the paths of all of them.

    The contents are written to temporary files in the same folders, which are renamed after all could be written: on
    any failure, the folder has all of the old files. Raises `SpecError` E006 for a file that cannot be written, and
    E404 for one that was edited since it was generated, unless `force`.
    """
    changed = _changed({out / name: content for name, content in files.items()}, force)
    parts: dict[Path, Path] = {}
    created: list[Path] = []
    for folder in dict.fromkeys((out / name).parent for name in files):
        _remove_strays(folder)
    try:
        for path, content in changed.items():
            with _errors_name(path):
                created += _make_folders(path.parent)
                parts[path] = _write_temporary(path, content)
        with _signals_blocked():
            _rename_all(parts)
    finally:
        with suppress(OSError):
            for part in parts.values():
                part.unlink(missing_ok=True)
            for folder in reversed(created):
                folder.rmdir()  # which fails where it has files now
    return [out / name for name in files]


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Write one file piece by piece, however large: it replaces the old one when the block ends without an error.

    Raises `SpecError` E006 if it cannot be written.
    """
    if obstacle := _obstacle(path):
        raise paths.unwritable(path, obstacle)
    created: list[Path] = []
    part: Path | None = None
    _remove_strays(path.parent)
    try:
        with _errors_name(path):
            created = _make_folders(path.parent)
            part = _write_temporary(path, b"")
            with part.open("wb") as file:
                yield file
        with _signals_blocked():
            _rename_all({path: part})
        created = []
    finally:
        with suppress(OSError):
            if part is not None:
                part.unlink(missing_ok=True)
            for folder in reversed(created):
                folder.rmdir()


def check_writable(path: Path) -> None:
    """Raise `SpecError` E006 if a file cannot be written: before the work that gives its content, which may take hours.

    The file is left as it is; a folder that is missing is made later.
    """
    if obstacle := _obstacle(path):
        raise paths.unwritable(path, obstacle)
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    with _errors_name(path), tempfile.TemporaryFile(dir=folder):
        pass


def is_temporary(path: Path) -> bool:
    """Whether a file is a temporary file of `write`, perhaps of a process that was killed."""
    return _STRAY.fullmatch(path.name) is not None


def content_of(path: Path) -> bytes | None:
    """The content of a file; None if it does not exist. Raises `SpecError` E001 if it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise paths.unreadable(path, paths.reason(error)) from None


def _changed(files: Mapping[Path, bytes], force: bool) -> dict[Path, bytes]:
    """The files whose content changes; raises `SpecError` if one must not or cannot be replaced."""
    from inception_dsl.files.signature import edited

    changed: dict[Path, bytes] = {}
    faults: list[Diagnostic] = []
    for path, content in files.items():
        there = content_of(path)
        if there == content:
            continue
        changed[path] = content
        if obstacle := _obstacle(path):
            faults += paths.unwritable(path, obstacle).diagnostics
        elif there is not None and not force and edited(there):
            hint = "keep it under another name, or overwrite it with --force"
            faults.append(
                Diagnostic(EDITED_FILE, f"`{path}` was edited since it was generated", help=hint, file=str(path))
            )
    if faults:
        raise SpecError(faults)
    return changed


def _obstacle(path: Path) -> str:
    """What is at a path instead of a file, in words; "" if nothing is in the way."""
    with suppress(OSError):  # a path that cannot be examined is reported when it is written
        if os.path.lexists(path):
            kind = paths.file_kind(path.lstat().st_mode)
            return f"it is {kind}; move it away" if kind else ""
        above = next((parent for parent in path.parents if os.path.lexists(parent)), None)
        if above is not None and not above.is_dir():
            return f"`{above}` is not a folder"
    return ""


def _make_folders(folder: Path) -> list[Path]:
    """Create a folder; returns the folders that were created, from the top."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _write_temporary(path: Path, content: bytes) -> Path:
    """Write a content to a temporary file in the folder of `path`, with the mode of that; returns its path."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY.format(os.getpid()), suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask())
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _rename_all(parts: Mapping[Path, Path]) -> None:
    """Rename temporary files to their paths; restores the old files on a failure."""
    kept: dict[Path, Path | None] = {}
    try:
        for path in parts:
            with _errors_name(path):
                kept[path] = _keep(path) if path.exists() else None
        for path, part in parts.items():
            with _errors_name(path):
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
def _errors_name(path: Path) -> Iterator[None]:
    """Report errors with the path of the file, not that of its temporary file."""
    try:
        yield
    except OSError as error:
        raise paths.unwritable(path, paths.reason(error)) from None


def _keep(path: Path) -> Path:
    """Keep a file under another name by a hard link, or a copy if the file system has no links."""
    other = _write_temporary(path, b"")
    try:
        other.unlink()
        os.link(path, other)
    except OSError:
        shutil.copy2(path, other)
    return other


def _remove_strays(folder: Path) -> None:
    """Remove the temporary files of processes that were killed."""
    with suppress(OSError):
        for path in folder.iterdir():
            if (stray := _STRAY.fullmatch(path.name)) and not _is_running(int(stray[1])):
                path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    """Whether another process with this id is running."""
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
def _signals_blocked() -> Iterator[None]:
    """Block the signals that would end the process."""
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
