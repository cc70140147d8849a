"""Images that come with the package."""

from __future__ import annotations

import os

_FOLDERS = {"fashion-mini": "fashion_mini"}


def builtin(name: str) -> str:
    """The folder of a set of images that the package brings, in the format of MNIST. Raises `ValueError` for another.

    >>> os.path.basename(builtin("fashion-mini"))
    'fashion_mini'
    """
    if name not in _FOLDERS:
        raise ValueError(f"there is no built-in set {name!r}; there is {', '.join(_FOLDERS)}")
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), _FOLDERS[name])
