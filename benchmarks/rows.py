"""Rows of ``benchmarks/results``: new ones take the place of those of the same case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flexpad.bench.results import Rows, read_table, write_table


def put(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    key: Sequence[str],
    order: Callable[[Mapping[str, str]], Any] | None = None,
) -> Rows:
    """Put rows in the place of those that agree with one of them in the columns ``key``.

    Args:
        path: The table; it need not be there yet.
        columns: Of the table.
        rows: The new ones; they come last where no order is given.
        key: What makes a case.
        order: What rows are sorted by; those that are equal in it stay as they come.

    Returns:
        All rows of the table.
    """

    def case(row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[column]) for column in key)

    fresh = {case(row) for row in rows}
    old = read_table(path) if path.is_file() else []
    kept = [*(row for row in old if case(row) not in fresh), *rows]
    write_table(path, columns, sorted(kept, key=order) if order else kept)
    return read_table(path)
