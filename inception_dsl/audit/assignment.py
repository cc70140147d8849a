"""Pairs of two sets at the least cost together (Kuhn, 1955; in cubic time, as by Jonker and Volgenant, 1987)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def assign(costs: Sequence[Sequence[float]], left_out: Sequence[float], added: Sequence[float]) -> list[int | None]:
    """The column of every row, so that pairs, rows left out and columns added cost the least together.

    `costs` has a row for each of `left_out`, what it costs that a row has no column, and a column for each of `added`.
    """
    rows, columns = len(left_out), len(added)
    size = rows + columns
    square = [
        [
            *(costs[i] if i < rows else added),
            *((left_out[i] if i < rows else 0.0) for _ in range(rows)),
        ]
        for i in range(size)
    ]
    chosen = _solve(square)
    return [chosen[i] if chosen[i] < columns else None for i in range(rows)]


def _solve(costs: Sequence[Sequence[float]]) -> list[int]:
    """The column of every row of a square matrix, by shortest augmenting paths. Infinite costs count as very large."""
    size = len(costs)
    most = 1.0 + sum(cost for row in costs for cost in row if cost < math.inf)
    matrix = [[min(cost, most) for cost in row] for row in costs]
    row_potential, column_potential = [0.0] * (size + 1), [0.0] * (size + 1)
    owner, came_from = [size] * (size + 1), [0] * (size + 1)  # the last column stands for the row that is placed
    for row in range(size):
        owner[size] = row
        column = size
        least, seen = [math.inf] * (size + 1), [False] * (size + 1)
        while owner[column] != size:
            seen[column] = True
            placed, step, nearest = owner[column], math.inf, size
            for j in range(size):
                if seen[j]:
                    continue
                reduced = matrix[placed][j] - row_potential[placed] - column_potential[j]
                if reduced < least[j]:
                    least[j], came_from[j] = reduced, column
                if least[j] < step:
                    step, nearest = least[j], j
            for j in range(size + 1):
                if seen[j]:
                    row_potential[owner[j]] += step
                    column_potential[j] -= step
                else:
                    least[j] -= step
            column = nearest
        while column != size:
            owner[column] = owner[came_from[column]]
            column = came_from[column]
    chosen = [0] * size
    for column in range(size):
        chosen[owner[column]] = column
    return chosen
