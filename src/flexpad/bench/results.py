"""What jobs found, as rows of CSV that anybody can open."""

from __future__ import annotations

import csv
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flexpad import calibrate, metrics, score_table
from flexpad.calibrate import Calibration
from flexpad.files import whole_file
from flexpad.log import logger
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput

RESULT = "result.json"
COLUMNS = (
    "protocol",
    "method",
    "condition",
    "rate",
    "value",
    "low",
    "high",
    "n",
    "seed",
    "commit",
    "hardware",
)
RULE = calibrate.DEFAULT_RULE
SHARES = ("bpcer", "apcer_pooled", "apcer_max")
MEANS = ("acer_pooled", "acer_max")
COMMON = "_common"  # at one threshold for all conditions, after calibration
ADDED = "_added"  # of R, D and I alone, calibrated on dev and added up
DEV_ERROR = "dev_error"  # equal error rate on dev, mean over R, D and I, of the epoch that is kept
Rows = list[dict[str, str]]
Json = dict[str, Any]


def processor() -> str:
    """Name the processor and how many of it there are."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else platform.processor()}"


def rates(dev: ScoreTable, test: ScoreTable, unit: str) -> list[Json]:
    """Measure test in every condition, at its own threshold and at one for all.

    Thresholds are where dev has its equal error rate. The common one is a probability: scores of
    each condition are mapped by a temperature and a shift that are fitted on dev (Platt), and the
    threshold is chosen on the probabilities of all conditions in one pool. Where there are several
    modalities, they are also answered by such maps of R, D and I alone, added up
    (:func:`flexpad.calibrate.fuse`).

    Args:
        dev: Scores of frames.
        test: Scores of frames.
        unit: What is counted.

    Returns:
        For each condition and rate: ``condition``, ``rate``, ``value``, ``low``, ``high``, ``n``.
        Without those of a common threshold, and of what is added up, where the scores of a
        condition say so little that no map to a probability can be fitted.
    """
    conditions = test.conditions
    own = calibrate.choose(dev, RULE, unit, conditions)
    one = _common(dev, unit, conditions)
    counted = score_table.per_unit(test, unit)
    found: list[Json] = []
    for condition in conditions:
        items = metrics.of_table(counted.condition(condition))
        found += _at_threshold(items, own, condition, "")
        if one:
            found += _at_threshold(items, one, condition, COMMON)
        equal, area = metrics.eer(items), metrics.auc(items)
        found.append({"condition": condition, "rate": "eer", "value": equal.rate})
        found.append({"condition": condition, "rate": "auc", "value": area.value})
    return found + _added_up(dev, test, unit)


def _added_up(dev: ScoreTable, test: ScoreTable, unit: str) -> list[Json]:
    """Measure the calibrated sum of single modalities, each condition at its own threshold."""
    try:
        dev, test = calibrate.fuse(dev, test)
    except BadInput as error:
        logger.warning("nothing to add up: %s", error)
        return []
    own = calibrate.choose(dev, RULE, unit)
    counted = score_table.per_unit(test, unit)
    return [
        rate
        for condition in counted.conditions
        for rate in _at_threshold(
            metrics.of_table(counted.condition(condition)), own, condition, ADDED
        )
    ]


def _common(dev: ScoreTable, unit: str, conditions: tuple[str, ...]) -> Calibration | None:
    try:
        platt = calibrate.fit(dev, "platt", unit, conditions)
    except BadInput as error:
        logger.warning("no common threshold: %s", error)
        return None
    return calibrate.choose(dev, RULE, unit, conditions, common=True, probability=platt)


def _at_threshold(
    items: metrics.Presentations, calibration: Calibration, condition: str, ending: str
) -> Iterable[Json]:
    at = metrics.rates(items, calibration.thresholds[condition].value)
    for name in SHARES:
        share = getattr(at, name)
        limits = {"low": share.low, "high": share.high, "n": share.n}
        yield {"condition": condition, "rate": name + ending, "value": share.rate, **limits}
    for name in MEANS:
        mean = getattr(at, name)
        limits = {"low": mean.low, "high": mean.high}
        yield {"condition": condition, "rate": name + ending, "value": mean.value, **limits}


def write(path: Path, content: Json) -> None:
    """Write down what a job has done; the file appears whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path) -> Json | None:
    """Read what a job has done; None where there is no such file.

    Raises:
        BadInput: It cannot be read.
    """
    if not path.is_file():
        return None
    try:
        content: Json = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{path}: is not JSON; remove it, and the job runs again") from error
    return content


def table_rows(result: Mapping[str, Any]) -> Rows:
    """Turn the result of a job into rows with :data:`COLUMNS`.

    The first is its error on dev, which is of no one condition.
    """
    same = {
        "protocol": result["protocol"],
        "method": result["system"],
        "seed": str(result["seed"]),
        "commit": result["commit"],
        "hardware": result["hardware"],
    }
    on_dev = {"condition": "", "rate": DEV_ERROR, "value": result["dev_error"]}
    return [
        {
            **{name: _cell(rate.get(name)) for name in COLUMNS},
            **same,
            "condition": rate["condition"],
            "rate": rate["rate"],
        }
        for rate in (on_dev, *result["rates"])
    ]


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write a CSV file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, columns, lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)


def read_table(path: Path) -> Rows:
    """Read such a file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _cell(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
