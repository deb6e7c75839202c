"""Operating points: rules worked by hand, decisions that never err towards bona fide."""

import json
import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad import calibrate, metrics
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput, Outcome


def table(bonafide=(), split="dev", condition="R", name="dev.csv", **species):
    cells = [("bonafide", "", s) for s in bonafide]
    cells += [("attack", kind, s) for kind, scores in species.items() for s in scores]
    rows = [
        {
            "sample_id": f"{condition}{i}",
            "video_id": f"v{i // 2}{label}{kind}",
            "subject_id": f"s{i // 2}",
            "dataset": "set",
            "protocol": "p@1",
            "split": split,
            "condition": condition,
            "label": label,
            "pai_species": kind,
            "score": score,
        }
        for i, (label, kind, score) in enumerate(cells)
    ]
    schema_overrides = {"score": pl.Float64}
    return ScoreTable(pl.DataFrame(rows, schema_overrides=schema_overrides), {}, name)


def both(one, other):
    return ScoreTable(pl.concat([one.rows, other.rows]), one.header, one.name)


# bona fide 0.05, 0.10, ... 1; species A 1 of 20 above 0.5, species B 2 of 10
EIGHT = table(
    [k / 20 for k in range(1, 21)], A=[0.62] + [0.1] * 19, B=[0.72, 0.67] + [0.1] * 8, name="e8.csv"
)


@pytest.mark.parametrize(
    ("rule", "threshold", "bpcer"),
    [
        ("eer@dev", 0.15, 2 / 20),  # 3 of 30 attacks, 2 of 20 bona fides
        ("bpcer<=0.01@dev", 0.05, 0.0),  # 1 % of 20 allows none
        ("bpcer<=0.05@dev", 0.10, 1 / 20),
        ("bpcer<=5%@dev", 0.10, 1 / 20),
        ("apcer_max<=0.05@dev", 0.75, 14 / 20),  # B may let through none
        ("apcer_max<=10%@dev", 0.70, 13 / 20),  # B may let through one
        ("apcer_pooled<=0.05@dev", 0.70, 13 / 20),  # 1 of 30
        ("apcer_pooled<=1e-1@dev", 0.15, 2 / 20),  # 3 of 30
        ("fixed:0.5", 0.5, 9 / 20),
    ],
)
def test_rule_worked_by_hand(rule, threshold, bpcer):
    chosen = calibrate.choose(EIGHT, rule, "frame").thresholds["R"]
    assert chosen.value == threshold
    assert chosen.bpcer == pytest.approx(bpcer)
    assert (chosen.n_bonafide, chosen.n_attack) == (20, 30)


def test_eer_at_dev_records_what_it_does_there():
    got = calibrate.choose(EIGHT, "eer@dev", "frame")
    chosen = got.thresholds["R"]
    assert (chosen.apcer_max, chosen.worst_species) == (pytest.approx(0.2), "B")
    assert chosen.apcer_pooled == pytest.approx(0.1)
    assert (got.rule, got.split, got.unit, got.oracle) == ("eer@dev", "dev", "frame", False)
    assert (got.table, got.table_sha256) == ("e8.csv", EIGHT.sha256)


def test_each_condition_gets_its_own_threshold():
    tables = both(table([0.9], a=[0.1]), table([0.4], condition="RI", a=[0.2]))
    got = calibrate.choose(tables, "eer@dev", "frame")
    assert {c: t.value for c, t in got.thresholds.items()} == {"R": 0.9, "RI": 0.4}


def test_video_unit_averages_answered_frames():
    frames = table([0.9, None, 0.5, 0.7], a=[0.1, 0.3])
    got = calibrate.choose(frames, "eer@dev", "video").thresholds["R"]
    assert got.value == pytest.approx(0.6)  # videos 0.9 and (0.5 + 0.7) / 2 against 0.2
    assert (got.n_bonafide, got.n_attack) == (2, 1)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("eer", "eer@dev"),
        ("err@dev", "did you mean 'eer@dev'"),
        ("eer@train", "eer@dev"),
        ("bpcer<=0.01", "bpcer<=0.01@dev"),
        ("bpcer<0.01@dev", "bpcer<=0.01@dev"),
        ("apcer<=0.05@dev", "apcer_max<=0.05@dev"),
        ("bpcer<=2@dev", "should lie in [0, 1)"),
        ("bpcer<=150%@dev", "should lie in [0, 1)"),
        ("bpcer<=0.0.1@dev", "should lie in [0, 1)"),
        ("fixed:half", "not a finite number"),
        ("fixed:nan", "not a finite number"),
        ("fixed:inf", "not a finite number"),
        ("fixed:", "not a finite number"),
        ("", "eer@dev"),
    ],
)
def test_unknown_rule_is_one_helpful_line(rule, says):
    with pytest.raises(BadInput) as caught:
        calibrate.parse_rule(rule)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@given(
    st.sampled_from(["bpcer", "apcer_max", "apcer_pooled"]),
    st.floats(0, 0.999),
    st.sampled_from(["dev", "test"]),
)
def test_rule_names_are_read_back(kind, target, split):
    rule = calibrate.Rule(kind, target, split)
    assert calibrate.parse_rule(str(rule)) == rule


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_fixed_rule_keeps_every_digit(value):
    assert calibrate.parse_rule(f"fixed:{value!r}") == calibrate.Rule("fixed", value, None)


@pytest.mark.parametrize("rule", ["eer@dev", "bpcer<=0.01@dev", "apcer_max<=0.05@dev"])
@pytest.mark.parametrize(
    ("dev", "lack"),
    [
        (table([0.1, 0.9]), "attack"),
        (table(print=[0.1, 0.9]), "bona fide"),
        (table([None], print=[0.1]), "bona fide"),
        (table([0.5], print=[None]), "attack"),
    ],
)
def test_dev_without_a_class_is_refused(dev, rule, lack):
    with pytest.raises(BadInput, match=lack) as caught:
        calibrate.choose(dev, rule, "frame")
    assert "dev.csv" in str(caught.value)
    assert "condition R" in str(caught.value)


def test_species_without_answer_cannot_keep_a_maximum():
    dev = table([0.9], print=[0.1], mask=[None])
    with pytest.raises(BadInput, match="species mask"):
        calibrate.choose(dev, "apcer_max<=0.05@dev", "frame")
    assert calibrate.choose(dev, "apcer_pooled<=0.05@dev", "frame").thresholds["R"].value == 0.9


def test_dev_without_a_wanted_condition_is_refused():
    with pytest.raises(BadInput, match=r"dev\.csv: has no scores of condition RDI"):
        calibrate.choose(table([0.9], a=[0.1]), "eer@dev", "frame", conditions=("R", "RDI"))


def test_threshold_from_the_wrong_split_is_refused():
    test = table([0.9], split="test", a=[0.1], name="test.csv")
    with pytest.raises(BadInput, match=r"test\.csv: has rows of split test"):
        calibrate.choose(test, "eer@dev", "frame")
    got = calibrate.choose(test, "eer@test", "frame")
    assert got.oracle
    assert "oracle" in calibrate.decide(0.95, "R", got).operating_point
    with pytest.raises(BadInput, match="of test only"):
        calibrate.choose(table([0.9], a=[0.1]), "eer@test", "frame")


def test_unknown_unit_is_refused():
    with pytest.raises(BadInput, match="unit 'clip'"):
        calibrate.choose(EIGHT, "eer@dev", "clip")


CHOSEN = calibrate.choose(table([0.6, 0.9], a=[0.1, 0.3]), "eer@dev", "frame")


@pytest.mark.parametrize(
    ("score", "outcome"),
    [
        (0.6, Outcome.BONAFIDE),  # reaching the threshold is enough
        (math.nextafter(0.6, 0), Outcome.ATTACK),
        (0.95, Outcome.BONAFIDE),
        (0.0, Outcome.ATTACK),
        (None, Outcome.NO_RESPONSE),
        (math.nan, Outcome.NO_RESPONSE),
        (math.inf, Outcome.NO_RESPONSE),
        (-math.inf, Outcome.NO_RESPONSE),
    ],
)
def test_decision(score, outcome):
    got = calibrate.decide(score, "R", CHOSEN)
    assert got.outcome is outcome
    assert (got.threshold, got.operating_point, got.condition) == (0.6, "eer@dev", "R")
    assert got.reason
    if outcome is Outcome.NO_RESPONSE:
        assert got.score is None


def test_condition_without_threshold_is_no_response():
    got = calibrate.decide(1.0, "RDI", CHOSEN)
    assert got.outcome is Outcome.NO_RESPONSE
    assert got.threshold is None
    assert "'RDI'" in got.reason


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1), st.lists(st.floats(0, 1), min_size=1))
def test_decisions_add_up_to_the_rates(bonafide, attacks):
    dev = table(bonafide, a=attacks)
    got = calibrate.choose(dev, "eer@dev", "frame")
    kept = [calibrate.decide(s, "R", got).outcome for s in attacks]
    share = kept.count(Outcome.BONAFIDE) / len(kept)
    assert share == pytest.approx(got.thresholds["R"].apcer_pooled)


@settings(max_examples=25)
@given(st.floats(0, 1), st.floats(0, 1))
def test_file_keeps_every_bit(one, other):
    import tempfile
    from pathlib import Path

    got = calibrate.choose(table([one], a=[other]), "eer@dev", "frame")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calibration.json"
        calibrate.write(got, path)
        assert calibrate.read(path) == got
        assert [p.name for p in Path(folder).iterdir()] == ["calibration.json"]


def test_threshold_that_rejects_everything_survives_the_file(tmp_path):
    got = calibrate.choose(table([0.1], a=[0.9]), "apcer_max<=0.05@dev", "frame")
    assert got.thresholds["R"].value == math.inf
    calibrate.write(got, tmp_path / "c.json")
    text = (tmp_path / "c.json").read_text()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    again = calibrate.read(tmp_path / "c.json")
    assert again == got
    assert calibrate.decide(1.0, "R", again).outcome is Outcome.ATTACK


def content(**change):
    plain = json.loads(calibrate.dumps(CHOSEN))
    return json.dumps({k: v for k, v in (plain | change).items() if v is not ...})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "is no calibration"),
        (content(schema="flexpad.report/1"), "is no calibration"),
        (content(thresholds=...), "key 'thresholds' is missing"),
        (content(unit="clip"), "unit 'clip'"),
        (content(rule="guess"), "rule 'guess'"),
        (content(split="test"), "split 'test'"),
        (content(thresholds={"R": {"value": None}}), "should be a number"),
        (content(thresholds={"R": {"value": math.nan}}), "should be a number"),
        (content(thresholds={"R": {"value": -math.inf}}), "should be a number"),
        (content(thresholds={"R": {"value": True}}), "should be a number"),
        (content(thresholds={"R": {"n_attack": 1}}), "key 'value' is missing"),
        (content(thresholds=[1]), "items"),
    ],
)
def test_broken_file_is_one_line(tmp_path, text, says):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        calibrate.read(path)
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_one_line(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        calibrate.read(tmp_path / "none.json")


def test_threshold_is_an_observed_score():
    """Nothing is interpolated, so that the threshold means the same in any other tool."""
    items = metrics.of_table(EIGHT)
    seen = {*items.bonafide, *items.pooled}
    for rule in calibrate.EXAMPLES[:-1]:
        assert calibrate.choose(EIGHT, rule, "frame").thresholds["R"].value in seen
