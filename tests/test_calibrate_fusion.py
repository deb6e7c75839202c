"""Calibrated log-odds added up: worked by hand, silent modalities, tables that do not fit."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from flexpad import calibrate, score_table
from flexpad.calibrate import ScoreCalibration, Sigmoid
from flexpad.score_table import ScoreTable
from flexpad.types import CONDITIONS, BadInput

MAPS = {
    "R": Sigmoid(1.0, 0.0, "logit"),
    "D": Sigmoid(2.0, 1.0, "logit"),
    "I": Sigmoid(0.5, -1.0, "logit"),
}


def calibration(*conditions: str) -> ScoreCalibration:
    maps = {name: MAPS[name] for name in conditions or MAPS}
    return ScoreCalibration("platt", "frame", maps, "dev.csv", "c0de")


def table(scores: dict[str, list[float | None]], split: str = "test", name: str = "t.csv"):
    """The even items are bona fide; scores by condition."""
    rows = [
        {
            "sample_id": f"{split}-a{i}",
            "video_id": f"{split}-v{i}",
            "subject_id": f"{split}{i}",
            "dataset": "set",
            "protocol": "p@1",
            "split": split,
            "condition": condition,
            "label": "attack" if i % 2 else "bonafide",
            "pai_species": "print" if i % 2 else "",
            "score": score,
            "group_sex": "f",
        }
        for condition, of_items in scores.items()
        for i, score in enumerate(of_items)
    ]
    header = {"method": "mine", "conditions": " ".join(scores)}
    return ScoreTable(pl.DataFrame(rows, schema_overrides={"score": pl.Float64}), header, name)


def of(fused: ScoreTable, condition: str) -> list[float | None]:
    return fused.condition(condition).rows["score"].to_list()


def test_log_odds_are_mapped_and_added():
    found = calibrate.add_up(table({"R": [1.0], "D": [0.5], "I": [4.0]}), calibration())
    assert found.conditions == ("RD", "RI", "DI", "RDI")
    r, d, i = 1.0, 2 * 0.5 + 1, 0.5 * 4 - 1
    wanted = {"RD": r + d, "RI": r + i, "DI": d + i, "RDI": r + d + i}
    for condition, odds in wanted.items():
        assert of(found, condition) == [pytest.approx(expit(odds), rel=1e-12)]


def test_what_is_silent_is_left_out_and_where_all_are_silent_there_is_no_score():
    scores = {"R": [1.0, None, None], "D": [None, 0.5, None], "I": [4.0, 4.0, None]}
    found = calibrate.add_up(table(scores), calibration())
    assert of(found, "RD") == [pytest.approx(expit(1.0)), pytest.approx(expit(2.0)), None]
    assert of(found, "RI") == [pytest.approx(expit(2.0)), pytest.approx(expit(1.0)), None]
    assert of(found, "RDI")[2] is None


def test_rows_keep_what_is_said_of_items_and_the_header_says_where_they_come_from(tmp_path):
    given_table = table({c: [0.5, 0.2] for c in CONDITIONS})
    found = calibrate.add_up(given_table, calibration())
    facts = ["sample_id", "video_id", "subject_id", "label", "pai_species", "group_sex"]
    for condition in found.conditions:
        before = given_table.condition(condition).rows.select(facts)
        assert found.condition(condition).rows.select(facts).equals(before)
    assert found.header["method"] == "mine, sum of calibrated singles"
    assert found.header["fused_from_sha256"] == given_table.sha256
    assert found.header["calibration"] == "platt on dev.csv"
    score_table.write(found, tmp_path / "fused.csv")
    again = score_table.read(tmp_path / "fused.csv")
    assert again.rows.equals(found.rows.select(again.rows.columns))


def test_two_modalities_make_one_pair():
    found = calibrate.add_up(table({"R": [1.0], "I": [4.0]}), calibration("R", "I"))
    assert found.conditions == ("RI",)


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=8), st.sampled_from("RDI"))
def test_what_is_equal_in_the_others_keeps_the_order_of_one(scores, letter):
    by = {c: scores if c == letter else [0.3] * len(scores) for c in "RDI"}
    found = np.array(of(calibrate.add_up(table(by), calibration()), "RDI"))
    order = np.argsort(scores, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


def test_a_modality_that_says_nothing_on_dev_cannot_drown_one_that_does():
    """RGB is loud and nearly as often wrong as right; depth is quiet and right."""
    rng = np.random.default_rng(0)
    right = np.where(np.arange(400) % 2 == 0, 1.0, -1.0)
    loud, quiet = right + rng.normal(0, 9, 400), right + rng.normal(0, 0.5, 400)
    scores = {"R": [*loud], "D": [*quiet]}
    dev, test = table(scores, "dev"), table(scores)
    _, found = calibrate.fuse(dev, test)
    added = np.sign(np.array(of(found, "RD")) - 0.5)
    assert (added == right).mean() > 0.95
    assert (np.sign(loud + quiet) == right).mean() < 0.7


def test_maps_are_fitted_on_dev_alone():
    rng = np.random.default_rng(1)
    dev = table({c: [*rng.normal(np.arange(40) % 2, 1) * -1] for c in "RD"}, "dev", "d.csv")
    test = table({c: [*rng.normal(size=6)] for c in "RD"})
    maps = calibrate.fit(dev, "platt", "frame", ("R", "D"))
    of_dev, of_test = calibrate.fuse(dev, test)
    assert of_dev.rows.equals(calibrate.add_up(dev, maps).rows)
    assert of_test.rows.equals(calibrate.add_up(test, maps).rows)


class TestRefused:
    def test_a_single_modality(self):
        with pytest.raises(BadInput, match=r"t\.csv: has nothing to add up; .* two or all"):
            calibrate.add_up(table({"R": [1.0]}), calibration("R"))

    def test_a_test_table_that_lacks_a_modality_of_dev(self):
        with pytest.raises(BadInput, match=r"t\.csv: has no scores of condition D"):
            calibrate.add_up(table({"R": [1.0]}), calibration("R", "D"))

    def test_an_item_that_is_two_things(self):
        good = table({"R": [1.0, 2.0], "D": [1.0, 2.0]})
        other = pl.when(pl.col("condition") == "D").then(pl.lit("x")).otherwise("subject_id")
        bad = replace(good, rows=good.rows.with_columns(other.alias("subject_id")))
        with pytest.raises(BadInput, match=r"t\.csv: 'test-a0' has rows that differ in more than"):
            calibrate.add_up(bad, calibration("R", "D"))

    def test_scores_that_do_not_rise_with_bona_fides(self):
        turned = table({"R": [0.1, 0.9], "D": [0.9, 0.1]}, "dev", "d.csv")
        with pytest.raises(BadInput, match=r"d\.csv: condition R cannot be calibrated"):
            calibrate.fuse(turned, turned)
