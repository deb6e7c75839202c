"""Scores to probabilities: maps worked by hand, other libraries' maps, decisions that stay."""

import json
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from flexpad import calibrate, metrics
from flexpad.calibrate import probability
from flexpad.types import BadInput, Outcome
from tests.test_calibrate import both, table


def arrays(scored):
    items = metrics.of_table(scored)
    x = np.concatenate([items.bonafide, items.pooled])
    y = np.arange(len(x)) < len(items.bonafide)
    n = len(items.bonafide), len(items.pooled)
    return x, y, np.repeat([0.5 / n[0], 0.5 / n[1]], n)


def fitted(scored, method):
    return calibrate.fit(scored, method, "frame").maps["R"]


def test_platt_worked_by_hand():
    """Targets 4/5 and 1/3 (Platt's smoothing) are both reached: slope ln 8, offset -ln 2."""
    scores = table([3.0, 3.0, 3.0], a=[2.0])
    found = fitted(scores, "platt")
    assert found.scale == "logit"
    assert found.slope == pytest.approx(math.log(8), abs=1e-6)
    assert found.slope * 2 + found.offset == pytest.approx(-math.log(2), abs=1e-6)
    assert found(np.array([3.0, 2.0])) == pytest.approx([4 / 5, 1 / 3], abs=1e-6)


def test_temperature_worked_by_hand():
    """Two at log-odds a and two at -a, targets 3/4 and 1/4: slope ln 3 / a."""
    found = fitted(table([0.8, 0.8], a=[0.2, 0.2]), "temperature")
    assert found.scale == "probability"
    assert found.slope == pytest.approx(math.log(3) / math.log(4))
    assert found.offset == 0
    assert found(np.array([0.8, 0.5, math.nan]))[:2] == pytest.approx([0.75, 0.5])


def overstated(temperature, shift=0.0):
    """Counts that follow expit(z + shift), with scores that claim expit(temperature * z)."""
    z = np.linspace(-4, 4, 41)
    n = 4000
    bonafide = np.round(n * expit(z + shift)).astype(int)
    claimed = expit(temperature * z)
    return table(np.repeat(claimed, bonafide), a=np.repeat(claimed, n - bonafide))


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_a_known_temperature_is_found(temperature):
    scores = overstated(temperature)
    found = fitted(scores, "temperature")
    assert 1 / found.slope == pytest.approx(temperature, rel=2e-3)
    items = metrics.of_table(scores)
    before = calibrate.reliability(items.bonafide, items.pooled)
    after = calibrate.reliability(found(items.bonafide), found(items.pooled))
    assert after.ece < 0.002 < before.ece
    assert after.brier < before.brier


def test_temperature_and_platt_agree_where_nothing_is_shifted():
    temperature, platt = (fitted(overstated(2.0), m) for m in ("temperature", "platt"))
    assert platt.slope == pytest.approx(temperature.slope, rel=1e-3)
    assert platt.offset == pytest.approx(0, abs=1e-3)


scores01 = st.lists(st.integers(0, 20).map(lambda k: k / 20), min_size=1, max_size=30)


@settings(max_examples=60)
@given(scores01, scores01)
def test_isotonic_is_that_of_scikit_learn(bonafide, attacks):
    scored = table(bonafide, a=attacks)
    x, y, weights = arrays(scored)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(x, y, sample_weight=weights)
    at = np.linspace(-0.2, 1.2, 141)
    expected = theirs.predict(at)
    try:
        ours = fitted(scored, "isotonic")(at)
    except BadInput:  # where the best rising map is flat, there is nothing to keep in order
        assert np.ptp(expected) < 1e-9
    else:
        assert ours == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30)
@given(scores01, scores01)
@example([0.0], [0.0, 0.0])
def test_platt_is_that_of_scikit_learn(bonafide, attacks):
    scored = table(bonafide, a=attacks)
    x, y, weights = arrays(scored)
    n, m = len(bonafide), len(attacks)
    targets = np.where(y, (n + 1) / (n + 2), 1 / (m + 2))
    z = probability.log_odds(x, "probability")
    theirs = LogisticRegression(C=1e15, tol=1e-10, max_iter=5000).fit(
        np.concatenate([z, z])[:, None],
        np.repeat([1, 0], len(z)),
        sample_weight=np.concatenate([weights * targets, weights * (1 - targets)]),
    )
    try:
        ours = fitted(scored, "platt")
    except BadInput:  # of scores that are all the same any slope fits as well as any other
        assert np.ptp(z) == 0 or theirs.coef_[0, 0] < 1e-4
    else:
        expected = theirs.predict_proba(z[:, None])[:, 1]
        assert ours(x) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("method", calibrate.METHODS)
@settings(max_examples=30)
@given(scores01, scores01)
def test_order_is_kept(method, bonafide, attacks):
    scored = table(bonafide, a=attacks)
    try:
        found = fitted(scored, method)
    except BadInput:
        return
    at = np.linspace(0, 1, 201)
    mapped = found(at)
    assert np.all(np.diff(mapped) >= 0)
    assert mapped.min() >= 0
    assert mapped.max() <= 1
    if method != "isotonic":
        assert np.all(np.diff(found(np.linspace(0.01, 0.99, 99))) > 0)


@pytest.mark.parametrize("method", calibrate.METHODS)
def test_more_attacks_in_dev_do_not_move_the_probability(method):
    """Both classes weigh one half: the prior is not dev's."""
    bonafide, attacks = [0.3, 0.5, 0.7, 0.9] * 60, [0.1, 0.3, 0.5, 0.6] * 60
    few, many = (fitted(table(bonafide, a=attacks * n), method) for n in (1, 9))
    at = np.linspace(0.1, 0.9, 9)
    assert few(at) == pytest.approx(many(at), abs=0.01)  # smoothing knows the counts
    balanced = fitted(table([0.6] * 90, a=[0.6] * 10 + [0.5]), "isotonic")
    assert balanced(np.array([0.6]))[0] == pytest.approx(0.5 / (0.5 + 0.5 * 10 / 11))


MANY = table(
    [0.35, 0.5, 0.62, 0.7, 0.7, 0.81, 0.93], a=[0.05, 0.2, 0.41, 0.62], b=[0.1, 0.15, 0.5, 0.7]
)


@pytest.mark.parametrize("method", calibrate.METHODS)
@pytest.mark.parametrize("goal", [0.0, 0.1, 1 / 3, 0.5, 0.75, 0.9, 1.0])
def test_lowest_score_that_reaches_a_probability(method, goal):
    found = fitted(MANY, method)
    lowest = calibrate.lowest_reaching(found, goal)
    if math.isinf(lowest):
        assert found(np.array([1.0]))[0] < goal
        return
    assert found(np.array([lowest]))[0] >= goal
    below = math.nextafter(lowest, -math.inf)
    outside = lowest < 0  # then every score reaches it
    assert outside or found(np.array([below]))[0] < goal


@pytest.mark.parametrize("method", calibrate.METHODS)
@pytest.mark.parametrize("rule", ["eer@dev", "bpcer<=20%@dev", "apcer_max<=25%@dev"])
def test_calibration_changes_no_decision(method, rule):
    plain = calibrate.choose(MANY, rule, "frame")
    maps = calibrate.fit(MANY, method, "frame")
    calibrated = calibrate.choose(MANY, rule, "frame", probability=maps)
    assert calibrated.thresholds == plain.thresholds
    for score in np.linspace(0, 1, 101):
        one, other = (calibrate.decide(score, "R", c) for c in (plain, calibrated))
        assert one.probability is None
        assert other.probability == maps.maps["R"](np.array([score]))[0]
        assert replace(other, probability=None) == one


# In D all scores are half of those in R: a common score fits both badly, a probability well.
UNEVEN = both(
    MANY,
    replace(MANY, rows=MANY.rows.with_columns(score=pl.col("score") / 2, condition=pl.lit("D"))),
)


def test_common_threshold_is_of_the_pool_worked_by_hand():
    one, other = table([0.9, 0.5], a=[0.1]), table([0.6, 0.4], condition="I", a=[0.45])
    found = calibrate.choose(both(one, other), "bpcer<=25%@dev", "frame", common=True)
    assert found.common == calibrate.CommonThreshold(0.5, "score")  # 1 of 4 lies below
    assert [t.value for t in found.thresholds.values()] == [0.5, 0.5]
    assert [t.bpcer for t in found.thresholds.values()] == [0, 0.5]


@pytest.mark.parametrize("method", calibrate.METHODS)
def test_common_probability_is_reached_at_each_conditions_own_score(method):
    maps = calibrate.fit(UNEVEN, method, "frame")
    found = calibrate.choose(UNEVEN, "eer@dev", "frame", common=True, probability=maps)
    assert found.common.scale == "probability"
    for name, scale in (("R", 1), ("D", 2)):
        for score in np.linspace(0, 1 / scale, 211):
            decided = calibrate.decide(score, name, found)
            reaches = decided.probability >= found.common.value
            assert (decided.outcome is Outcome.BONAFIDE) == reaches
    raw = calibrate.choose(UNEVEN, "eer@dev", "frame", common=True)
    worst, before = (
        max(t.bpcer + t.apcer_pooled for t in one.thresholds.values()) for one in (found, raw)
    )
    assert worst < before if method == "platt" else worst <= before


def test_common_fixed_probability():
    maps = calibrate.fit(UNEVEN, "platt", "frame")
    found = calibrate.choose(UNEVEN, "fixed:0.5", "frame", common=True, probability=maps)
    values = {name: threshold.value for name, threshold in found.thresholds.items()}
    for name, value in values.items():
        assert maps.maps[name](np.array([value]))[0] == pytest.approx(0.5)
    assert values["D"] < values["R"]
    alone = calibrate.choose(UNEVEN, "fixed:0.5", "frame", probability=maps)
    assert {t.value for t in alone.thresholds.values()} == {0.5}  # a score, as without a map


def test_reliability_worked_by_hand():
    """Below 0.5: weight 1/4, claims 0.2, none bona fide. Above: 3/4, claims 0.575, 0.5 are."""
    got = calibrate.reliability(np.array([0.8, 0.9]), np.array([0.2, 0.6]), n_bins=2)
    assert got.ece == pytest.approx(0.25 * 0.2 + abs(0.575 - 0.5))
    assert got.brier == pytest.approx(0.25 * (0.2**2 + 0.1**2 + 0.2**2 + 0.6**2))
    low, high = got.bins
    assert (low.n, low.weight, low.mean, low.bonafide) == (1, 0.25, 0.2, 0)
    assert (high.n, high.weight) == (3, 0.75)
    assert (high.mean, high.bonafide) == (pytest.approx(0.575 / 0.75), pytest.approx(2 / 3))


def test_reliability_at_the_ends():
    got = calibrate.reliability(np.array([1.0]), np.array([0.0]))
    assert (got.ece, got.brier) == (0, 0)
    assert [b.n for b in got.bins] == [1, *[0] * 13, 1]
    assert got.bins[5].mean is None
    logits = calibrate.reliability(np.array([2.0]), np.array([-1.0]))
    assert (logits.ece, logits.brier, logits.bins) == (None, None, ())
    assert "outside [0, 1]" in logits.reason
    assert "no attack" in calibrate.reliability(np.array([0.5]), np.empty(0)).reason


@pytest.mark.parametrize("method", calibrate.METHODS)
@pytest.mark.parametrize(
    ("dev", "says"),
    [
        (table([0.1, 0.2], a=[0.8, 0.9]), "check polarity"),
        (table([0.5, 0.5], a=[0.5]), "do not rise"),
        (table([0.5]), "no attack"),
        (table(a=[0.5]), "no bona fide"),
    ],
)
def test_no_rising_map_is_refused(method, dev, says):
    with pytest.raises(BadInput, match=r"dev\.csv: condition R cannot be calibrated") as caught:
        calibrate.fit(dev, method, "frame")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_method_is_refused():
    with pytest.raises(BadInput, match="did you mean 'platt'"):
        calibrate.fit(MANY, "plat", "frame")


def test_scores_on_any_scale():
    huge = table([1e6, 3e6, 4e6], a=[-2e6, 2e6])
    for method in calibrate.METHODS:
        found = fitted(huge, method)
        mapped = found(np.array([-1e9, 1e6, 4e6, 1e9]))
        assert np.all(np.diff(mapped) >= 0)
        assert calibrate.lowest_reaching(found, 0.5) == pytest.approx(1e6, abs=2.5e6)


def roundtrip(found, tmp_path):
    calibrate.write(found, tmp_path / "c.json")
    return calibrate.read(tmp_path / "c.json")


@pytest.mark.parametrize("method", calibrate.METHODS)
def test_file_keeps_maps_and_common_threshold(tmp_path, method):
    maps = calibrate.fit(UNEVEN, method, "frame")
    found = calibrate.choose(UNEVEN, "eer@dev", "frame", common=True, probability=maps)
    again = roundtrip(found, tmp_path)
    assert again == found
    assert json.loads((tmp_path / "c.json").read_text())["probability"]["prior"] == 0.5
    assert calibrate.decide(0.4, "D", again) == calibrate.decide(0.4, "D", found)


def test_file_keeps_a_common_threshold_that_rejects_everything(tmp_path):
    dev = table([0.1], a=[0.9])
    found = calibrate.choose(dev, "apcer_max<=5%@dev", "frame", common=True)
    assert found.common.value == math.inf
    assert roundtrip(found, tmp_path) == found


def test_intervals_go_with_the_threshold(tmp_path):
    found = calibrate.choose(table([0.7], a=[0.6, 0.4, 0.2]), "fixed:0.9", "frame")
    chosen = found.thresholds["R"]
    assert chosen.intervals["apcer_max"] == pytest.approx((0, 0.7076), abs=1e-4)  # 0 of 3
    assert chosen.n_subjects == 2
    low, high = chosen.clustered_intervals["apcer_max"]
    assert (low, high) == (0, pytest.approx(1 - 0.05 ** (1 / 2)))  # rule of three, 2 subjects
    assert roundtrip(found, tmp_path) == found


def test_file_without_the_later_keys_is_read(tmp_path):
    """As an earlier version wrote it."""
    content = json.loads(calibrate.dumps(calibrate.choose(MANY, "eer@dev", "frame")))
    for key in ("common", "probability", "method"):
        del content[key]
    for entry in content["thresholds"].values():
        for key in ("intervals", "clustered_intervals", "n_subjects"):
            del entry[key]
    (tmp_path / "c.json").write_text(json.dumps(content))
    old = calibrate.read(tmp_path / "c.json")
    assert calibrate.decide(0.65, "R", old).outcome is Outcome.BONAFIDE
    assert old.thresholds["R"].n_subjects is None


SIGMOID = {"slope": 1.0, "offset": 0.0, "scale": "probability"}


@pytest.mark.parametrize(
    ("method", "changed", "says"),
    [
        ("platt", {"maps": {"R": SIGMOID | {"slope": -1.0}}}, "does not rise: slope -1.0"),
        ("platt", {"maps": {"R": SIGMOID | {"slope": "x"}}}, "could not convert"),
        ("platt", {"maps": {"R": SIGMOID | {"scale": "dB"}}}, "scale 'dB'"),
        ("platt", {"maps": {"R": {"slope": 1.0}}}, "key 'offset' is missing"),
        ("platt", {"maps": {"RGB": SIGMOID}}, "condition 'RGB'"),
        ("platt", {"prior": 0.9}, "prior 0.9"),
        ("platt", {"method": "magic"}, "calibration 'magic'"),
        ("platt", {"unit": "clip"}, "unit 'clip'"),
        ("isotonic", {"maps": {"R": {"scores": [0, 1], "probabilities": [1, 0]}}}, "not rise"),
        ("isotonic", {"maps": {"R": {"scores": [1, 0], "probabilities": [0, 1]}}}, "not rise"),
        ("isotonic", {"maps": {"R": {"scores": [0, 1], "probabilities": [0, 2]}}}, "not rise"),
        ("isotonic", {"maps": {"R": {"scores": [0, 1], "probabilities": [0]}}}, "for each score"),
    ],
)
def test_broken_map_is_one_line(tmp_path, method, changed, says):
    maps = calibrate.fit(MANY, method, "frame")
    found = calibrate.choose(MANY, "eer@dev", "frame", probability=maps)
    content = json.loads(calibrate.dumps(found))
    content["probability"] |= changed
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BadInput) as caught:
        calibrate.read(path)
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_check_prints_the_probability_beside_the_score(capsys):
    from flexpad.cli import model

    maps = calibrate.fit(MANY, "platt", "frame")
    found = calibrate.choose(MANY, "eer@dev", "frame", probability=maps)
    decided = calibrate.decide(0.9, "R", found)
    model._print_decision(decided)
    shown = capsys.readouterr().out
    assert "bona fide" in shown
    assert f"{decided.probability:.1%} probable bona fide" in shown
    model._print_decision(replace(decided, probability=None))
    assert "probable" not in capsys.readouterr().out
