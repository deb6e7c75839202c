"""Conditions, groups and their gaps, spread over runs, points of a DET curve."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexpad import metrics
from flexpad.metrics.det import STEPS
from flexpad.types import BadInput
from tests.score_tables import table_of

# AF: bona fide .9 .3, print .6 .1, mask .2; CA: bona fide .8 .7, print .4 .2; EA: bona fide alone.
# The mask of nobody's group is counted apart.
GROUPED = table_of(
    [
        ("s1", "", 0.9, "AF"),
        ("s1", "", 0.3, "AF"),
        ("s1", "print", 0.6, "AF"),
        ("s1", "print", 0.1, "AF"),
        ("s1", "mask", 0.2, "AF"),
        ("s2", "", 0.8, "CA"),
        ("s2", "", 0.7, "CA"),
        ("s2", "print", 0.4, "CA"),
        ("s2", "print", 0.2, "CA"),
        ("s3", "", 0.6, "EA"),
        ("s4", "mask", 0.9, ""),
    ]
)


def test_conditions_are_taken_apart():
    rows = [("s1", "", 0.9), ("s1", "", None), ("s1", "print", 0.2), ("s2", "mask", math.nan)]
    rows += [("s1", "print", 0.1)]
    table = table_of(rows)
    other = table.rows.with_columns(condition=pl.lit("D"), score=pl.col("score") / 2)
    both = replace(table, rows=pl.concat([other, table.rows]))
    got = metrics.by_condition(both)
    assert list(got) == ["R", "D"]
    for condition, times in (("R", 1), ("D", 0.5)):
        for items in (got[condition], metrics.of_table(both.condition(condition))):
            assert items.bonafide.tolist() == [0.9 * times]
            assert items.silent_bonafide == 1
            assert {name: scores.tolist() for name, scores in items.attacks.items()} == {
                "mask": [],
                "print": [0.1 * times, 0.2 * times],
            }
            assert items.pooled.tolist() == [0.1 * times, 0.2 * times]
            assert items.silent_attacks == {"mask": 1, "print": 0}
    with pytest.raises(BadInput, match="conditions R, D; measure one by one"):
        metrics.of_table(both)


def test_table_without_rows_of_a_condition_is_empty():
    nothing = metrics.of_table(table_of([("s1", "", 0.9)]).condition("D"))
    assert len(nothing.bonafide) == len(nothing.pooled) == 0
    assert metrics.eer(nothing).rate is None


@pytest.mark.parametrize("measure", [metrics.of_table, metrics.by_condition])
def test_infinite_score_of_a_table_is_refused(measure):
    with pytest.raises(ValueError, match="infinite"):
        measure(table_of([("s1", "", math.inf)]))


def test_groups_by_hand():
    got = metrics.by_group(GROUPED, "group_0", 0.5)
    assert list(got.groups) == ["AF", "CA", "EA"]
    assert got.column == "group_0"
    assert got.unassigned == 1
    bpcer = {name: group.rates.bpcer.rate for name, group in got.groups.items()}
    assert bpcer == {"AF": 0.5, "CA": 0, "EA": 0}
    gap = got.gaps["bpcer"]
    assert (gap.value, gap.lowest, gap.highest, gap.undefined) == (0.5, "CA", "AF", ())
    worst = got.gaps["apcer_max"]
    assert (worst.value, worst.lowest, worst.highest, worst.undefined) == (0.5, "CA", "AF", ("EA",))
    assert got.gaps["apcer_pooled"].value == pytest.approx(1 / 3)
    assert (got.groups["AF"].eer.rate, got.groups["CA"].eer.rate) == (pytest.approx(5 / 12), 0)


def test_bias_eer_needs_an_equal_error_rate_of_every_group():
    got = metrics.by_group(GROUPED, "group_0", 0.5)
    assert got.bias_eer is None
    assert got.bias_eer_reason == "no equal error rate of group EA"


def test_bias_eer_by_hand():
    """Equal error rates 5/12, 0 and 1/2: each minus the least, summed."""
    rows = GROUPED.rows.select("subject_id", "pai_species", "score", "group_0").rows()
    got = metrics.by_group(table_of([*rows, ("s3", "print", 0.6, "EA")]), "group_0", 0.5)
    assert got.groups["EA"].eer.rate == 0.5
    assert got.bias_eer == pytest.approx(5 / 12 + 1 / 2)


def test_one_group_has_no_gap():
    got = metrics.by_group(
        table_of([("s1", "", 0.9, "AF"), ("s1", "print", 0.1, "AF")]), "group_0", 0.5
    )
    for gap in got.gaps.values():
        assert gap.value is None
        assert "fewer than two groups" in gap.reason
    assert got.bias_eer is None
    assert "fewer than two groups" in got.bias_eer_reason


def test_column_that_names_no_group_is_refused():
    with pytest.raises(BadInput, match=r"made: group column 'group_O' is unknown; did you mean"):
        metrics.by_group(GROUPED, "group_O", 0.5)
    with pytest.raises(BadInput, match=r"it has no group_\* column"):
        metrics.by_group(table_of([("s1", "", 0.9)]), "group_0", 0.5)


def test_spread_is_the_published_one_of_cefa():
    """PSMM-Net on protocol 4: 4.2, 8.4 and 7.6 were printed as 6.7 +- 2.2."""
    got = metrics.spread([4.2, 8.4, 7.6])
    assert (round(got.mean, 1), round(got.std, 1), got.n) == (6.7, 2.2, 3)


@pytest.mark.parametrize(
    ("values", "mean", "std", "says"),
    [
        ([], None, None, "no run"),
        ([0.25], 0.25, None, "one run"),
        ([0.25, None, 0.5], None, None, "undefined in 1 of 3"),
        ([0.25, 0.25], 0.25, 0, None),
    ],
)
def test_spread_of_what_does_not_vary(values, mean, std, says):
    got = metrics.spread(values)
    assert (got.mean, got.std, got.n) == (mean, std, len(values))
    assert (got.reason is None) if says is None else (says in got.reason)


def items_of(bonafide, **species):
    scores = [*bonafide, *(v for values in species.values() for v in values)]
    kinds = [""] * len(bonafide) + [name for name, values in species.items() for _ in values]
    return metrics.presentations(scores, [kind == "" for kind in kinds], kinds)


def test_det_points_by_hand():
    items = items_of([0.9, 0.4], print=[0.6, 0.3], mask=[0.4])
    got = metrics.det_points(items, "max")
    assert got.thresholds.tolist() == [0.3, 0.4, 0.6, 0.9, math.inf]
    assert got.apcer.tolist() == [1, 1, 0.5, 0, 0]
    assert got.bpcer.tolist() == [0, 0, 0.5, 0.5, 1]
    assert metrics.det_points(items, "pooled").apcer.tolist() == pytest.approx(
        [1, 2 / 3, 1 / 3, 0, 0]
    )
    assert metrics.det_points(items, "mask").apcer.tolist() == [1, 1, 0, 0, 0]
    apcer, bpcer = got.clamped()  # half an error of two prints, and of two bona fides
    assert apcer.tolist() == [0.75, 0.75, 0.5, 0.25, 0.25]
    assert bpcer.tolist() == [0.25, 0.25, 0.5, 0.5, 0.75]


@pytest.mark.parametrize(
    ("items", "says"),
    [(items_of([0.5]), "attack"), (items_of([], print=[0.5]), "bona fide")],
)
def test_det_of_one_class_has_no_points(items, says):
    got = metrics.det_points(items, "pooled")
    assert len(got.thresholds) == len(got.apcer) == 0
    assert says in got.reason


def test_det_of_an_unanswered_species_has_no_worst_case():
    items = items_of([0.5], print=[0.5], mask=[math.nan])
    assert "species" in metrics.det_points(items, "max").reason
    assert "mask" in metrics.det_points(items, "mask").reason
    assert metrics.det_points(items, "print").reason is None
    with pytest.raises(BadInput, match="no PAI species 'Mask'"):
        metrics.det_points(items, "Mask")


def test_det_of_many_scores_is_few_points_near_every_one():
    from scipy.special import ndtri

    rng = np.random.default_rng(0)
    items = items_of(rng.normal(2, 1, 40_000), print=rng.normal(0, 1, 40_000))
    got = metrics.det_points(items, "pooled")
    assert len(got.thresholds) < 5000
    candidates, accepted, rejected = metrics.error_curve(items)
    place = np.searchsorted(got.thresholds, candidates)
    assert got.thresholds[0] == candidates[0]
    assert got.thresholds[-1] == math.inf
    whole = [np.clip(n / 40_000, 0.5 / 40_000, 1 - 0.5 / 40_000) for n in (accepted, rejected)]
    for drawn, exact in zip(got.clamped(), whole, strict=True):
        assert np.abs(ndtri(drawn[place]) - ndtri(exact)).max() <= 1 / STEPS + 1e-12


grid = st.lists(st.integers(0, 8).map(lambda k: k / 8), min_size=1, max_size=20)


@given(grid, grid, grid)
def test_det_points_are_points_of_the_curve(bonafide, prints, masks):
    items = items_of(bonafide, print=prints, mask=masks)
    got = metrics.det_points(items, "max")
    assert (np.diff(got.apcer) <= 0).all()
    assert (np.diff(got.bpcer) >= 0).all()
    for threshold, apcer, bpcer in zip(got.thresholds, got.apcer, got.bpcer, strict=True):
        rates = metrics.rates(items, threshold)
        assert (rates.apcer_max.rate, rates.bpcer.rate) == (pytest.approx(apcer), bpcer)
