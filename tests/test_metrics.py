"""Error rates: worked examples, properties, and independent implementations beside them."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad import metrics

NAN = math.nan


def build(bonafide, **species):
    """Presentations from plain lists, shuffled so that nothing depends on order."""
    scores = list(bonafide)
    labels = [True] * len(scores)
    kinds = [""] * len(scores)
    for name, values in species.items():
        scores += values
        labels += [False] * len(values)
        kinds += [name] * len(values)
    order = np.random.default_rng(0).permutation(len(scores))
    return metrics.presentations(
        np.array(scores, float)[order],
        np.array(labels, bool)[order],
        np.array(kinds, object)[order],
    )


EXAMPLES = {
    "E1": build([0.9, 0.8, 0.7, 0.4], print=[0.6, 0.3], replay=[0.2, 0.1]),
    "E2": build([0.9, 0.8, 0.5, 0.5], print=[0.5, 0.2], mask=[0.5, 0.5, 0.1]),
    "E3": build([0.7], print=[0.6, 0.4, 0.2]),
    "E3b": build([0.7], print=[0.4]),
    "E6": build([0.5, 0.5], print=[0.5, 0.5, 0.5]),
    "E7": build([0.9, 0.9, 0.9, 0.2], print=[0.9] + [0.1] * 9),
    "E8": build([k / 20 for k in range(1, 21)], A=[0.62] + [0.1] * 19, B=[0.72, 0.67] + [0.1] * 8),
    "E9": build([0.1, 0.2], print=[0.8, 0.9]),
    "E10": build([0.9, NAN, 0.7], print=[0.2, NAN]),
    "E11": build([0.1, 0.2]),
    "E12": build([], print=[0.1, 0.2]),
}


@dataclass
class Golden:
    """One row of the worked table; rates at threshold 0.5."""

    species: dict[str, float]
    highest: float
    pooled: float
    bpcer: float
    auc: float
    eer: float
    eer_at: float
    interpolated: float
    bpcer20: float
    bpcer20_at: float
    tpr: float


INF = math.inf
GOLDEN = {
    "E1": Golden(
        {"print": 0.5, "replay": 0}, 0.5, 0.25, 0.25, 0.9375, 0.25, 0.6, 0.25, 0.25, 0.7, 0.75
    ),
    "E2": Golden(
        {"print": 0.5, "mask": 2 / 3}, 2 / 3, 0.6, 0, 0.85, 0.25, 0.8, 3 / 11, 0.5, 0.8, 0.5
    ),
    "E3": Golden({"print": 1 / 3}, 1 / 3, 1 / 3, 0, 1, 0, 0.7, 0, 0, 0.7, 1),
    "E3b": Golden({"print": 0}, 0, 0, 0, 1, 0, 0.7, 0, 0, 0.7, 1),
    "E6": Golden({"print": 1}, 1, 1, 0, 0.5, 0.5, 0.5, 0.5, 1, INF, 0),
    "E7": Golden({"print": 0.1}, 0.1, 0.1, 0.25, 0.9375, 0.05, 0.2, 0.1, 1, INF, 0),
    "E8": Golden({"A": 0.05, "B": 0.2}, 0.2, 0.1, 0.45, 0.8675, 0.1, 0.15, 0.1, 0.7, 0.75, 0.3),
    "E9": Golden({"print": 1}, 1, 1, 1, 0, 1, 0.8, 1, 1, INF, 0),
    "E10": Golden({"print": 0}, 0, 0, 0, 1, 0, 0.7, 0, 0, 0.7, 1),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_worked_example_at_a_threshold(name):
    items, right = EXAMPLES[name], GOLDEN[name]
    got = metrics.rates(items, 0.5)
    assert {s.name: s.apcer.rate for s in got.species} == pytest.approx(right.species)
    assert got.apcer_max.rate == pytest.approx(right.highest)
    assert got.apcer_pooled.rate == pytest.approx(right.pooled)
    assert got.bpcer.rate == pytest.approx(right.bpcer)
    assert got.acer_max.value == pytest.approx((right.highest + right.bpcer) / 2)
    assert got.acer_pooled.value == pytest.approx((right.pooled + right.bpcer) / 2)


@pytest.mark.parametrize("name", GOLDEN)
def test_worked_example_over_all_thresholds(name):
    items, right = EXAMPLES[name], GOLDEN[name]
    equal = metrics.eer(items)
    assert metrics.auc(items).value == pytest.approx(right.auc)
    assert equal.rate == pytest.approx(right.eer)
    assert equal.threshold == right.eer_at
    assert equal.interpolated == pytest.approx(right.interpolated)
    bpcer20 = metrics.bpcer_at_apcer(items, 0.05, "max")
    assert bpcer20.bpcer.rate == pytest.approx(right.bpcer20)
    assert bpcer20.threshold == right.bpcer20_at
    assert metrics.tpr_at_fpr(items, 0.01).tpr.rate == pytest.approx(right.tpr)


def test_worked_example_says_where_eer_two_lies():
    equal = metrics.eer(EXAMPLES["E2"])
    assert (equal.fpr, equal.fnr) == (0, 0.5)


@pytest.mark.parametrize(
    ("name", "target", "kind", "bpcer", "threshold"),
    [
        ("E7", 0.10, "max", 0, 0.2),
        ("E8", 0.05, "pooled", 0.65, 0.70),
        ("E8", 0.10, "max", 0.65, 0.70),
        ("E8", 0.10, "pooled", 0.10, 0.15),
    ],
)
def test_worked_bpcer_at_apcer(name, target, kind, bpcer, threshold):
    got = metrics.bpcer_at_apcer(EXAMPLES[name], target, kind)
    assert (got.bpcer.rate, got.threshold) == (pytest.approx(bpcer), threshold)


@pytest.mark.parametrize(
    ("name", "kind", "value", "threshold"),
    [
        ("E1", "max", 0.125, 0.7),
        ("E1", "pooled", 0.125, 0.4),  # 0.7 is as good; the lowest is told
        ("E2", "max", 0.25, 0.8),
        ("E2", "pooled", 0.25, 0.8),
        ("E3", "max", 0, 0.7),
        ("E8", "max", 0.15, 0.15),
        ("E8", "pooled", 0.1, 0.15),
        ("E9", "max", 0.5, 0.1),
    ],
)
def test_worked_least_acer_is_an_oracle(name, kind, value, threshold):
    got = metrics.min_acer(EXAMPLES[name], kind)
    assert (got.value, got.threshold) == (pytest.approx(value), threshold)
    assert got.value == pytest.approx((got.apcer + got.bpcer) / 2)
    assert got.oracle is True


@pytest.mark.parametrize("name", ["E11", "E12"])
def test_least_acer_and_hter_need_both_classes(name):
    got, half = metrics.min_acer(EXAMPLES[name], "max"), metrics.hter(EXAMPLES[name], 0.15)
    assert got.value is None
    assert got.threshold is None
    assert "was answered" in got.reason
    assert half.value is None
    assert "was answered" in half.reason


def test_hter_is_the_pooled_acer():
    got = metrics.hter(EXAMPLES["E8"], 0.5)
    assert got.value == pytest.approx((0.1 + 0.45) / 2)
    assert got == metrics.rates(EXAMPLES["E8"], 0.5).acer_pooled


def test_non_response_is_counted_apart():
    got = metrics.rates(EXAMPLES["E10"], 0.5)
    assert (got.bpcer.errors, got.bpcer.n) == (0, 2)
    assert (got.species[0].apcer.errors, got.species[0].apcer.n) == (0, 1)
    assert (got.bpnrr.errors, got.bpnrr.n) == (1, 3)
    assert (got.species[0].apnrr.errors, got.species[0].apnrr.n) == (1, 2)
    assert got.apnrr.rate == 0.5
    counted_as_rejected = (got.bpcer.errors + got.bpnrr.errors) / got.bpnrr.n
    assert counted_as_rejected == pytest.approx(1 / 3)


@pytest.mark.parametrize(("name", "missing"), [("E11", "attack"), ("E12", "bona fide")])
def test_one_class_leaves_the_other_side_undefined(name, missing):
    items = EXAMPLES[name]
    got = metrics.rates(items, 0.15)
    apcers = (got.apcer_max, got.apcer_pooled)
    if missing == "attack":
        assert all(p.rate is None and "attack" in p.reason for p in apcers)
        assert got.bpcer.rate == 0.5
        assert got.worst_species is None
    else:
        assert all(p.rate == 0.5 and p.reason is None for p in apcers)
        assert got.bpcer.rate is None
        assert got.bpcer.low is None
    for figure in (got.acer_max, got.acer_pooled, metrics.auc(items)):
        assert figure.value is None
        assert missing in figure.reason
    equal, tpr = metrics.eer(items), metrics.tpr_at_fpr(items, 0.01)
    assert equal.rate is None
    assert equal.threshold is None
    assert missing in equal.reason
    assert tpr.tpr.rate is None
    assert missing in tpr.reason
    assert metrics.bpcer_at_apcer(items, 0.05) is None


def test_nothing_at_all_is_undefined_and_no_crash():
    items = build([])
    got = metrics.rates(items, 0.5)
    assert [got.bpcer.rate, got.apcer_max.rate, got.bpnrr.rate, got.apnrr.rate] == [None] * 4
    assert metrics.eer(items).rate is None
    assert metrics.threshold_at_bpcer(items, 0.01) is None
    assert metrics.threshold_at_apcer(items, 0.01, "pooled") is None


def test_species_without_an_answer_is_listed_and_is_not_the_worst():
    items = build([0.9], print=[0.1, 0.6], mask=[NAN, NAN])
    got = metrics.rates(items, 0.5)
    mask = next(s for s in got.species if s.name == "mask")
    assert (mask.apcer.rate, mask.apcer.n, mask.apnrr.rate) == (None, 0, 1.0)
    assert "mask" in mask.apcer.reason
    assert (got.worst_species, got.apcer_max.rate) == ("print", 0.5)
    assert metrics.threshold_at_apcer(items, 0.05, "max") is None  # not known to keep the target


def test_worst_species_of_equals_is_the_smaller_sample():
    items = build([0.9], big=[0.6, 0.6, 0.1, 0.1], small=[0.6, 0.1], none=[0.1])
    got = metrics.rates(items, 0.5)
    assert got.worst_species == "small"
    assert (got.apcer_max.errors, got.apcer_max.n) == (1, 2)


@pytest.mark.parametrize(
    ("errors", "n", "low", "high"),
    [
        (0, 3, 0, 0.7076),
        (0, 1000, 0, 0.00368),
        (1, 100, 0.00025, 0.0545),
        (3, 100, 0.0062, 0.0852),
        (1, 400, 0.00006, 0.0138),
        (3, 557, 0.0011, 0.0157),
    ],
)
def test_clopper_pearson_published_values(errors, n, low, high):
    got = metrics.clopper_pearson(errors, n)
    assert got == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("n", "bound"), [(60, 0.0487), (150, 0.0198), (300, 0.0099), (1000, 0.0030), (3, 0.632)]
)
def test_one_sided_bound_without_an_error(n, bound):
    assert metrics.clopper_pearson(0, n, confidence=0.90)[1] == pytest.approx(bound, abs=5e-4)


@pytest.mark.parametrize(("errors", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_clopper_pearson_refuses_what_is_no_count(errors, n):
    with pytest.raises(ValueError, match="no interval"):
        metrics.clopper_pearson(errors, n)


@pytest.mark.parametrize(
    ("n", "bound"), [(60, 0.0487), (150, 0.0198), (300, 0.0099), (1000, 0.0030), (10000, 0.00030)]
)
def test_rule_of_three_published_values(n, bound):
    assert metrics.rule_of_three(n) == pytest.approx(bound, rel=0.02)
    assert (1 - metrics.rule_of_three(n)) ** n == pytest.approx(0.05)


def test_rule_of_three_needs_a_trial():
    with pytest.raises(ValueError, match="no limit"):
        metrics.rule_of_three(0)


def test_clopper_pearson_is_conservative():
    """Over every outcome of 25 trials, the true rate is covered with at least 95 %."""
    from scipy.stats import binom

    for truth in (0.02, 0.1, 0.37, 0.5):
        limits = [metrics.clopper_pearson(k, 25) for k in range(26)]
        cover = sum(
            binom.pmf(k, 25, truth) for k, (lo, hi) in enumerate(limits) if lo <= truth <= hi
        )
        assert cover >= 0.95


def test_acer_interval_is_conservative():
    """Exactly, over every pair of outcomes of 12 attacks and 9 bona fides."""
    from scipy.stats import binom

    for apcer, bpcer in ((0.1, 0.3), (0.02, 0.02), (0.5, 0.05)):
        cover = 0.0
        for a in range(13):
            for b in range(10):
                got = metrics.acer(
                    metrics.proportion(a, 12, "no attack"), metrics.proportion(b, 9, "none")
                )
                if got.low <= (apcer + bpcer) / 2 <= got.high:
                    cover += binom.pmf(a, 12, apcer) * binom.pmf(b, 9, bpcer)
        assert cover >= 0.95


def test_targets_are_read_as_the_decimals_they_are():
    """0.29 of 100 allows 29 errors, although the float 0.29 * 100 is below 29."""
    items = build([2.0], print=[k / 100 for k in range(100)])
    assert metrics.threshold_at_apcer(items, 0.29, "pooled") == 0.71
    bonafide = build([k / 100 for k in range(100)], print=[-1.0])
    assert metrics.threshold_at_bpcer(bonafide, 0.29) == 0.29


@pytest.mark.parametrize("target", [-0.01, 1.01])
def test_target_outside_zero_to_one_is_refused(target):
    with pytest.raises(ValueError, match="target"):
        metrics.threshold_at_bpcer(EXAMPLES["E1"], target)


def test_supported_needs_one_over_target_attacks():
    assert metrics.tpr_at_fpr(build([1.0], print=[0.0] * 100), 0.01).supported
    assert not metrics.tpr_at_fpr(build([1.0], print=[0.0] * 99), 0.01).supported


@pytest.mark.parametrize("bad", [INF, -INF])
def test_infinite_score_is_refused(bad):
    with pytest.raises(ValueError, match="infinite"):
        metrics.presentations([bad, 0.1], [True, False], ["", "print"])


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="one length"):
        metrics.presentations([0.1, 0.2], [True], [""])
    with pytest.raises(ValueError, match="one axis"):
        metrics.presentations([[0.1, 0.2]], [[True, False]], [["", "a"]])


def test_nan_threshold_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        metrics.rates(EXAMPLES["E1"], NAN)


def test_results_are_plain_python_floats():
    """numpy scalars would slip through to JSON writers that cannot write them."""
    items = EXAMPLES["E1"]
    equal, got = metrics.eer(items), metrics.rates(items, 0.5)
    for value in (equal.rate, equal.threshold, equal.fpr, equal.interpolated, got.bpcer.rate):
        assert type(value) is float
    assert type(metrics.threshold_at_apcer(items, 0.05, "max")) is float
    assert type(metrics.auc(items).value) is float
    assert type(got.bpcer.errors) is int


# Properties. Scores on a coarse grid, so that ties within and between classes are common.
grid = st.integers(0, 12).map(lambda k: k / 12)
sides = st.tuples(
    st.lists(grid, min_size=1, max_size=25),
    st.dictionaries(
        st.sampled_from(["print", "mask", "replay"]),
        st.lists(grid, min_size=1, max_size=15),
        min_size=1,
    ),
)


@given(sides, grid)
def test_maximum_is_never_below_pooled(side, threshold):
    got = metrics.rates(build(side[0], **side[1]), threshold)
    assert got.apcer_max.rate >= got.apcer_pooled.rate - 1e-12
    assert got.acer_max.value >= got.acer_pooled.value - 1e-12


@given(sides, grid, grid)
def test_apcer_falls_and_bpcer_rises_with_the_threshold(side, one, other):
    low, high = sorted((one, other))
    items = build(side[0], **side[1])
    lower, higher = metrics.rates(items, low), metrics.rates(items, high)
    assert lower.apcer_max.rate >= higher.apcer_max.rate
    assert lower.apcer_pooled.rate >= higher.apcer_pooled.rate
    assert lower.bpcer.rate <= higher.bpcer.rate


@given(sides, grid)
def test_intervals_hold_their_rate(side, threshold):
    got = metrics.rates(build(side[0], **side[1]), threshold)
    for share in (got.bpcer, got.apcer_max, got.apcer_pooled, *(s.apcer for s in got.species)):
        assert 0 <= share.low <= share.rate <= share.high <= 1
    for figure in (got.acer_max, got.acer_pooled):
        assert 0 <= figure.low <= figure.value <= figure.high <= 1


@given(sides, st.randoms(use_true_random=False))
def test_order_of_rows_is_nothing(side, random):
    bonafide, species = side
    rows = [(s, True, "") for s in bonafide]
    rows += [(s, False, name) for name, values in species.items() for s in values]
    random.shuffle(rows)
    shuffled = metrics.presentations(*map(list, zip(*rows, strict=True)))
    items = build(bonafide, **species)
    assert metrics.rates(shuffled, 0.5) == metrics.rates(items, 0.5)
    assert metrics.eer(shuffled) == metrics.eer(items)
    assert metrics.auc(shuffled) == metrics.auc(items)


@given(sides)
def test_rising_transform_changes_no_rate(side):
    def bend(values):
        return [math.exp(3 * v) - 7 for v in values]

    bonafide, species = side
    items = build(bonafide, **species)
    bent = build(bend(bonafide), **{k: bend(v) for k, v in species.items()})
    one, other = metrics.eer(items), metrics.eer(bent)
    assert (one.rate, one.fpr, one.fnr) == (other.rate, other.fpr, other.fnr)
    assert one.interpolated == other.interpolated
    assert metrics.auc(items) == metrics.auc(bent)
    for target in (0.1, 0.05):
        one, other = (metrics.bpcer_at_apcer(x, target, "max") for x in (items, bent))
        assert one.bpcer == other.bpcer


@given(sides)
def test_swapping_classes_and_polarity_mirrors(side):
    """AUC and the crossing stay; the nearest point may be another of two equally near ones."""
    bonafide, species = side
    attacks = [v for values in species.values() for v in values]
    items = build(bonafide, all=attacks)
    mirrored = build([-v for v in attacks], all=[-v for v in bonafide])
    assert metrics.auc(items).value == pytest.approx(metrics.auc(mirrored).value, abs=1e-12)
    one, other = metrics.eer(items), metrics.eer(mirrored)
    assert one.interpolated == pytest.approx(other.interpolated, abs=1e-12)
    assert abs(one.fpr - one.fnr) == pytest.approx(abs(other.fpr - other.fnr), abs=1e-12)


@given(sides)
def test_inverted_scores_mirror_auc(side):
    bonafide, species = side
    items = build(bonafide, **species)
    inverted = build([-v for v in bonafide], **{k: [-v for v in s] for k, s in species.items()})
    assert metrics.auc(items).value + metrics.auc(inverted).value == pytest.approx(1)


def brute_eer(bonafide, attacks):
    best = None
    for t in sorted({*bonafide, *attacks, INF}):
        fpr = sum(a >= t for a in attacks) / len(attacks)
        fnr = sum(b < t for b in bonafide) / len(bonafide)
        if best is None or abs(fpr - fnr) < best[0] - 1e-12:
            best = (abs(fpr - fnr), (fpr + fnr) / 2, t)
    return best[1], best[2]


@given(sides)
def test_least_acer_equals_a_scan_over_every_threshold(side):
    bonafide, species = side
    items = build(bonafide, **species)
    for kind in ("max", "pooled"):
        scan = [
            getattr(metrics.rates(items, t), f"acer_{kind}").value
            for t in metrics.candidate_thresholds(items)
        ]
        assert metrics.min_acer(items, kind).value == pytest.approx(min(scan), abs=1e-12)


@settings(max_examples=200)
@given(sides)
def test_eer_equals_a_scan_over_every_threshold(side):
    bonafide, species = side
    attacks = [v for values in species.values() for v in values]
    got = metrics.eer(build(bonafide, **species))
    rate, threshold = brute_eer(bonafide, attacks)
    assert (got.rate, got.threshold) == (pytest.approx(rate), threshold)


@settings(max_examples=200)
@given(sides, st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0]))
def test_targets_equal_a_scan_over_every_threshold(side, target):
    bonafide, species = side
    items = build(bonafide, **species)
    attacks = [v for values in species.values() for v in values]
    candidates = sorted({*bonafide, *attacks, INF})

    def apcer(t, kind):
        shares = [sum(a >= t for a in v) / len(v) for v in species.values()]
        return max(shares) if kind == "max" else sum(a >= t for a in attacks) / len(attacks)

    for kind in ("max", "pooled"):
        right = next(t for t in candidates if apcer(t, kind) <= target + 1e-12)
        assert metrics.threshold_at_apcer(items, target, kind) == right
    kept = [t for t in candidates if sum(b < t for b in bonafide) / len(bonafide) <= target + 1e-12]
    assert metrics.threshold_at_bpcer(items, target) == kept[-1]


@given(sides)
def test_worked_rate_is_a_count(side):
    """Every rate times its n is the count of scores on the wrong side, one by one."""
    bonafide, species = side
    got = metrics.rates(build(bonafide, **species), 0.5)
    assert got.bpcer.errors == sum(not v >= 0.5 for v in bonafide)
    counts = {s.name: s.apcer.errors for s in got.species}
    assert counts == {k: sum(v >= 0.5 for v in values) for k, values in species.items()}
    assert counts[got.worst_species] / len(species[got.worst_species]) == got.apcer_max.rate
