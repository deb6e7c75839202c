"""What is wrong with a pair of score tables, and what a reader has to be warned of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from flexpad.calibrate import check_split, parse_rule
from flexpad.metrics import Presentations
from flexpad.report.claims import Warned, too_fine
from flexpad.report.wording import listed, percent, plural
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput

Json = dict[str, Any]
SAME_MODEL = ("method", "weights_sha256")


def check_tables(dev: ScoreTable, test: ScoreTable) -> None:
    """Refuse two tables that cannot be dev and test of one evaluation.

    Raises:
        BadInput: A split is wrong, test has a condition dev lacks, they are of different models, or
            an item, a video or a subject is in both.
    """
    check_split(dev, "dev")
    check_split(test, "test")
    for condition in test.conditions:
        if condition not in dev.conditions:
            raise BadInput(
                f"{dev.name}: has no scores of condition {condition}, but {test.name} has;"
                " score dev in it or leave it out of test"
            )
    for key in SAME_MODEL:
        one, other = dev.header.get(key), test.header.get(key)
        if one and other and one != other:
            raise BadInput(
                f"{test.name}: {key} is {other!r}, but {dev.name} has {one!r};"
                " give the scores of one model"
            )
    for column in ("sample_id", "subject_id", "video_id"):
        _refuse_shared(dev, test, column)


def warnings(
    dev: ScoreTable,
    test: ScoreTable,
    report: Mapping[str, Any],
    dev_items: Mapping[str, Presentations],
    test_items: Mapping[str, Presentations],
) -> list[Json]:
    """Everything a reader has to be warned of, the gravest first.

    Args:
        dev: As read.
        test: As read.
        report: The content so far.
        dev_items: The presentations of dev by condition.
        test_items: The presentations of test by condition.
    """
    rule = parse_rule(report["rule"])
    conditions = report["conditions"]
    by_split = {"dev": dev_items, "test": test_items}
    if rule.split != "dev":  # then dev decides nothing
        del by_split["dev"]
    found = [
        *_oracle(report),
        *_polarity(by_split, conditions),
        *_thresholds(conditions),
        *_other_data(dev, test),
        *_unseen_species(dev, test),
        *_non_response(conditions),
        *_several_protocols(report),
        *_worst_against_pool(conditions),
        *too_fine(rule, report, by_split),
        *_calibration(conditions),
        *_dependence(report),
    ]
    return [asdict(warned) for warned in found]


def _oracle(report: Mapping[str, Any]) -> Iterable[Warned]:
    if report["oracle"]:
        yield Warned(
            "oracle",
            "The thresholds were chosen on the test data. No system in use can do that;"
            " never set these figures beside ones from dev thresholds.",
        )


def _polarity(
    by_split: Mapping[str, Mapping[str, Presentations]], conditions: Mapping[str, Json]
) -> Iterable[Warned]:
    inverted = [name for name, e in conditions.items() if e["auc"] is not None and e["auc"] < 0.5]
    if inverted:
        yield Warned(
            "polarity",
            f"AUC is below 0.5 in {listed(inverted)}: check polarity. A score has to be higher for"
            " bona fide; nothing was flipped.",
        )
    for split, sides in by_split.items():
        flat = [name for name, items in sides.items() if _constant(items)]
        if flat:
            yield Warned(
                "constant_scores",
                f"All scores of {split} are the same in {listed(flat)}: the system tells nothing"
                " apart there.",
            )


def _thresholds(conditions: Mapping[str, Json]) -> Iterable[Warned]:
    closed = [name for name, entry in conditions.items() if entry["threshold"] is None]
    if closed:
        yield Warned(
            "rejects_everything",
            f"In {listed(closed)} only rejecting everything keeps the target on dev.",
        )


def _other_data(dev: ScoreTable, test: ScoreTable) -> Iterable[Warned]:
    for column in ("dataset", "protocol"):
        one, other = (sorted(set(t.rows[column].unique())) for t in (dev, test))
        if one != other:
            yield Warned(
                f"other_{column}",
                f"Dev is of {column} {listed(one) or 'none'}, test of {listed(other) or 'none'}:"
                " the thresholds come from other data than they are tested on.",
            )


def _unseen_species(dev: ScoreTable, test: ScoreTable) -> Iterable[Warned]:
    known = {"", *dev.rows["pai_species"].unique()}
    unseen = sorted(set(test.rows["pai_species"].unique()) - known)
    if unseen:
        yield Warned(
            "unseen_species",
            f"Dev has no attack of species {listed(unseen)}: the thresholds were chosen without"
            " knowing them.",
        )


def _non_response(conditions: Mapping[str, Json]) -> Iterable[Warned]:
    parts = []
    for name, entry in conditions.items():
        silent = entry["n_bonafide_silent"], entry["n_attack_silent"]
        if any(silent):
            parts.append(f"{name} {silent[0]} bona fide, {silent[1]} attack")
    if parts:
        yield Warned(
            "non_response",
            f"Presentations without a response are in no error rate: {'; '.join(parts)}.",
        )
    for name, entry in conditions.items():
        mute = [species for species, e in entry["species"].items() if e["n"] == 0]
        if mute:
            yield Warned(
                "species_without_answer",
                f"In {name} no attack of species {listed(mute)} was answered: apcer_max is the"
                " worst of the others.",
            )


def _worst_against_pool(conditions: Mapping[str, Json]) -> Iterable[Warned]:
    hidden = {
        name: e["apcer_max"] / e["apcer_pooled"]
        for name, e in conditions.items()
        if e["apcer_pooled"] and e["apcer_max"] > 2 * e["apcer_pooled"]
    }
    if hidden:
        most = max(hidden, key=lambda name: hidden[name])
        entry = conditions[most]
        yield Warned(
            "worst_species",
            f"The pool hides the worst species in {listed(hidden)}: its APCER is more than twice"
            f" that of the pool. Most in {most}: {entry['worst_species']}"
            f" {percent(entry['apcer_max'])} % against {percent(entry['apcer_pooled'])} %.",
        )


def _dependence(report: Mapping[str, Any]) -> Iterable[Warned]:
    test = report["tables"]["test"]
    if report["unit"] == "frame" and 0 < test["n_videos"] < test["n_items"]:
        yield Warned(
            "dependent_frames",
            f"Clopper-Pearson intervals take frames as independent, but {test['n_items']:,} frames"
            f" come from {plural(test['n_videos'], 'video')}: they are too narrow. Go by the"
            " clustered ones, or measure in unit video.",
        )


def _several_protocols(report: Mapping[str, Any]) -> Iterable[Warned]:
    names = report["tables"]["test"]["protocols"]
    if len(names) > 1:
        yield Warned(
            "several_protocols",
            f"Test holds the protocols {listed(names)} in one pool; where one has other"
            " presentations than the next, report each by itself.",
        )


def _calibration(conditions: Mapping[str, Json]) -> Iterable[Warned]:
    worse = []
    for name, entry in conditions.items():
        before, after = (entry["reliability"][key] for key in ("before", "after"))
        if after and after["ece"] is not None and before["ece"] is not None:
            worse += [name] if after["ece"] > before["ece"] else []
    if worse:
        yield Warned(
            "calibration",
            "Calibrated on dev, the probabilities of test are further from the truth in"
            f" {listed(worse)} than the scores were.",
        )


def _constant(items: Presentations) -> bool:
    scores = np.concatenate([items.bonafide, items.pooled])
    return len(scores) > 1 and bool(scores.min() == scores.max())


def _refuse_shared(dev: ScoreTable, test: ScoreTable, column: str) -> None:
    """Refuse what stands in dev and in test under one name of one data set."""
    known = dev.rows.filter(pl.col(column) != "").select("dataset", column).unique()
    shared = test.rows.join(known, on=["dataset", column], how="semi", maintain_order="left")
    if shared.height:
        value, sample = shared[column][0], shared["sample_id"][0]
        number = plural(shared[column].n_unique(), f"such {column}")
        raise BadInput(
            f"{test.name}: {column} {value!r} of row {sample!r} is in {dev.name} too ({number});"
            " a threshold that has seen what it is tested on says nothing"
        )
