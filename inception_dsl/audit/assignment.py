"""Pairs of two sets at the least cost together (Kuhn, 1955; in cubic time, as by Jonker and Volgenant, 1987)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def assign(costs: Sequence[Sequence[float]], left_out: Sequence[float], added: Sequence[float]) -> list[int | None]:
    """The column of every row, so that pairs, rows left out and columns added cost the least together.

    `costs` has a row for each of `left_out`, what it costs that a row has no column, and a column for each of `added`.
    """
    rows, columns = len(left_out), len(added)
    if rows > columns:  # the work grows with the square of the rows
        turned = assign([*zip(*costs, strict=True)], added, left_out) if columns else []
        found = {row: column for column, row in enumerate(turned)}
        return [found.get(row) for row in range(rows)]
    gains = [
        [*(cost - other for cost, other in zip(line, added, strict=True)), *[own] * rows]
        for line, own in zip(costs, left_out, strict=True)
    ]
    return [column if column < columns else None for column in _solve(gains)]


def _solve(costs: Sequence[Sequence[float]]) -> list[int]:
    """The column of every row of a matrix, by shortest augmenting paths: there are at least as many columns as rows.

    Infinite costs count as very large.
    """
    rows, size = len(costs), len(costs[0]) if costs else 0
    most = 1.0 + sum(abs(cost) for row in costs for cost in row if cost < math.inf)
    matrix = [[min(cost, most) for cost in row] for row in costs]
    row_potential, column_potential = [0.0] * (rows + 1), [0.0] * (size + 1)
    owner, came_from = [rows] * (size + 1), [0] * (size + 1)  # the last column stands for the row that is placed
    for row in range(rows):
        owner[size] = row
        column = size
        least, seen = [math.inf] * (size + 1), [False] * (size + 1)
        while owner[column] != rows:
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
    chosen = {owner[column]: column for column in range(size)}
    return [chosen[row] for row in range(rows)]
