"""calibration.json: the thresholds and maps that go with a model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from flexpad import score_table
from flexpad.calibrate.operating_point import (
    Calibration,
    CommonThreshold,
    Limits,
    Threshold,
)
from flexpad.calibrate.probability import (
    METHODS,
    PRIOR,
    ScoreCalibration,
    ScoreMap,
    Sigmoid,
    Steps,
)
from flexpad.calibrate.rule import parse_rule
from flexpad.files import read_json, whole_file
from flexpad.types import CONDITIONS, BadInput

SCHEMA = "flexpad.calibration/1"
INFINITY = "Infinity"  # JSON has no number for it


def write(calibration: Calibration, path: Path) -> None:
    """Write a calibration as JSON. The file appears whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(dumps(calibration), encoding="utf-8")


def dumps(calibration: Calibration) -> str:
    """The JSON text of a calibration. A threshold of +inf is the text ``"Infinity"``."""
    content: dict[str, Any] = {"schema": SCHEMA, "oracle": calibration.oracle}
    content |= asdict(calibration)
    if calibration.probability:
        content["probability"]["prior"] = PRIOR
    for entry in [*content["thresholds"].values(), content["common"] or {"value": 0.0}]:
        if math.isinf(entry["value"]):
            entry["value"] = INFINITY
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def read(path: Path) -> Calibration:
    """Read what :func:`write` wrote; every threshold comes back to the last bit.

    Raises:
        BadInput: The file is missing, no JSON, of another schema, or a key is missing or does not
            fit.
    """
    content = read_json(path, "choose the thresholds again")
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise BadInput(f"{path}: is no calibration (schema should be {SCHEMA!r})")
    try:
        return _calibration(content)
    except KeyError as error:
        raise BadInput(f"{path}: key {error.args[0]!r} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path}: {error}") from error


def _calibration(content: Mapping[str, Any]) -> Calibration:
    if content["unit"] not in score_table.UNITS:
        raise BadInput(f"unit {content['unit']!r} is unknown")
    rule = parse_rule(content["rule"])
    if rule.split != content["split"]:
        raise BadInput(f"split {content['split']!r} is not that of rule {content['rule']!r}")
    thresholds = {name: _threshold(name, entry) for name, entry in content["thresholds"].items()}
    common, probability = content.get("common"), content.get("probability")
    return Calibration(
        rule=str(rule),
        split=rule.split,
        unit=content["unit"],
        thresholds=thresholds,
        table=str(content["table"]),
        table_sha256=str(content["table_sha256"]),
        method=content.get("method"),
        common=_common(common) if common else None,
        probability=_probability(probability) if probability else None,
    )


def _threshold(condition: str, entry: Mapping[str, Any]) -> Threshold:
    known = {f.name: entry[f.name] for f in fields(Threshold) if f.name in entry}
    known["value"] = _number(entry["value"], f"threshold of condition {condition}")
    for name in ("intervals", "clustered_intervals"):
        known[name] = {rate: _limits(limits) for rate, limits in known.get(name, {}).items()}
    return Threshold(**known)


def _limits(limits: list[float] | None) -> Limits | None:
    return None if limits is None else (limits[0], limits[1])


def _common(entry: Mapping[str, Any]) -> CommonThreshold:
    if entry["scale"] not in ("score", "probability"):
        raise BadInput(f"scale {entry['scale']!r} of the common threshold is unknown")
    return CommonThreshold(_number(entry["value"], "the common threshold"), entry["scale"])


def _number(value: object, what: str) -> float:
    """A threshold; NaN and -infinity, which would accept everything, are none."""
    number = math.inf if value == INFINITY else value
    if isinstance(number, int | float) and not isinstance(number, bool) and number > -math.inf:
        return float(number)
    raise BadInput(f"{what} should be a number, not {value!r}")


def _probability(entry: Mapping[str, Any]) -> ScoreCalibration:
    if entry["method"] not in METHODS:
        raise BadInput(f"calibration {entry['method']!r} is unknown")
    if entry["unit"] not in score_table.UNITS:
        raise BadInput(f"unit {entry['unit']!r} is unknown")
    if entry["prior"] != PRIOR:
        raise BadInput(f"prior {entry['prior']!r} is not {PRIOR}, which the maps presume")
    return ScoreCalibration(
        method=entry["method"],
        unit=entry["unit"],
        maps={name: _map(name, found, entry["method"]) for name, found in entry["maps"].items()},
        table=str(entry["table"]),
        table_sha256=str(entry["table_sha256"]),
    )


def _map(condition: str, entry: Mapping[str, Any], method: str) -> ScoreMap:
    """A map that rises, or an error: one that does not would turn decisions round."""
    if condition not in CONDITIONS:
        raise BadInput(f"condition {condition!r} is unknown")
    if method == "isotonic":
        steps = Steps(tuple(entry["scores"]), tuple(entry["probabilities"]))
        pairs = zip(steps.probabilities, steps.probabilities[1:], strict=False)
        inside = all(0 <= p <= 1 for p in steps.probabilities)
        rises = all(a < b for a, b in zip(steps.scores, steps.scores[1:], strict=False))
        if len(steps.scores) != len(steps.probabilities) or not steps.scores:
            raise BadInput(f"map of condition {condition} needs a probability for each score")
        if not (rises and inside and all(a <= b for a, b in pairs)):
            raise BadInput(f"map of condition {condition} does not rise from 0 to 1")
        return steps
    sigmoid = Sigmoid(float(entry["slope"]), float(entry["offset"]), entry["scale"])
    if not 0 < sigmoid.slope < math.inf or not math.isfinite(sigmoid.offset):
        raise BadInput(f"map of condition {condition} does not rise: slope {sigmoid.slope!r}")
    if sigmoid.scale not in ("probability", "logit"):
        raise BadInput(f"scale {sigmoid.scale!r} of condition {condition} is unknown")
    return sigmoid
