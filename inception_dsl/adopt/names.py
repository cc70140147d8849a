"""Names of a source as the names of a spec: `Mixed_5b` is `mixed_5b`, `inception3a` is `inception_3a`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from inception_dsl.adopt.scopes import Path
from inception_dsl.ir import names


def cleaned(name: str) -> str:
    """A name in small letters, with `_` between its words; it may still be no name of the language."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name)
    words = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_").lower()
    words = re.sub(r"_+", "_", words)
    return re.sub(r"^([a-z]{5,})(\d+[a-z])$", r"\1_\2", words)


def valid(name: str, taken: Collection[str] = ()) -> str:
    """A name of the language like another one, which is not taken."""
    name = cleaned(name)[: names.MAX_NAME - 8] or "layer"
    name = name if name[0].isalpha() else f"n{name}"
    name = f"{name}_" if names.problem(name) else name
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def head_name(name: str, taken: Collection[str] = ()) -> str:
    """A name for a head, which the training log does not use for something else."""
    own = valid(name, taken)
    return valid(f"head_{own}", taken) if names.head_problem(own) else own


def row_names(paths: Sequence[Path], kinds: Sequence[str], heads: Collection[str] = ()) -> list[str]:
    """Names for rows: the end of their path in the source that tells them apart, or else what they do.

    `kinds` says what every row does in a word: `conv`, or the module that it calls. The names of `heads` are taken.
    """
    shown = own_paths(paths)
    ends = Counter(end for path in {*shown} for end in {_end(path, length) for length in range(1, len(path) + 1)})
    found: dict[int, str] = {}
    taken = {*heads}
    for row, path in enumerate(shown):
        if path:
            parts = (_end(path, length) for length in range(1, len(path) + 1))
            name = next((end for end in parts if ends[end] == 1 and end[:1].isalpha()), _end(path, len(path)))
            found[row] = valid(name, taken)
            taken.add(found[row])
    nameless = Counter(kind for path, kind in zip(shown, kinds, strict=True) if not path)
    number: Counter[str] = Counter()
    for row, (path, kind) in enumerate(zip(shown, kinds, strict=True)):
        if not path:
            number[kind] += 1
            several = f"{'_' * kind[-1:].isdigit() or '_' * ('_' in kind)}{number[kind]}"
            found[row] = valid(f"{kind}{several}" if nameless[kind] > 1 else kind, taken)
            taken.add(found[row])
    return [found[row] for row in range(len(paths))]


def own_paths(paths: Sequence[Path]) -> list[Path]:
    """For every path, its shortest beginning that none of the others has; the whole path where they have it too."""
    beginnings = Counter(path[:length] for path in paths for length in range(1, len(path) + 1))
    return [
        next((path[:length] for length in range(1, len(path)) if beginnings[path[:length]] == 1), path)
        for path in paths
    ]


def _end(path: Path, length: int) -> str:
    return cleaned("_".join(path[len(path) - length :]))
