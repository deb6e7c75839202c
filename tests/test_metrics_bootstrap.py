"""Intervals by subject: by hand, beside a slow loop, and how often they hold the truth."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad import metrics
from flexpad.types import BadInput
from tests.score_tables import table_of

NAN = math.nan

# Two subjects. Ann: one of two bona fides rejected, one of two prints accepted. Bob: neither of
# two bona fides rejected, his print is refused, his only mask is accepted.
ANN_AND_BOB = table_of(
    [
        ("ann", "", 0.9),
        ("ann", "", 0.1),
        ("ann", "print", 0.8),
        ("ann", "print", 0.2),
        ("bob", "", 0.7),
        ("bob", "", 0.6),
        ("bob", "print", 0.3),
        ("bob", "mask", 0.5),
        ("bob", "mask", None),
    ]
)


def test_counts_by_hand():
    got = metrics.subject_counts(ANN_AND_BOB, 0.5)
    assert got.subjects == ("set/ann", "set/bob")
    assert got.species == ("mask", "print")
    assert got.bonafide.tolist() == [2, 2]
    assert got.bonafide_errors.tolist() == [1, 0]
    assert got.attacks.tolist() == [[0, 2], [1, 1]]
    assert got.attack_errors.tolist() == [[0, 1], [1, 0]]


def test_rates_of_every_draw_by_hand():
    """The three draws two subjects can give: Ann twice, each once, Bob twice."""
    counts = metrics.subject_counts(ANN_AND_BOB, 0.5)
    got = metrics.drawn_rates(counts, np.array([[2, 0], [1, 1], [0, 2]]))
    right = {
        "bpcer": [1 / 2, 1 / 4, 0],
        "apcer:print": [1 / 2, 1 / 3, 0],
        "apcer:mask": [NAN, 1, 1],
        "apcer_max": [1 / 2, 1, 1],
        "apcer_pooled": [1 / 2, 2 / 4, 2 / 4],
        "acer_max": [1 / 2, 5 / 8, 1 / 2],
        "acer_pooled": [1 / 2, 3 / 8, 1 / 4],
    }
    assert set(got) == set(right)
    for key, values in right.items():
        np.testing.assert_allclose(got[key], values, err_msg=key)


def test_intervals_of_two_subjects_by_hand():
    """A quarter of the draws is Ann twice and a quarter Bob twice, so both ends are in reach."""
    got = metrics.clustered_intervals(ANN_AND_BOB, 0.5)
    assert (got["bpcer"].low, got["bpcer"].high) == (0, 0.5)
    assert (got["apcer:print"].low, got["apcer:print"].high) == (0, 0.5)
    assert (got["acer_pooled"].low, got["acer_pooled"].high) == (0.25, 0.5)
    assert got["bpcer"].method == "bootstrap"
    assert (got["bpcer"].subjects, got["bpcer"].draws, got["bpcer"].seed) == (2, 2000, 0)


def test_subjects_of_two_data_sets_are_not_one():
    rows = ANN_AND_BOB.rows
    both = pl.concat([rows, rows.with_columns(dataset=pl.lit("other"))])
    got = metrics.subject_counts(replace(ANN_AND_BOB, rows=both), 0.5)
    assert got.subjects == ("other/ann", "other/bob", "set/ann", "set/bob")
    assert got.bonafide.tolist() == [2, 2, 2, 2]


def test_subject_without_an_answer_is_drawn_too():
    table = table_of([("a", "", 0.5), ("b", "", None), ("b", "print", None)])
    got = metrics.subject_counts(table, 0.5)
    assert got.subjects == ("set/a", "set/b")
    assert got.bonafide.tolist() == [1, 0]
    assert got.attacks.tolist() == [[0], [0]]


def test_draws_are_of_as_many_subjects_and_of_their_seed():
    draws = metrics.subject_draws(40, draws=500, seed=3)
    assert draws.shape == (500, 40)
    assert (draws.sum(axis=1) == 40).all()
    assert np.array_equal(draws, metrics.subject_draws(40, draws=500, seed=3))
    assert np.array_equal(draws[:7], metrics.subject_draws(40, draws=7, seed=3))
    assert not np.array_equal(draws, metrics.subject_draws(40, draws=500, seed=4))
    assert draws.mean() == 1
    assert draws.var() == pytest.approx(1 - 1 / 40, abs=0.02)  # of a multinomial
    assert np.ptp(draws.mean(axis=0)) < 0.4  # no subject is preferred


def test_blocks_of_draws_change_nothing(monkeypatch):
    table = random_table(5)
    whole = metrics.clustered_intervals(table, 0.5, draws=50)
    monkeypatch.setattr("flexpad.metrics.bootstrap.BLOCK", 20)
    assert metrics.clustered_intervals(table, 0.5, draws=50) == whole


def random_table(seed, subjects=8, rows=80):
    """Ties, unequal subjects, non-responses, a species that few subjects have."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(rows):
        subject = int(rng.integers(subjects))
        kinds = ["", "", "print", "replay"] + ["mask"] * (subject < 3)
        kind = kinds[rng.integers(len(kinds))]
        score = np.round(rng.normal(0.35 + 0.3 * (kind == "") + 0.02 * subject, 0.2) * 20) / 20
        made.append((f"s{subject}", kind, None if rng.random() < 0.05 else score))
    return table_of(made)


def replicated(table, draw):
    """What a draw is: each subject's rows as often as it was drawn. Presentations, slowly."""
    names = sorted(set(table.rows["subject_id"]))
    rows = [
        row
        for name, times in zip(names, draw, strict=True)
        for row in table.rows.filter(pl.col("subject_id") == name).rows(named=True) * int(times)
    ]
    return metrics.presentations(
        [NAN if row["score"] is None else row["score"] for row in rows],
        [row["label"] == "bonafide" for row in rows],
        [row["pai_species"] for row in rows],
    )


def slow_rates(items, threshold, species):
    got = metrics.rates(items, threshold)
    each = {entry.name: entry.apcer.rate for entry in got.species}
    return {
        "bpcer": got.bpcer.rate,
        "apcer_max": got.apcer_max.rate,
        "apcer_pooled": got.apcer_pooled.rate,
        "acer_max": got.acer_max.value,
        "acer_pooled": got.acer_pooled.value,
        "bpnrr": got.bpnrr.rate,
        "apnrr": got.apnrr.rate,
        **{f"apcer:{name}": each.get(name) for name in species},
    }


def slow_curve(items, species):
    found = {"eer": metrics.eer(items).rate, "auc": metrics.auc(items).value}
    for kind in ("max", "pooled"):
        for target in metrics.APCER_TARGETS:
            got = metrics.bpcer_at_apcer(items, target, kind)
            whole = kind == "pooled" or set(items.attacks) == set(species)
            found[f"bpcer@apcer_{kind}:{target!r}"] = got.bpcer.rate if got and whole else None
    for target in metrics.FPR_TARGETS:
        found[f"tpr@fpr:{target!r}"] = metrics.tpr_at_fpr(items, target).tpr.rate
    return found


def check_percentiles(got, once, drawn):
    """The intervals are the percentiles of the slow draws, wide enough for the rate itself."""
    compared = 0
    for key, rate in once.items():
        interval = got[key]
        if interval.method != "bootstrap" or interval.low is None:
            continue
        values = np.array([draw[key] for draw in drawn], float)
        low, high = np.nanquantile(values, [0.025, 0.975])
        assert interval.low == pytest.approx(min(low, rate), abs=1e-12), key
        assert interval.high == pytest.approx(max(high, rate), abs=1e-12), key
        compared += 1
    return compared


@pytest.mark.parametrize("seed", range(4))
def test_intervals_equal_a_slow_loop(seed):
    table, species = random_table(seed), ("mask", "print", "replay")
    draws = metrics.subject_draws(8, draws=40, seed=seed)
    drawn = [replicated(table, draw) for draw in draws]
    once = metrics.of_table(table)
    got = metrics.clustered_intervals(table, 0.5, draws=40, seed=seed)
    slow = [slow_rates(items, 0.5, species) for items in drawn]
    assert check_percentiles(got, slow_rates(once, 0.5, species), slow) >= 5
    got = metrics.clustered_curve(table, draws=40, seed=seed)
    slow = [slow_curve(items, species) for items in drawn]
    assert check_percentiles(got, slow_curve(once, species), slow) >= 8


def test_no_error_falls_back_on_the_number_of_subjects():
    """Ten frames of a subject are no ten subjects."""
    rows = [(f"s{i}", "", 0.9) for i in range(20) for _ in range(10)]
    rows += [(f"s{i}", "print", 0.1) for i in range(15)] + [("s0", "mask", 0.1)] * 9
    got = metrics.clustered_intervals(table_of(rows), 0.5)
    assert got["bpcer"].method == "rule of three"
    assert (got["bpcer"].low, got["bpcer"].subjects) == (0, 20)
    assert got["bpcer"].high == pytest.approx(1 - 0.05 ** (1 / 20))
    assert got["apcer:print"].high == pytest.approx(1 - 0.05 ** (1 / 15))
    assert got["apcer:mask"].high == pytest.approx(0.95)  # one subject says next to nothing
    assert (got["apcer_max"].high, got["apcer_max"].subjects) == (got["apcer:mask"].high, 1)
    one, other = 1 - 0.025 ** (1 / 20), 1 - 0.025 ** (1 / 15)
    assert got["acer_pooled"].high == pytest.approx((one + other) / 2)


def test_nothing_but_errors_is_the_mirror_of_none():
    table = table_of([(f"s{i}", "print", 0.9) for i in range(12)] + [("a", "", 0.9)])
    got = metrics.clustered_intervals(table, 0.5)["apcer_max"]
    assert (got.low, got.high) == (pytest.approx(0.05 ** (1 / 12)), 1)
    assert got.method == "rule of three"


def test_acer_of_one_side_without_errors_is_not_narrower_than_the_other_side():
    rows = [(f"s{i}", "", 0.9) for i in range(30)]
    rows += [(f"s{i}", "print", 0.9 if i < 6 else 0.1) for i in range(30)]
    got = metrics.clustered_intervals(table_of(rows), 0.5)
    assert got["acer_max"].method == "rule of three"
    assert got["acer_max"].low == pytest.approx(got["apcer_max"].low / 2, abs=0.02)
    assert got["acer_max"].high > (got["apcer_max"].high + 0.09) / 2


def test_perfect_separation_is_not_certain():
    rows = [(f"s{i}", "", 0.9) for i in range(20)] + [(f"s{i}", "print", 0.1) for i in range(10)]
    got = metrics.clustered_curve(table_of(rows), draws=30)
    assert (got["eer"].low, got["eer"].high) == (0, pytest.approx(1 - 0.05**0.1))
    assert (got["auc"].low, got["auc"].high) == (pytest.approx(0.05**0.1), 1)
    assert got["bpcer@apcer_max:0.01"].high == pytest.approx(1 - 0.05 ** (1 / 20))
    assert got["tpr@fpr:0.01"].low == pytest.approx(0.05 ** (1 / 20))
    assert {interval.method for interval in got.values()} == {"rule of three"}


def test_one_subject_has_no_interval():
    table = table_of([("a", "", 0.9), ("a", "", 0.1), ("b", "print", 0.1), ("c", "print", 0.9)])
    got = metrics.clustered_intervals(table, 0.5)
    assert (got["bpcer"].low, got["bpcer"].high) == (None, None)
    assert got["bpcer"].reason == "all presentations are of one subject"
    assert got["acer_max"].low is None
    assert got["apcer_max"].low is not None
    curve = metrics.clustered_curve(table, draws=20)
    assert curve["eer"].low is None
    assert "one subject" in curve["eer"].reason


def test_figure_that_most_draws_lack_has_no_interval():
    """Four species of one subject each are seldom drawn together."""
    rows = [(f"s{i}", "", 0.1 * i) for i in range(8)]
    rows += [(f"s{i}", f"kind {i}", 0.05 + 0.1 * i) for i in range(4)]
    got = metrics.clustered_curve(table_of(rows), draws=200)
    assert got["bpcer@apcer_max:0.1"].low is None
    assert "fewer than half of the draws" in got["bpcer@apcer_max:0.1"].reason
    assert got["bpcer@apcer_pooled:0.1"].low is not None


def test_without_subjects_there_is_a_reason():
    table = table_of([("", "", 0.9), ("a", "print", 0.1)])
    intervals = metrics.clustered_intervals(table, 0.5)
    known = metrics.clustered_intervals(table_of([("b", "", 0.9), ("a", "print", 0.1)]), 0.5)
    assert set(intervals) == set(known)
    for got in (*intervals.values(), *metrics.clustered_curve(table).values()):
        assert got.low is None
        assert got.reason == "1 of 2 rows have no subject_id"
    with pytest.raises(BadInput, match="1 of 2 rows have no subject_id"):
        metrics.subject_counts(table, 0.5)


@pytest.mark.parametrize(("kind", "missing"), [("", "attack"), ("print", "bona fide")])
def test_one_class_has_no_interval_of_the_other(kind, missing):
    table = table_of([(f"s{i}", kind, 0.1 * i) for i in range(9)])
    got = metrics.clustered_intervals(table, 0.45)
    for key in ("apcer_max", "apcer_pooled") if missing == "attack" else ("bpcer",):
        assert got[key].low is None
        assert missing in got[key].reason
    assert got["acer_max"].low is None
    for interval in metrics.clustered_curve(table, draws=5).values():
        assert interval.low is None
        assert missing in interval.reason


def test_species_without_an_answer_leaves_the_worst_case_unknown():
    rows = [(f"s{i}", kind, 0.1 * i) for i in range(9) for kind in ("", "print")]
    table = table_of([*rows, ("s0", "mask", None)])
    curve = metrics.clustered_curve(table, draws=20)
    assert curve["bpcer@apcer_max:0.1"].low is None
    assert "species" in curve["bpcer@apcer_max:0.1"].reason
    assert curve["bpcer@apcer_pooled:0.1"].low is not None
    got = metrics.clustered_intervals(table, 0.45)
    assert got["apcer:mask"].low is None
    assert got["apcer_max"].low is not None
    assert got["apnrr:mask"].high == 1


def test_several_conditions_and_nonsense_are_refused():
    two = replace(
        ANN_AND_BOB,
        rows=pl.concat([ANN_AND_BOB.rows, ANN_AND_BOB.rows.with_columns(condition=pl.lit("D"))]),
    )
    for measure in (metrics.clustered_curve, lambda table: metrics.clustered_intervals(table, 0.5)):
        with pytest.raises(BadInput, match="conditions R, D"):
            measure(two)
    with pytest.raises(ValueError, match="NaN"):
        metrics.clustered_intervals(ANN_AND_BOB, NAN)
    with pytest.raises(ValueError, match="infinite"):
        metrics.clustered_intervals(table_of([("a", "", math.inf)]), 0.5)


subjects = st.sampled_from(["a", "b", "c", "d"])
kinds = st.sampled_from(["", "", "print", "mask"])
cells = st.none() | st.integers(0, 6).map(lambda k: k / 6)


@settings(max_examples=60)
@given(st.lists(st.tuples(subjects, kinds, cells), min_size=1, max_size=30))
def test_intervals_hold_their_rate(rows):
    table = table_of(rows)
    items = metrics.of_table(table)
    rates = slow_rates(items, 0.5, items.attacks)
    rates |= slow_curve(items, items.attacks)
    got = metrics.clustered_intervals(table, 0.5, draws=20)
    got |= metrics.clustered_curve(table, draws=20)
    for key, rate in rates.items():
        interval = got[key]
        if rate is None:
            assert interval.low is None, key
        if interval.low is None:
            assert interval.high is None
            assert interval.reason, key
        else:
            assert -1e-12 <= interval.low <= rate + 1e-12, key
            assert rate - 1e-12 <= interval.high <= 1 + 1e-12, key


@settings(max_examples=25)
@given(st.lists(st.tuples(subjects, kinds, cells), min_size=1, max_size=20), st.randoms())
def test_order_of_rows_is_nothing(rows, random):
    shuffled = random.sample(rows, len(rows))
    one, other = table_of(rows), table_of(shuffled)
    assert metrics.clustered_intervals(one, 0.5, 20) == metrics.clustered_intervals(other, 0.5, 20)
    assert metrics.clustered_curve(one, 20) == metrics.clustered_curve(other, 20)


def test_truth_is_covered_where_independence_is_not_given():
    """40 subjects of 12 alike presentations: each subject has a rejection rate of its own.

    Over 200 samples the clustered interval holds the mean rate about as often as it says;
    Clopper-Pearson, which takes 480 frames for 480 trials, far less often.
    """
    rng = np.random.default_rng(0)
    truth, clustered, independent = 0.2, 0, 0
    for _ in range(200):
        rate = rng.beta(0.8, 3.2, size=40)  # mean 0.2
        errors = rng.random((40, 12)) < rate[:, None]
        rows = [(f"s{i:02d}", "", 0.1 if error else 0.9) for i in range(40) for error in errors[i]]
        table = table_of(rows)
        got = metrics.clustered_intervals(table, 0.5, draws=300)["bpcer"]
        bpcer = metrics.rates(metrics.of_table(table), 0.5).bpcer
        clustered += got.low <= truth <= got.high
        independent += bpcer.low <= truth <= bpcer.high
    assert clustered >= 0.9 * 200
    assert independent <= 0.8 * 200
