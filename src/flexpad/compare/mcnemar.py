"""McNemar's test: of the presentations that only one system got wrong, how many are whose."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest

from flexpad.compare.cell import Flags, Measured


@dataclass(frozen=True, slots=True)
class McNemar:
    """Presentations answered by both systems, by who was wrong.

    Attributes:
        both_wrong: Both were.
        only_first: Only the first was.
        only_other: Only the other was.
        both_right: Neither was.
        p: Exact, two-sided; None if both answered nothing.
        reason: Why p is None.
    """

    both_wrong: int
    only_first: int
    only_other: int
    both_right: int
    p: float | None
    reason: str | None = None


def mcnemar(first: Measured, other: Measured) -> dict[str, McNemar]:
    """The test for ``bonafide``, ``attack`` and ``all`` presentations of a cell.

    Source: McNemar, Psychometrika 12 (1947) 153-157, as the exact binomial test of the discordant
    presentations. It takes presentations as independent.
    """
    both = first.answered & other.answered
    parts = {"bonafide": both & first.is_bonafide, "attack": both & ~first.is_bonafide, "all": both}
    return {name: _test(first.wrong[part], other.wrong[part]) for name, part in parts.items()}


def _test(first: Flags, other: Flags) -> McNemar:
    only_first, only_other = int((first & ~other).sum()), int((other & ~first).sum())
    apart = only_first + only_other
    p = float(binomtest(only_first, apart, 0.5).pvalue) if apart else 1.0
    nothing = "there is no such presentation that both systems answered"
    return McNemar(
        both_wrong=int((first & other).sum()),
        only_first=only_first,
        only_other=only_other,
        both_right=int((~first & ~other).sum()),
        p=p if len(first) else None,
        reason=None if len(first) else nothing,
    )
