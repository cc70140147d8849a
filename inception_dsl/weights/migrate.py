"""Applies a migration to a file of weights: names change, values do not, and what is missing is drawn anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl.diagnostics.spelling import counted
from inception_dsl.ir.typed import Typed
from inception_dsl.weights.files import COUNTER, read_weights
from inception_dsl.weights.matching import own_names, select_tensors
from inception_dsl.weights.migration import Migration, invalid
from inception_dsl.weights.preprocessing import KEY

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

HEADS_HINT: Final = "leave the heads out with `--no-heads`"

MOST_ROWS: Final = 12
"""The most rows that a sentence names."""

KEPT: Final = (KEY, "loss", "origin")
"""What metadata says that stays true when a network changes."""


class Migrated(NamedTuple):
    """Weights of the new network: `taken` maps its tensors to those of the file, `drawn` are drawn anew.

    `dropped` are the tensors of the file that the network does not take; `notes` say how the file was read.
    """

    weights: Mapping[str, Array]
    taken: Mapping[str, str]
    drawn: tuple[str, ...]
    dropped: tuple[str, ...]
    metadata: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What became of the tensors."""
        renamed = sum(new != old for new, old in self.taken.items())
        names = f", {counted(renamed, 'tensor')} under a new name" if renamed else ""
        sentences = [*self.notes, f"kept the values of {counted(len(self.taken), 'tensor')}{names}"]
        for what, found in (("drew", self.drawn), ("dropped", self.dropped)):
            if found:
                anew = " anew" * (what == "drew")
                sentences.append(f"{what} {counted(len(found), 'tensor')}{anew}: {_by_row(found)}")
        return tuple(sentences)


def migrate(
    typed: Typed, file: Path, migration: Migration, name: str, *, heads: bool = True, seed: int = 0
) -> Migrated:
    """Give a network the weights of a file, as a migration says; `name` is what messages call the migration.

    Every value that is taken is the file's, bit for bit. Tensors without one are drawn as the spec's `init` says, or as
    torch does, after `torch.manual_seed(seed)`. `heads=False` leaves the heads out. Raises `SpecError` E138 for a
    migration to another network, and E130 to E135 for a file that does not hold the tensors it names.
    """
    own = own_names(typed, heads=True)
    if wrong := sorted(own.keys() ^ migration.tensors.keys()):
        whose = "the network lacks" if wrong[0] in migration.tensors else "it lacks"
        more = f" and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
        why = f"{whose} `{wrong[0]}`{more}, so it is not for `{typed.program.name}`"
        raise invalid(name, why, f"its network is `{migration.after.network}`, of `{migration.after.spec}`")
    own = own if heads else own_names(typed, heads=False)
    taken = {new: old for new in own if (old := migration.tensors[new]) is not None}
    known = {*filter(None, migration.tensors.values()), *migration.dropped}
    source = read_weights(file, known)
    counters = {new: old for new, old in taken.items() if new.endswith(COUNTER) and old not in source.tensors}
    taken = {new: old for new, old in taken.items() if new not in counters}
    weights = select_tensors(typed, str(file), source.tensors, taken, known, HEADS_HINT)
    drawn = tuple(new for new in own if migration.tensors[new] is None)
    if any(new in typed.weights for new in drawn):
        from inception_dsl.weights.drawn import draw

        fresh = draw(typed, seed)
        weights |= {new: fresh[new] for new in drawn if new in fresh}
    if zeros := [new for new in (*drawn, *counters) if new.endswith(COUNTER)]:
        import numpy as np

        weights |= {new: np.zeros((), np.int64) for new in zeros}
    used = {*taken.values()}
    fitting = [new for new in drawn if new not in used and _fits(source.tensors.get(new), weights.get(new))]
    notes = [*source.notes, *([_doubt(fitting, migration)] if fitting else [])]
    dropped = tuple(name for name in source.tensors if name not in used)
    metadata = {key: source.metadata[key] for key in KEPT if key in source.metadata}
    return Migrated({new: weights[new] for new in own}, taken, drawn, dropped, metadata, tuple(notes))


def _fits(found: Array | None, wanted: Array | None) -> bool:
    return found is not None and wanted is not None and tuple(found.shape) == tuple(wanted.shape)


def _doubt(fitting: Sequence[str], migration: Migration) -> str:
    """What to say where the file has values for tensors that are drawn anew: those of the network before fit so."""
    them = f"{counted(len(fitting), 'tensor')} that would fit, such as `{fitting[0]}`"
    after = f"`{migration.after.spec}`, not for `{migration.before.spec}`"
    return f"the migration draws {them}: it is for {after}"


def _by_row(names: Sequence[str]) -> str:
    """Tensors, counted by row or head."""
    rows = Counter(name.partition(".")[0] for name in names)
    counted = [f"{row} ({count})" for row, count in rows.items()]
    more = [f"{len(counted) - MOST_ROWS:,} more rows"] if len(counted) > MOST_ROWS else []
    return ", ".join([*counted[:MOST_ROWS], *more])
