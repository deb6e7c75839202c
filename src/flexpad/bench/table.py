"""Results as tables in Markdown, the first of them in the form of the paper's Table 1.

A cell is the mean over seeds of a rate in per cent, of the mean over the protocols of its column.
What stands behind ± is a sample standard deviation: over the protocols of a column that has several
(as the paper has it for CeFA), else over seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from flexpad import metrics
from flexpad.bench.difference import MEAN, RATIO
from flexpad.bench.plan import Plan
from flexpad.bench.results import ADDED, COMMON, DEV_ERROR
from flexpad.compare.ranks import RISK, holm
from flexpad.types import CONDITIONS, FUSED, SINGLE, is_rendered

ACER = "acer_pooled"
WORST = "apcer_max"
NOTHING = "—"
NO_PAIR = "No two systems are finished yet."
Rows = Sequence[Mapping[str, str]]


class Values:
    """Rates of finished jobs by method, protocol, condition, rate and seed."""

    def __init__(self, plan: Plan, rows: Rows) -> None:
        self.plan = plan
        self._values = {
            (
                row["method"],
                row["protocol"],
                row["condition"],
                row["rate"],
                int(row["seed"]),
            ): float(row["value"])
            for row in rows
            if row["value"]
        }

    def grid(self, method: str, protocols: Sequence[str], condition: str, rate: str) -> Any:  # noqa: ANN401
        """Give (protocols, seeds) values, NaN where a job is not done."""
        return np.array(
            [
                [
                    self._values.get((method, protocol, condition, rate, seed), np.nan)
                    for seed in self.plan.seeds
                ]
                for protocol in protocols
            ]
        )

    def mean(self, method: str, protocols: Sequence[str], condition: str, rate: str) -> float:
        """Mean over protocols and seeds, NaN unless all are done."""
        return float(self.grid(method, protocols, condition, rate).mean())

    def spread(self, method: str, protocols: Sequence[str], condition: str, rate: str) -> float:
        """Standard deviation over protocols where there are several, else over seeds."""
        values = self.grid(method, protocols, condition, rate)
        varied = values.mean(axis=1) if len(protocols) > 1 else values[0]
        found = metrics.spread([None if np.isnan(value) else float(value) for value in varied])
        return np.nan if found.std is None else found.std

    @property
    def methods(self) -> list[str]:
        """Those that have any value, in the order of the plan."""
        have = {method for method, *_ in self._values}
        return [system for system in self.plan.all_systems if system in have]

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Those that any method has finished, in the order of the plan."""
        return {
            name: of
            for name, of in self.plan.columns.items()
            if any(not np.isnan(self.mean(method, of, "R", ACER)) for method in self.methods)
        }

    def overall(self, method: str, rate: str = ACER, conditions: Sequence[str] = SINGLE) -> float:
        """Mean over the columns that are finished, and over conditions."""
        columns = self.columns.values()
        return float(
            np.mean([self.mean(method, c, one, rate) for c in columns for one in conditions])
        )


def single(values: Values, column: str) -> str:
    """APCER, BPCER and ACER of one column with one modality at a time."""
    protocols = values.plan.columns[column]
    head = ["system", *(f"{c} {rate}" for c in SINGLE for rate in ("APCER", "BPCER", "ACER"))]
    lines = []
    for method in values.methods:
        cells = [method]
        for condition in SINGLE:
            apcer, bpcer = (
                values.mean(method, protocols, condition, rate)
                for rate in ("apcer_pooled", "bpcer")
            )
            mean = values.mean(method, protocols, condition, ACER)
            spread = values.spread(method, protocols, condition, ACER)
            cells += [percent(apcer), percent(bpcer), percent(mean, spread)]
        lines.append(cells)
    return table(head, lines)


def summary(values: Values, rate: str = ACER) -> str:
    """A rate of every column and single modality, and the mean of all, lowest in bold."""
    columns = values.columns
    head = ["system", *(f"{column} {c}" for column in columns for c in SINGLE), "mean"]
    lines = [
        [
            method,
            *(percent(values.mean(method, of, c, rate)) for of in columns.values() for c in SINGLE),
            percent(values.overall(method, rate)),
        ]
        for method in values.methods
    ]
    return table(head, _best_in_bold(lines))


def fused(values: Values, rate: str = ACER) -> str:
    """ACER of the fused conditions of every column, beside that of the best single modality.

    Args:
        values: All rates.
        rate: In the fused conditions: ``acer_pooled``, or that with the ending of
            :data:`flexpad.bench.results.ADDED`.
    """
    columns = values.columns
    shown = ("best of R, D, I", *FUSED)
    head = ["system", *(f"{column} {name}" for column in columns for name in shown)]
    lines = []
    for method in values.methods:
        cells = [method]
        for protocols in columns.values():
            alone = [values.mean(method, protocols, c, ACER) for c in SINGLE]
            cells.append(percent(float(np.min(alone))))
            cells += [percent(values.mean(method, protocols, c, rate)) for c in FUSED]
        lines.append(cells)
    return table(head, lines)


def common_threshold(values: Values) -> str:
    """What one threshold for all conditions costs, mean over all seven of them."""
    head = ["system", "own thresholds", "one threshold", "cost in points"]
    lines = []
    for method in values.methods:
        own = values.overall(method, ACER, CONDITIONS)
        one = values.overall(method, ACER + COMMON, CONDITIONS)
        lines.append([method, percent(own), percent(one), percent(one - own, sign="+")])
    return table(head, lines)


def left_out(values: Values) -> str:
    """ACER on protocols with an unseen species, and of a system that has done all their mean."""
    assert values.plan.left_out is not None
    lines = []
    for method in values.methods:
        for name, protocols in values.plan.left_out.columns.items():
            found = [values.mean(method, protocols, c, ACER) for c in CONDITIONS]
            spreads = [values.spread(method, protocols, c, ACER) for c in CONDITIONS]
            if not np.isnan(found).all():
                cells = [percent(f, s) for f, s in zip(found, spreads, strict=True)]
                lines.append([method, name, *cells])
    return table(["system", "protocol", *CONDITIONS], lines, words=2)


def on_dev(values: Values) -> str:
    """Equal error rate on dev of every column, lowest mean first: who goes on to the left out."""
    columns = values.columns
    found = {
        method: [values.mean(method, of, "", DEV_ERROR) for of in columns.values()]
        for method in values.methods
    }
    means = {method: values.overall(method, DEV_ERROR, [""]) for method in values.methods}
    lines = [
        [method, *map(percent, found[method]), percent(means[method])]
        for method in sorted(found, key=lambda name: (np.isnan(means[name]), means[name]))
    ]
    return table(["system", *columns, "mean"], lines)


def differences(plan: Plan, rows: Rows) -> str:
    """Differences of ACER with their intervals; what is shown after Holm is in bold."""
    rows = [row for row in rows if row["column"] in (*plan.columns, MEAN)]
    if not rows:
        return NO_PAIR
    cells = list(dict.fromkeys((row["column"], row["condition"]) for row in rows))
    shown = [cell for cell in cells if cell[1] in ("", *SINGLE, "RDI")]
    head = [f"{rows[0]['method']} less", *(f"{column} {c}".strip() for column, c in shown)]
    lines = []
    for other, of in _by_other(rows).items():
        apart = [_difference(of.get(cell)) for cell in shown]
        lines.append([other, *apart, _ratio(of.get((MEAN, ""), {}))])
    return table([*head, "ratio of means"], lines)


def left_out_differences(plan: Plan, rows: Rows) -> str:
    """The same on protocols with an unseen species."""
    assert plan.left_out is not None
    rows = [row for row in rows if row["column"] in plan.left_out.columns]
    if not rows:
        return NO_PAIR
    lines = [
        [other, column, *(_difference(of.get((column, c))) for c in CONDITIONS)]
        for other, of in _by_other(rows).items()
        for column in dict.fromkeys(column for column, _ in of)
    ]
    return table([f"{rows[0]['method']} less", "protocol", *CONDITIONS], lines, words=2)


def arms(values: Values, rows: Rows) -> str:
    """ACER of every arm of an ablation, mean over columns, and how far it is from the base.

    Its equal error rate on dev is there to choose by. In bold are differences that are shown after
    Holm's adjustment for all arms.
    """
    base = values.plan.arms_of
    apart = [row for row in rows if (row["method"], row["column"]) == (base, MEAN)]
    adjusted = holm([float(row["p"]) for row in apart])
    against = {  # a row has the base less the arm; here it is the other way round
        row["other"]: _difference(_turned(row) | {"p_holm": str(p)})
        for row, p in zip(apart, adjusted, strict=True)
    }
    head = ["part", "arm", *SINGLE, "RDI", "mean of R, D, I", "on dev", "less the base"]
    lines = []
    parts: set[str] = set()
    for method in values.methods:
        part = values.plan.part_of(method)
        found = [values.overall(method, ACER, [c]) for c in (*SINGLE, "RDI")]
        found += [values.overall(method), values.overall(method, DEV_ERROR, [""])]
        named = ["" if part in parts else part, method]
        lines.append([*named, *map(percent, found), against.get(method, NOTHING)])
        parts.add(part)
    return table(head, lines, words=2)


def tuning(rows: Rows) -> str:
    """What was tried on dev, and what was taken."""
    head = ["system", "trial", "settings", "dev EER, mean of R, D, I", "epoch", "taken"]
    lines = [
        [
            row["method"],
            row["trial"],
            row["settings"],
            percent(float(row["dev_error"])),
            row["epoch"],
            row["chosen"],
        ]
        for row in rows
    ]
    return table(head, lines, words=3)


def page(plan: Plan, rows: Rows, tried: Rows, apart: Rows) -> str:
    """Put all tables of what is done so far on one page."""
    values = Values(plan, rows)
    kind = "Rendered faces: " if all(map(is_rendered, plan.data)) else ""
    parts = [f"# {kind}{plan.name}", "ACER with APCER over all attacks in one pool, in per cent."]
    if plan.arms:
        return "\n\n".join([*parts, arms(values, apart)]) + "\n"
    parts += ["## Single modalities", summary(values)]
    parts += ["### APCER of the worst species", summary(values, WORST)]
    for column in values.columns:
        parts += [f"### {column}", single(values, column)]
    parts += ["## Several modalities", fused(values)]
    parts += ["### Singles, calibrated on dev and added up", fused(values, ACER + ADDED)]
    parts += ["## One threshold for all conditions", common_threshold(values)]
    parts += ["## Differences", differences(plan, apart)]
    if plan.left_out:
        parts += ["## Equal error rate on dev", on_dev(values)]
        parts += ["## Unseen species", left_out(values), left_out_differences(plan, apart)]
    if plan.tuning:
        parts += ["## Tuning", tuning(tried)]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], lines: Iterable[Sequence[str]], words: int = 1) -> str:
    """Write a table whose first columns are words and whose others are numbers."""
    marks = ["---"] * words + ["--:"] * (len(head) - words)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, marks, *lines))


def percent(share: float, spread: float | None = None, sign: str = "") -> str:
    """Write a share in per cent, with its spread if there is one.

    >>> percent(0.0553), percent(0.0792, 0.0072), percent(float("nan"))
    ('5.5', '7.9 ± 0.7', '—')
    """
    if np.isnan(share):
        return NOTHING
    text = f"{100 * share:{sign}.1f}"
    return text if spread is None or np.isnan(spread) else f"{text} ± {100 * spread:.1f}"


def told(settings: Mapping[str, Any]) -> str:
    """Write settings on one line, as YAML."""
    written = yaml.safe_dump(dict(settings), default_flow_style=True, width=10_000, sort_keys=False)
    return written.strip().removeprefix("{").removesuffix("}")


def _best_in_bold(lines: list[list[str]]) -> list[list[str]]:
    """Mark the lowest of every column of numbers."""
    for column in range(1, len(lines[0]) if lines else 0):
        known = [float(line[column]) for line in lines if line[column] != NOTHING]
        for line in lines:
            if known and line[column] != NOTHING and float(line[column]) == min(known):
                line[column] = f"**{line[column]}**"
    return lines


def _turned(row: Mapping[str, str]) -> dict[str, str]:
    """The same difference seen from the other side."""
    value, low, high = (-float(row[key]) for key in ("difference", "low", "high"))
    return {**row, "difference": str(value), "low": str(high), "high": str(low)}


def _ratio(row: Mapping[str, str]) -> str:
    """Write a ratio with its interval; nothing where there is none."""
    if not row.get("ratio"):
        return NOTHING
    value, low, high = (float(row[key]) for key in RATIO)
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def _by_other(rows: Rows) -> dict[str, dict[tuple[str, str], Mapping[str, str]]]:
    """Find the row of a column and condition by whom the first is held against."""
    found: dict[str, dict[tuple[str, str], Mapping[str, str]]] = {}
    for row in rows:
        found.setdefault(row["other"], {})[row["column"], row["condition"]] = row
    return found


def _difference(row: Mapping[str, str] | None) -> str:
    """Write a difference with its interval; nothing where there is none."""
    if row is None:
        return NOTHING
    value, low, high = (100 * float(row[key]) for key in ("difference", "low", "high"))
    text = f"{value:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"**{text}**" if float(row["p_holm"]) < RISK else text
