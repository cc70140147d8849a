"""Files as of a revision in git: `specs/googlenet.yaml@main`."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from typing import Final

from inception_dsl.diagnostics.spelling import did_you_mean
from inception_dsl.files import paths

_WITH_REVISION: Final = re.compile(r"(.+?\.ya?ml)@(.+)", re.DOTALL)

_OF_A_HOOK: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What git tells its hooks of their repository: a file may be in another one."""


def split_revision(path: str) -> tuple[str, str]:
    """A path and the revision after it; the revision is "" where there is none, or where a file has the whole name."""
    found = _WITH_REVISION.fullmatch(path)
    return (found[1], found[2]) if found and not os.path.lexists(path) else (path, "")


class Revision:
    """The files beside a path as of a revision, all of one commit."""

    def __init__(self, path: str, name: str) -> None:
        """Find the commit. Raises `SpecError` E001 where there is none, or no git."""
        self.name = name
        self._folder = _existing_folder(path)
        self._commit = self._find_commit(path)

    def read(self, path: str, most: int) -> bytes:
        """Read at most `most` bytes of a file. Raises `SpecError` E001 where there is no such file in the commit."""
        place = os.path.relpath(path, self._folder).replace(os.sep, "/")
        wanted = f"{self._commit}:{place if place.startswith('../') else f'./{place}'}"
        kind, data = self._object(wanted, most) if "\n" not in wanted else ("", b"")
        if kind == "tree":
            raise paths.unreadable(f"{path}@{self.name}", "it is a directory")
        if kind != "blob":
            raise paths.unreadable(f"{path}@{self.name}", f"there is no such file in the revision `{self.name}`")
        return data

    def _object(self, name: str, most: int) -> tuple[str, bytes]:
        """The kind of an object and the start of its content; "" for one that does not exist."""
        words = self._git("cat-file", "--batch")
        with subprocess.Popen(  # noqa: S603
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
        ) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write(os.fsencode(f"{name}\n"))
            process.stdin.close()
            header = process.stdout.readline().decode(errors="replace").split()
            found = len(header) == 3 and header[2].isdecimal()  # the name, the kind and the size; else "... missing"
            data = process.stdout.read(min(int(header[2]), most)) if found else b""
            process.kill()
        return header[1] if found else "", data

    def _find_commit(self, path: str) -> str:
        """The commit of a revision."""
        what = f"{path}@{self.name}"
        if self.name.startswith("-"):
            raise paths.unreadable(what, f"`{self.name}` is not a revision")
        done = self._run(what, "rev-parse", "--verify", "--quiet", f"{self.name}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.decode().strip()
        if lines := done.stderr.decode(errors="replace").strip().splitlines():
            raise paths.unreadable(what, lines[-1].removeprefix("fatal: "))
        known = self._run(what, "for-each-ref", "--count=1000", "--format=%(refname:short)").stdout.decode()
        hint = did_you_mean(self.name, known.split())
        raise paths.unreadable(what, f"git knows no revision `{self.name}` here", hint)

    def _run(self, what: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603
                self._git(*words), capture_output=True, stdin=subprocess.DEVNULL, env=_environment(), check=False
            )
        except (OSError, ValueError) as error:
            hint = "install git" if isinstance(error, FileNotFoundError) else ""
            raise paths.unreadable(what, f"git cannot be run: {paths.reason(error)}", hint) from None

    def _git(self, *words: str) -> Sequence[str]:
        return ["git", "-C", self._folder, *words]


def _existing_folder(path: str) -> str:
    """The nearest folder above a path that exists: the path may be gone by now."""
    folder = os.path.dirname(path) or "."
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder) or "."
    return folder


def _environment() -> dict[str, str]:
    """Git in English, and without questions."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
