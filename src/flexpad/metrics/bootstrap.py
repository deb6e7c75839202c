"""Intervals that know that presentations of one subject are alike: subjects are drawn anew.

Subjects are drawn with replacement, bona fide and attack presentations of a subject together, and
every rate is computed again on what was drawn. The limits are percentiles over the draws. A draw
weighs subjects with how often it has them, so that counts per subject are all it takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from flexpad.metrics.presentations import Floats, IntArray, check_one_condition
from flexpad.metrics.proportion import CONFIDENCE, rule_of_three
from flexpad.score_table import ScoreTable
from flexpad.types import BONAFIDE, BadInput

DRAWS = 2000
BLOCK = 4_000_000  # subjects times draws held at once
SUBJECT = ["dataset", "subject_id"]
ONE_SUBJECT = "all presentations are of one subject"


@dataclass(frozen=True, slots=True)
class SubjectCounts:
    """Answered presentations and errors of one condition at one threshold, by subject.

    Attributes:
        subjects: ``dataset/subject_id`` of the C subjects the table has, in order of both, whether
            any of their presentations was answered or not.
        species: The K PAI species, in alphabetical order.
        bonafide: Answered bona fide presentations, (C,).
        bonafide_errors: Those that were rejected, (C,).
        attacks: Answered attack presentations, (C, K).
        attack_errors: Those that were accepted, (C, K).
    """

    subjects: tuple[str, ...]
    species: tuple[str, ...]
    bonafide: IntArray
    bonafide_errors: IntArray
    attacks: IntArray
    attack_errors: IntArray


@dataclass(frozen=True, slots=True)
class ClusteredInterval:
    """The 95 % interval of a rate, clustered by subject.

    Attributes:
        low: Lower limit, None if there is no interval.
        high: Upper limit, likewise.
        subjects: How many subjects the rate comes from; for a worst species, of that species; for
            ACER the lesser of both sides.
        draws: How many draws.
        seed: Of the draws.
        method: ``bootstrap``: percentiles, widened to hold the rate itself where they do not.
            ``rule of three``: no error was seen, or nothing but errors, so that every draw shows
            the same and the limit comes from the number of subjects.
        reason: Why there is no interval.
    """

    low: float | None
    high: float | None
    subjects: int
    draws: int
    seed: int
    method: str
    reason: str | None = None


def subject_counts(table: ScoreTable, threshold: float) -> SubjectCounts:
    """Count answers and errors of every subject of a table of one condition.

    Raises:
        BadInput: The table holds several conditions, or a row has no subject_id.
        ValueError: The threshold is NaN or a score is infinite.
    """
    if math.isnan(threshold):
        raise ValueError("the threshold is NaN")
    answered = pl.col("score").is_not_null()
    accepted = pl.col("score") >= threshold
    error = pl.when(pl.col("label") == BONAFIDE).then(~accepted).otherwise(accepted)
    return _counts(table, answered, error)


def non_response_counts(table: ScoreTable) -> SubjectCounts:
    """Count all presentations as answered ones and those without a response as the errors.

    The rates of these counts are BPNRR for ``bpcer`` and APNRR for ``apcer``.

    Raises:
        BadInput: The table holds several conditions, or a row has no subject_id.
        ValueError: A score is infinite.
    """
    return _counts(table, pl.col("label").is_not_null(), pl.col("score").is_null())


def subject_draws(n_subjects: int, draws: int = DRAWS, seed: int = 0) -> IntArray:
    """How often each draw has each subject, (draws, C); every row sums to C.

    Draw number i depends on the seed and i alone, so that any part can be made by itself.
    """
    return np.concatenate(list(draw_blocks(n_subjects, draws, seed)))


def drawn_rates(counts: SubjectCounts, draws: IntArray) -> dict[str, Floats]:
    """Every rate of every draw.

    Args:
        counts: Of C subjects.
        draws: How often each draw has each subject, (draws, C).

    Returns:
        ``bpcer``, ``apcer_max``, ``apcer_pooled``, ``acer_max``, ``acer_pooled`` and
        ``apcer:<species>``, each (draws,), NaN where a draw has no such presentation. The worst
        species of a draw is that of the draw.
    """
    weights = draws.astype(np.float64)  # whole numbers below 2**53: the products are exact
    bpcer = _share(weights @ counts.bonafide_errors, weights @ counts.bonafide)
    errors, answered = weights @ counts.attack_errors, weights @ counts.attacks  # (draws, K)
    apcer = _share(errors, answered)
    pooled = _share(errors.sum(axis=1), answered.sum(axis=1))
    worst = np.fmax.reduce(apcer, axis=1, initial=-np.inf)
    worst[np.isneginf(worst)] = np.nan
    return {
        "bpcer": bpcer,
        "apcer_max": worst,
        "apcer_pooled": pooled,
        "acer_max": (worst + bpcer) / 2,
        "acer_pooled": (pooled + bpcer) / 2,
        **{f"apcer:{name}": apcer[:, k] for k, name in enumerate(counts.species)},
    }


def clustered_intervals(
    table: ScoreTable, threshold: float, draws: int = DRAWS, seed: int = 0
) -> dict[str, ClusteredInterval]:
    """Intervals of every rate at a threshold, and of the non-response rates.

    Returns:
        The keys of :func:`drawn_rates`, and ``bpnrr``, ``apnrr`` and ``apnrr:<species>``. Without
        subject_id in some row every interval is None, with the reason.

    Raises:
        BadInput: The table holds several conditions.
        ValueError: The threshold is NaN or a score is infinite.
    """
    check_one_condition(table)
    if math.isnan(threshold):
        raise ValueError("the threshold is NaN")
    reason = without_subject(table)
    if reason:
        names = ("", "_max", "_pooled", *(f":{name}" for name in species_of(table)))
        keys = ["bpcer", "acer_max", "acer_pooled", *(f"apcer{name}" for name in names[1:])]
        keys += ["bpnrr", "apnrr", *(f"apnrr{name}" for name in names[3:])]
        return {key: no_interval(reason, 0, draws, seed) for key in keys}
    rates = _intervals(subject_counts(table, threshold), draws, seed)
    silence = _intervals(non_response_counts(table), draws, seed)
    named = {"bpcer": "bpnrr", "apcer_pooled": "apnrr"}
    named |= {f"apcer:{name}": f"apnrr:{name}" for name in species_of(table)}
    return rates | {new: silence[old] for old, new in named.items()}


def percentile_interval(rate: float, values: Floats, confidence: float) -> tuple[float, float]:
    """Percentiles of the drawn values, (draws,), widened to hold the rate; NaN draws are left out.

    Source: Efron's percentile interval. That of a maximum may lie above the rate itself, because a
    draw's worst species is at least as bad as any; hence the widening.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(values[~np.isnan(values)], [tail, 1 - tail])
    return min(rate, float(low)), max(rate, float(high))


def no_interval(reason: str, subjects: int, draws: int, seed: int) -> ClusteredInterval:
    """Why there is none."""
    return ClusteredInterval(None, None, subjects, draws, seed, "bootstrap", reason)


def without_subject(table: ScoreTable) -> str | None:
    """Why the rows of a table cannot be clustered by subject; None if they can."""
    lacking = int((table.rows["subject_id"] == "").sum())
    return f"{lacking} of {len(table.rows)} rows have no subject_id" if lacking else None


def species_of(table: ScoreTable) -> tuple[str, ...]:
    """The PAI species of a table, answered or not, in alphabetical order."""
    return tuple(sorted(set(table.rows["pai_species"].unique()) - {""}))


def subject_codes(table: ScoreTable) -> tuple[tuple[str, ...], pl.DataFrame]:
    """Number the subjects of a table.

    Returns:
        ``dataset/subject_id`` of the C subjects in order of both, and the table's rows with their
        place among them in column ``subject``.

    Raises:
        BadInput: A row has no subject_id.
    """
    reason = without_subject(table)
    if reason:
        raise BadInput(f"{table.name}: {reason}, which intervals by subject need; add them")
    known = table.rows.select(SUBJECT).unique().sort(SUBJECT).with_row_index("subject")
    names = tuple(f"{dataset}/{subject}" for _, dataset, subject in known.iter_rows())
    rows = table.rows.with_columns(pl.col("score").fill_nan(None))
    return names, rows.join(known, on=SUBJECT, how="left", maintain_order="left")


def _counts(table: ScoreTable, answered: pl.Expr, error: pl.Expr) -> SubjectCounts:
    check_one_condition(table)
    names, rows = subject_codes(table)
    species = species_of(table)
    cells = rows.group_by("subject", "pai_species").agg(
        answered.sum().alias("answered"), (answered & error).sum().alias("errors")
    )
    place = {name: k for k, name in enumerate(("", *species))}  # a bona fide has no species
    column = cells["pai_species"].cast(pl.String).replace_strict(place, return_dtype=pl.Int64)
    counts = np.zeros((2, len(names), len(place)), dtype=np.int64)
    where = cells["subject"].to_numpy(), column.to_numpy()
    counts[0][where], counts[1][where] = cells["answered"], cells["errors"]
    return SubjectCounts(
        subjects=names,
        species=species,
        bonafide=counts[0, :, 0],
        bonafide_errors=counts[1, :, 0],
        attacks=counts[0, :, 1:],
        attack_errors=counts[1, :, 1:],
    )


def draw_blocks(n_subjects: int, draws: int, seed: int) -> Iterator[IntArray]:
    """The rows of :func:`subject_draws`, as many at once as fit comfortably into memory."""
    size = max(1, BLOCK // max(1, n_subjects))
    for start in range(0, draws, size):
        numbers = range(start, min(start + size, draws))
        yield np.stack([draw(n_subjects, number, seed) for number in numbers])


def draw(n_subjects: int, number: int, seed: int) -> IntArray:
    """How often one draw has each subject, (C,)."""
    rng = np.random.default_rng((seed, number))
    return np.bincount(rng.integers(n_subjects, size=n_subjects), minlength=n_subjects)


def _share(errors: Floats, n: Floats) -> Floats:
    """NaN of nothing."""
    return np.divide(errors, n, out=np.full_like(errors, np.nan), where=n > 0)


def _intervals(counts: SubjectCounts, draws: int, seed: int) -> dict[str, ClusteredInterval]:
    """An interval of every rate of the counts."""
    n_subjects = len(counts.subjects)
    once = drawn_rates(counts, np.ones((1, n_subjects), dtype=np.int64))
    rates = {key: float(values[0]) for key, values in once.items()}
    blocks = [drawn_rates(counts, block) for block in draw_blocks(n_subjects, draws, seed)]
    drawn = {key: np.concatenate([block[key] for block in blocks]) for key in rates}
    subjects = _subjects(counts, rates)

    def interval(key: str) -> ClusteredInterval:
        sides = ("bpcer", key.replace("acer", "apcer")) if key.startswith("acer") else (key,)
        n = min(subjects[side] for side in sides)
        lacking = [reason for side in sides if (reason := _lack(rates[side], subjects[side], side))]
        if lacking:
            return no_interval(lacking[0], n, draws, seed)
        if not any(rates[side] in (0, 1) for side in sides):
            low, high = percentile_interval(rates[key], drawn[key], CONFIDENCE)
            return ClusteredInterval(low, high, n, draws, seed, "bootstrap")
        # A side that never varies says nothing by being drawn again. Of two sides each is taken at
        # half the risk (Bonferroni: they may depend on each other), and the limits averaged.
        confidence = 1 - (1 - CONFIDENCE) / len(sides)
        limits = [_limits(rates[s], drawn[s], subjects[s], confidence) for s in sides]
        low, high = (sum(ends) / len(sides) for ends in zip(*limits, strict=True))
        return ClusteredInterval(low, high, n, draws, seed, "rule of three")

    return {key: interval(key) for key in rates}


def _subjects(counts: SubjectCounts, rates: Mapping[str, float]) -> dict[str, int]:
    """How many subjects a rate comes from. Of equally bad species that with the fewest counts."""
    species = {
        f"apcer:{name}": int((counts.attacks[:, k] > 0).sum())
        for k, name in enumerate(counts.species)
    }
    worst = [n for key, n in species.items() if rates[key] == rates["apcer_max"]]
    return species | {
        "bpcer": int((counts.bonafide > 0).sum()),
        "apcer_max": min(worst, default=0),
        "apcer_pooled": int((counts.attacks > 0).any(axis=1).sum()),
    }


def _lack(rate: float, subjects: int, key: str) -> str | None:
    if math.isnan(rate):
        of = "bona fide" if key == "bpcer" else "attack"
        return f"no {of} presentation was answered"
    if subjects < 2 and rate not in (0, 1):
        return ONE_SUBJECT
    return None


def _limits(rate: float, values: Floats, subjects: int, confidence: float) -> tuple[float, float]:
    if rate == 0:
        return 0.0, rule_of_three(subjects, confidence)
    if rate == 1:
        return 1 - rule_of_three(subjects, confidence), 1.0
    return percentile_interval(rate, values, confidence)
