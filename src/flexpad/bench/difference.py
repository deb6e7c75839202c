"""Whether two systems differ, when test subjects and seeds are both drawn again.

A difference of one run may be luck of its seed, and one of all runs luck of its subjects. So every
draw of the bootstrap takes subjects with replacement, the same ones for every system, and for every
system seeds of its own. With three seeds the second part is rough, and rather too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flexpad import metrics
from flexpad.bench.plan import Plan
from flexpad.bench.subjects import Subjects
from flexpad.compare.ranks import holm
from flexpad.metrics import CONFIDENCE, Floats, IntArray, SubjectCounts
from flexpad.metrics.bootstrap import draw_blocks, percentile_interval
from flexpad.types import SINGLE, BadInput

DRAWS = 4000
RATE = "acer_pooled"
RATIO = ("ratio", "ratio_low", "ratio_high")
COLUMNS = (
    "method",
    "other",
    "column",
    "condition",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    *RATIO,
)
MEAN = "mean"  # over all columns and R, D, I


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rate of a system, mean over seeds and over the protocols of a column.

    Attributes:
        value: Of the runs as they are.
        draws: Of every draw, (draws,), NaN where one lacks a class.
        subjects: Who was drawn from.
    """

    value: float
    draws: Floats
    subjects: tuple[str, ...] = ()

    def __sub__(self, other: Drawn) -> Drawn:
        return Drawn(self.value - other.value, self.draws - other.draws)

    @property
    def interval(self) -> tuple[float, float]:
        """Of 95 %."""
        return percentile_interval(self.value, self.draws, CONFIDENCE)

    @property
    def p(self) -> float:
        """Two-sided, of no difference: twice the share of draws on its far side."""
        draws = self.draws[~np.isnan(self.draws)]
        far = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
        return min(1.0, 2 * (far + 1) / (len(draws) + 1))


Cells = dict[tuple[str, str], Drawn]  # by column and condition


def rows(plan: Plan, subjects: Subjects, draws: int | None = None) -> list[dict[str, str]]:
    """Hold every system against the first, in the columns that both have finished.

    Protocols that are left out are columns too, and a family of tests of their own.

    Args:
        plan: Of the bench; the first is that of ``compare``, or of ``arms_of``.
        subjects: What is known of its jobs.
        draws: Of the bootstrap; None = :data:`DRAWS`.

    Returns:
        Rows with :data:`COLUMNS`, see :func:`against`.

    Raises:
        BadInput: Two systems were tested on different subjects.
    """
    first = plan.compare or plan.arms_of
    if first is None:
        return []
    found = []
    for columns in (plan.columns, plan.left_out.columns if plan.left_out else {}):
        one = draw(plan, columns, subjects, first, draws)
        for other in plan.all_systems:
            if other != first:
                rates = draw(plan, columns, subjects, other, draws)
                found += against(plan, (first, one), (other, rates))
    return found


def draw(
    plan: Plan,
    columns: Mapping[str, Sequence[str]],
    subjects: Subjects,
    system: str,
    draws: int | None = None,
    seed: int = 0,
) -> Cells:
    """Draw the rate of a system in every cell of the columns it has finished.

    Subjects are drawn from ``seed`` and the column, so that they are the same for all systems.

    Args:
        plan: Of the bench.
        columns: The protocols of each, by its name.
        subjects: Errors of its jobs.
        system: Its name.
        draws: Of the bootstrap; None = :data:`DRAWS`.
        seed: Of the draws.
    """
    draws = draws or DRAWS
    number = list(plan.all_systems).index(system)
    found: Cells = {}
    for place, (column, protocols) in enumerate(columns.items()):
        if not subjects.is_whole(system, protocols, plan.seeds):
            continue
        counted = [subjects.of(system, name, run) for name in protocols for run in plan.seeds]
        rng = np.random.default_rng((seed, place, number))
        chosen = rng.integers(len(plan.seeds), size=(draws, len(plan.seeds)))
        for condition in counted[0]:
            runs = [counts[condition] for counts in counted]
            found[column, condition] = _drawn(runs, len(protocols), chosen, draws, seed + place)
    return found


def against(plan: Plan, one: tuple[str, Cells], other: tuple[str, Cells]) -> list[dict[str, str]]:
    """Hold a system against another in every cell that both have.

    Args:
        plan: Of the bench.
        one: Name and rates of the first.
        other: Name and rates of the other.

    Returns:
        Rows with ``method``, ``other``, ``column``, ``condition``, ``difference`` (of the first
        less that of the other), ``low``, ``high``, ``p`` and ``p_holm``, which allows for all
        these cells. The last row is of the mean over R, D and I of all columns, if both have
        finished them: it has a p of its own, and the ``ratio`` of the two means.

    Raises:
        BadInput: They were tested on different subjects.
    """
    (name, rates), (other_name, others) = one, other
    shared = [cell for cell in rates if cell in others]
    for cell in shared:
        if rates[cell].subjects != others[cell].subjects:
            raise BadInput(
                f"{name} and {other_name} were tested on different subjects in {' '.join(cell)}:"
                " their rows are not of the same data"
            )
    apart = {cell: rates[cell] - others[cell] for cell in shared}
    adjusted = dict(zip(shared, holm([apart[cell].p for cell in shared]), strict=True))
    names = {"method": name, "other": other_name}
    found = [names | _row(cell, apart[cell], adjusted[cell]) for cell in shared]
    singles = [(column, condition) for column in plan.columns for condition in SINGLE]
    if shared and set(singles) <= set(shared):
        above, below = (_mean([of[cell] for cell in singles]) for of in (rates, others))
        row = _row((MEAN, ""), above - below, (above - below).p)
        found.append(names | row | _ratio(above, below))
    return found


def _row(cell: tuple[str, str], apart: Drawn, p_holm: float | None) -> dict[str, str]:
    """Write a difference, as yet without a ratio."""
    low, high = apart.interval
    values = {"difference": apart.value, "low": low, "high": high, "p": apart.p, "p_holm": p_holm}
    place = {"column": cell[0], "condition": cell[1], **dict.fromkeys(RATIO, "")}
    return place | {key: f"{value:.6g}" for key, value in values.items()}


def _ratio(above: Drawn, below: Drawn) -> dict[str, str]:
    """Divide one mean rate by another; nothing where the other is 0, in a draw too."""
    if not below.value:
        return {}
    nothing = np.full_like(below.draws, np.nan)
    drawn = np.divide(above.draws, below.draws, out=nothing, where=below.draws > 0)
    ratio = Drawn(above.value / below.value, drawn)
    numbers = (ratio.value, *ratio.interval)
    return {key: f"{number:.6g}" for key, number in zip(RATIO, numbers, strict=True)}


def _drawn(
    runs: Sequence[SubjectCounts], protocols: int, chosen: IntArray, draws: int, seed: int
) -> Drawn:
    """Draw subjects and seeds of one cell.

    Args:
        runs: By protocol and, within it, seed. Protocols may share subjects, who are then drawn
            for all of them at once.
        protocols: How many there are.
        chosen: Which seeds each draw takes, (draws, seeds).
        draws: How many.
        seed: Of the draws of subjects.
    """
    everybody = sorted({name for counts in runs for name in counts.subjects})
    place = {name: number for number, name in enumerate(everybody)}
    columns = [[place[name] for name in counts.subjects] for counts in runs]
    blocks = [
        [
            metrics.drawn_rates(counts, block[:, column])[RATE]
            for counts, column in zip(runs, columns, strict=True)
        ]
        for block in draw_blocks(len(everybody), draws, seed)
    ]
    drawn = np.concatenate([np.stack(block) for block in blocks], axis=1)  # (runs, draws)
    by_seed = drawn.reshape(protocols, -1, draws).mean(axis=0).T  # (draws, seeds)
    once = np.ones((1, len(everybody)), dtype=np.int64)
    values = [
        metrics.drawn_rates(counts, once[:, column])[RATE][0]
        for counts, column in zip(runs, columns, strict=True)
    ]
    draws_of_seeds = np.take_along_axis(by_seed, chosen, axis=1).mean(axis=1)
    return Drawn(float(np.mean(values)), draws_of_seeds, tuple(everybody))


def _mean(cells: Sequence[Drawn]) -> Drawn:
    value = float(np.mean([cell.value for cell in cells]))
    return Drawn(value, np.mean([cell.draws for cell in cells], axis=0))
