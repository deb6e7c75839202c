"""Tables and figures in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MARKS = {"l": "---", "r": "--:"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    """Make a table.

    Args:
        head: Names of the columns.
        rows: Cells, as many in each row.
        sides: For each column ``l`` or ``r``.
    """
    lines = [head, [MARKS[side] for side in sides], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percent(share: float, digits: int = 0) -> str:
    """A share in per cent."""
    return f"{100 * share:.{digits}f} %"
