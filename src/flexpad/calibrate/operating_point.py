"""Thresholds at named operating points, chosen on dev: one per condition, or one for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import numpy as np
import polars as pl

from flexpad import metrics, score_table
from flexpad.calibrate.probability import ScoreCalibration, lowest_reaching
from flexpad.calibrate.rule import Rule, parse_rule
from flexpad.metrics import Presentations
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput

Limits = tuple[float, float]
RATES = ("bpcer", "apcer_max", "apcer_pooled")


@dataclass(frozen=True, slots=True)
class Threshold:
    """The threshold of one condition and what it does to the data it was chosen on.

    Attributes:
        value: Accepted iff ``score >= value``; every digit counts. +inf rejects everything.
        n_bonafide: Answered bona fide presentations it was chosen on.
        n_attack: Answered attack presentations it was chosen on.
        bpcer: There, a fraction; None where there was no bona fide.
        apcer_max: There; None where there was no attack.
        apcer_pooled: There; None where there was no attack.
        worst_species: The species of ``apcer_max``.
        n_subjects: Subjects the table names; None for a calibration that does not say.
        intervals: 95 % Clopper-Pearson intervals of the three rates, None if undefined.
        clustered_intervals: The same by a bootstrap over subjects.
    """

    value: float
    n_bonafide: int
    n_attack: int
    bpcer: float | None
    apcer_max: float | None
    apcer_pooled: float | None
    worst_species: str | None
    n_subjects: int | None = None
    intervals: Mapping[str, Limits | None] = field(default_factory=dict)
    clustered_intervals: Mapping[str, Limits | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommonThreshold:
    """One threshold for every condition.

    Attributes:
        value: On ``scale``; every digit counts.
        scale: ``score``: the same score in every condition. ``probability``: the same calibrated
            probability, which each condition reaches at its own score.
    """

    value: float
    scale: Literal["score", "probability"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds for every condition, with their origin.

    Attributes:
        rule: Name of the operating point, e.g. ``eer@dev``.
        split: Where the thresholds were chosen: ``dev``, ``test`` or None for a fixed number.
        unit: ``frame`` or ``video``; a threshold of one unit says nothing about the other.
        thresholds: By condition.
        table: Name of the score table the rates are from.
        table_sha256: Of that table.
        method: What the scores are of, as the table says.
        common: The one threshold all conditions share; None where each has its own.
        probability: What turns a score into a probability of bona fide; None where nothing does.
            It never decides: a decision compares score and threshold, with or without it.
    """

    rule: str
    split: str | None
    unit: str
    thresholds: Mapping[str, Threshold]
    table: str
    table_sha256: str
    method: str | None = None
    common: CommonThreshold | None = None
    probability: ScoreCalibration | None = None

    @property
    def oracle(self) -> bool:
        """Whether the thresholds were taken from test data."""
        return self.split == "test"

    def probability_of(self, score: float, condition: str) -> float | None:
        """The calibrated probability of bona fide; None where nothing was calibrated."""
        found = self.probability.maps.get(condition) if self.probability else None
        return float(found(np.array([score]))[0]) if found else None


def choose(
    dev: ScoreTable,
    rule: str,
    unit: str,
    conditions: Sequence[str] | None = None,
    *,
    common: bool = False,
    probability: ScoreCalibration | None = None,
) -> Calibration:
    """Choose a threshold for each condition, or one for all of them.

    A common threshold is chosen on the scores of all conditions in one pool, as if the system did
    not know which modalities it was shown; with calibrated scores, on their probabilities. Its
    target holds for the pool; what it does in each condition stands at the thresholds.

    Args:
        dev: Scores of frames; of split dev, or test for an oracle rule.
        rule: Name of the operating point. A common ``fixed:x`` of calibrated scores is a
            probability; any other one is a score.
        unit: ``frame`` or ``video``: what is counted.
        conditions: Those that need a threshold; by default all the table has.
        common: One threshold for all conditions.
        probability: Maps of the scores, see :func:`flexpad.calibrate.fit`.

    Raises:
        BadInput: The rule or unit is unknown, rows are of another split than the rule says, or a
            condition is missing or lacks answered bona fides or attacks.
    """
    parsed = parse_rule(rule)
    table = score_table.per_unit(dev, unit)
    if parsed.split:
        check_split(table, parsed.split)
    wanted = tuple(conditions) if conditions is not None else table.conditions
    check_conditions(table, wanted)
    one = _choose_common(table, parsed, wanted, probability) if common else None
    thresholds = {}
    for name in wanted:
        part = table.condition(name)
        where = f"{table.name}: no threshold {parsed} in condition {name}"
        value = (
            _in_condition(one, name, probability)
            if one
            else _value(metrics.of_table(part), parsed, where)
        )
        thresholds[name] = _measured(part, value)
    return Calibration(
        rule=str(parsed),
        split=parsed.split,
        unit=unit,
        thresholds=thresholds,
        table=Path(table.name).name,
        table_sha256=dev.sha256,
        method=dev.header.get("method"),
        common=one,
        probability=probability,
    )


def check_split(table: ScoreTable, split: str) -> None:
    """Refuse a table that has rows of another split.

    Raises:
        BadInput: It has.
    """
    others = sorted(set(table.rows["split"].unique()) - {split})
    if others:
        raise BadInput(
            f"{table.name}: has rows of split {' and '.join(others)}; give a table of {split} only"
        )


def check_conditions(table: ScoreTable, conditions: Sequence[str]) -> None:
    """Refuse a table that lacks a condition.

    Raises:
        BadInput: It does.
    """
    for condition in conditions:
        if condition not in table.conditions:
            raise BadInput(
                f"{table.name}: has no scores of condition {condition}; score it in that condition"
            )


def _choose_common(
    table: ScoreTable,
    rule: Rule,
    conditions: Sequence[str],
    probability: ScoreCalibration | None,
) -> CommonThreshold:
    """One threshold, on the scores or probabilities of all conditions together."""
    parts = [table.condition(name) for name in conditions]
    maps = probability.maps if probability else {}
    scores = [
        maps[name](part.scores) if name in maps else part.scores
        for name, part in zip(conditions, parts, strict=True)
    ]
    pool = metrics.presentations(
        np.concatenate(scores),
        np.concatenate([part.is_bonafide for part in parts]),
        np.concatenate([part.species for part in parts]),
    )
    where = f"{table.name}: no threshold {rule} in common to {', '.join(conditions)}"
    return CommonThreshold(_value(pool, rule, where), "probability" if probability else "score")


def _in_condition(
    common: CommonThreshold, condition: str, probability: ScoreCalibration | None
) -> float:
    """The score at which a condition reaches the common threshold."""
    if probability is None or common.scale == "score":
        return common.value
    return lowest_reaching(probability.maps[condition], common.value)


def _value(items: Presentations, rule: Rule, where: str) -> float:
    """The threshold a rule finds.

    Raises:
        BadInput: It finds none; the message begins with ``where``.
    """
    value = rule.value if rule.kind == "fixed" else _from_data(items, rule)
    if value is None:
        raise BadInput(f"{where}: {_lack(items, rule)}")
    return value


def _from_data(items: Presentations, rule: Rule) -> float | None:
    if items.undefined:
        return None
    if rule.kind == "eer":
        return metrics.eer(items).threshold
    target = cast(float, rule.value)
    if rule.kind == "bpcer":
        return metrics.threshold_at_bpcer(items, target)
    kind: metrics.ApcerKind = "max" if rule.kind == "apcer_max" else "pooled"
    return metrics.threshold_at_apcer(items, target, kind)


def _lack(items: Presentations, rule: Rule) -> str:
    """What keeps a rule from finding a threshold, and what would help."""
    silent = [name for name, scores in items.attacks.items() if not len(scores)]
    lack = items.undefined or f"no attack of species {', '.join(silent)} was answered"
    return f"{lack}; add such rows to {rule.split}"


def _measured(table: ScoreTable, value: float) -> Threshold:
    """A threshold with the rates of the table of one condition it was chosen on."""
    items = metrics.of_table(table)
    there = metrics.rates(items, value)
    clustered = metrics.clustered_intervals(table, value)
    exact = {name: getattr(there, name) for name in RATES}
    return Threshold(
        value=value,
        n_bonafide=len(items.bonafide),
        n_attack=len(items.pooled),
        bpcer=there.bpcer.rate,
        apcer_max=there.apcer_max.rate,
        apcer_pooled=there.apcer_pooled.rate,
        worst_species=there.worst_species,
        n_subjects=table.rows.filter(pl.col("subject_id") != "")
        .select("dataset", "subject_id")
        .n_unique(),
        intervals={name: _limits(share.low, share.high) for name, share in exact.items()},
        clustered_intervals={
            name: _limits(clustered[name].low, clustered[name].high) for name in RATES
        },
    )


def _limits(low: float | None, high: float | None) -> Limits | None:
    return None if low is None or high is None else (low, high)
