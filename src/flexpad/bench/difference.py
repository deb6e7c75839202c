"""Whether two systems differ, when test subjects and seeds are both drawn again.

A difference of one run may be luck of its seed, and one of all runs luck of its subjects. So every
draw of the bootstrap takes subjects with replacement, the same ones for every system, and for every
system seeds of its own. With three seeds the second part is rough, and rather too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from flexpad import calibrate, metrics, score_table
from flexpad.bench.plan import Plan
from flexpad.bench.results import RULE
from flexpad.compare.cell import measure
from flexpad.compare.ranks import holm
from flexpad.compare.system import gather
from flexpad.metrics import CONFIDENCE, Floats, IntArray, SubjectCounts
from flexpad.metrics.bootstrap import draw_blocks, percentile_interval
from flexpad.score_table import ScoreTable
from flexpad.types import SINGLE

DRAWS = 4000
RATE = "acer_pooled"
COLUMNS = ("method", "other", "column", "condition", "difference", "low", "high", "p", "p_holm")
MEAN = "mean"  # over all columns and R, D, I
Folders = Callable[[str, str, int], Path]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rate of a system, mean over seeds and over the protocols of a column.

    Attributes:
        value: Of the runs as they are.
        draws: Of every draw, (draws,), NaN where one lacks a class.
    """

    value: float
    draws: Floats

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


def draw(
    plan: Plan, folders: Folders, systems: Sequence[str], draws: int | None = None, seed: int = 0
) -> dict[str, Cells]:
    """Draw the rate of every system in every cell, and its mean over R, D and I of all columns.

    Args:
        plan: Of the bench.
        folders: Of a system, protocol and seed: where its score tables are.
        systems: Two or more.
        draws: Of the bootstrap; None = :data:`DRAWS`.
        seed: Of the draws.
    """
    draws = draws or DRAWS
    found: dict[str, Cells] = {system: {} for system in systems}
    for place, (column, protocols) in enumerate(plan.columns.items()):
        counted = [
            counts
            for protocol in protocols
            for run in plan.seeds
            for counts in [_counts(plan, folders, systems, protocol, run)]
        ]
        conditions = counted[0][systems[0]]
        for condition in conditions:
            for number, system in enumerate(systems):
                of_system = [counts[system][condition] for counts in counted]
                rng = np.random.default_rng((seed, place, number))
                chosen = rng.integers(len(plan.seeds), size=(draws, len(plan.seeds)))
                found[system][column, condition] = _drawn(
                    of_system, len(protocols), chosen, draws, seed + place
                )
    for cells in found.values():
        cells[MEAN, ""] = _mean([cells[column, c] for column in plan.columns for c in SINGLE])
    return found


def against(found: Mapping[str, Cells], system: str, other: str) -> list[dict[str, str]]:
    """Hold a system against another in every cell.

    Returns:
        Rows with ``method``, ``other``, ``column``, ``condition``, ``difference`` (of the first
        less that of the other), ``low``, ``high``, ``p`` and ``p_holm``, which allows for all
        cells but the mean, whose own it is.
    """
    apart = {cell: found[system][cell] - found[other][cell] for cell in found[system]}
    cells = [cell for cell in apart if cell[0] != MEAN]
    adjusted = dict(zip(cells, holm([apart[cell].p for cell in cells]), strict=True))
    rows = []
    for cell, difference in apart.items():
        low, high = difference.interval
        values = {"difference": difference.value, "low": low, "high": high, "p": difference.p}
        values["p_holm"] = adjusted.get(cell) or difference.p
        names = {"method": system, "other": other, "column": cell[0], "condition": cell[1]}
        rows.append(names | {name: f"{value:.6g}" for name, value in values.items()})
    return rows


def ratio(found: Mapping[str, Cells], system: str, other: str) -> tuple[float, float, float]:
    """Divide the mean rate of a system by that of another: value and its 95 % interval."""
    above, below = found[system][MEAN, ""], found[other][MEAN, ""]
    drawn = Drawn(above.value / below.value, above.draws / below.draws)
    return (drawn.value, *drawn.interval)


def _counts(
    plan: Plan, folders: Folders, systems: Sequence[str], protocol: str, run: int
) -> dict[str, dict[str, SubjectCounts]]:
    """Errors by subject of every system and condition, of one protocol and seed."""
    tables = {
        split: [_table(folders(system, protocol, run), split, system) for system in systems]
        for split in ("dev", "test")
    }
    rule = calibrate.parse_rule(RULE)
    cells = measure(gather(tables["test"], tables["dev"], rule), rule, plan.unit)
    counts: dict[str, dict[str, SubjectCounts]] = {system: {} for system in systems}
    for cell, measured in cells.items():
        for system, one in zip(systems, measured, strict=True):
            counts[system][cell.condition] = one.counts
    return counts


def _table(folder: Path, split: str, system: str) -> ScoreTable:
    table = score_table.read(folder / f"scores-{split}.csv")
    return replace(table, header={**table.header, "method": system})  # arms are of one method


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
    return Drawn(float(np.mean(values)), np.take_along_axis(by_seed, chosen, axis=1).mean(axis=1))


def _mean(cells: Sequence[Drawn]) -> Drawn:
    value = float(np.mean([cell.value for cell in cells]))
    return Drawn(value, np.mean([cell.draws for cell in cells], axis=0))
