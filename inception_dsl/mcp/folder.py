"""The folder that a server reads: which paths lead into it, and which out of it."""

from __future__ import annotations

import os
from typing import Final

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files import builtin, paths
from inception_dsl.files.confined import is_within
from inception_dsl.files.git import split_revision

MAX_ENTRIES: Final = 100_000
"""The most files and folders below a folder that are examined for links."""


class Folder:
    """A folder, in which the server runs: relative paths start there."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)

    def inside(self, path: str) -> str:
        """A path of a spec or a folder of specs, with a revision perhaps, as a verb takes it.

        A built-in spec is given as such. Raises `SpecError` E001 for a path that leads out of the folder, for a folder
        with a link that does, and for a revision of a repository that is not in the folder.
        """
        if path.startswith(builtin.PREFIX):
            return path
        if not path.isprintable():
            raise paths.unreadable(ascii(path), "it has characters that cannot be printed")
        file, revision = split_revision(path)
        if not is_within(file, self.root):
            raise self._outside(path)
        if revision:
            self._check_repository(file, path)
        elif os.path.isdir(file):
            self._check_links(file)
        return path

    def _outside(self, path: str, hint: str = "") -> SpecError:
        return paths.unreadable(path, f"it is outside `{self.root}`", hint or "name a file in that folder")

    def _check_links(self, folder: str) -> None:
        """Examine the links below a folder, which a verb would follow."""
        count = 0
        for above, folders, files in os.walk(folder):
            count += len(folders) + len(files)
            if count > MAX_ENTRIES:
                hint = "name a folder in it, or its specs"
                raise paths.unreadable(folder, f"it has more than {MAX_ENTRIES:,} files and folders", hint)
            for name in (*folders, *files):
                link = os.path.join(above, name)
                if os.path.islink(link) and not is_within(link, self.root):
                    raise self._outside(os.path.normpath(link), "it is a link; name the specs beside it")

    def _check_repository(self, file: str, path: str) -> None:
        """Examine the repository that has a file: git would look for one above the folder too, or follow a link."""
        above = os.path.dirname(os.path.realpath(file))
        while is_within(above, self.root):
            repository = os.path.join(above, ".git")
            if os.path.lexists(repository):
                if os.path.isdir(repository) and is_within(repository, self.root):
                    return
                break
            above = os.path.dirname(above)
        raise paths.unreadable(path, f"its repository is not in `{self.root}`", "serve the folder of the repository")
