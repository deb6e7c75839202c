"""In which order a report shows things: what is worst comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def worst_first(species: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """The species by falling APCER, then by falling upper limit; those without an answer last."""
    return sorted(
        species.items(),
        key=lambda item: (
            item[1]["apcer"] is None,
            -(item[1]["apcer"] or 0),
            -(item[1]["interval"] or [0, 0])[1],
        ),
    )


def fullest(conditions: Mapping[str, Any]) -> str:
    """The condition that shows the model most."""
    return max(conditions, key=len)


def by_method(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Published rows by method and condition, in the order of the paper."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["method"], {})[row["condition"]] = row
    return found
