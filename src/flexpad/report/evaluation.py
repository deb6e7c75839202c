"""From two score tables to the content of report.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flexpad import __version__, metrics
from flexpad.calibrate import Calibration
from flexpad.metrics import Figure, Presentations, Proportion, Rates, SpeciesRate
from flexpad.report import wording
from flexpad.score_table import ScoreTable
from flexpad.types import is_rendered

SCHEMA = "flexpad.report/1"
SINGLE = ("R", "D", "I")
FALSE_POSITIVE_RATES = ("0.01", "0.001", "0.0001")
MEANS = ("bpcer", "apcer_max", "apcer_pooled", "acer_max", "acer_pooled")
Json = dict[str, Any]


def evaluate(
    dev: ScoreTable,
    test: ScoreTable,
    calibration: Calibration,
    measured: Mapping[str, Presentations],
) -> Json:
    """Measure every condition at its threshold.

    Args:
        dev: As read; its facts go into the report.
        test: As read.
        calibration: The thresholds.
        measured: The presentations of test by condition, in the unit of the calibration.

    Returns:
        The content of report.json but for its warnings; see docs/report-schema.md. No NaN and no
        infinity: what is undefined is None, with a reason beside it.
    """
    conditions = {
        name: _condition(items, calibration.thresholds[name].value)
        for name, items in measured.items()
    }
    for name, entry in conditions.items():
        entry["chosen_on"] = {"split": calibration.split, **asdict(calibration.thresholds[name])}
        del entry["chosen_on"]["value"]  # it is the condition's threshold
    report: Json = {
        "schema": SCHEMA,
        "flexpad": __version__,
        "unit": calibration.unit,
        "rule": calibration.rule,
        "oracle": calibration.oracle,
        "rendered": any(is_rendered(name) for t in (dev, test) for name in _words(t, "dataset")),
        "method": test.header.get("method"),
        "confidence": metrics.CONFIDENCE,
        "conditions": conditions,
        **_noted("mean_rdi_single", mean_over_single(conditions), _lacking(conditions)),
        "tables": {"dev": _facts(dev), "test": _facts(test)},
    }
    report["title"] = wording.title(report)
    return report


def mean_over_single(conditions: Mapping[str, Json]) -> Json | None:
    """Mean of each rate over R, D and I, the view of the FMM-RPL paper's Table 1.

    Returns:
        Plain means without intervals, None where one is undefined; or None altogether if one of
        the three conditions is missing.
    """
    if _lacking(conditions):
        return None
    means: Json = {}
    for rate in MEANS:
        values = [conditions[name][rate] for name in SINGLE]
        undefined = [name for name in SINGLE if conditions[name][rate] is None]
        reason = f"undefined in {wording.listed(undefined)}" if undefined else None
        means |= _noted(rate, None if undefined else math.fsum(values) / len(values), reason)
    return means


def _lacking(conditions: Mapping[str, Json]) -> str | None:
    missing = [name for name in SINGLE if name not in conditions]
    return f"condition {wording.listed(missing)} was not tested" if missing else None


def _condition(items: Presentations, threshold: float) -> Json:
    at = metrics.rates(items, threshold)
    equal = metrics.eer(items)
    area = metrics.auc(items)
    finite = math.isfinite(threshold)
    rejects_all = "+infinity: no threshold but one that rejects everything keeps the target"
    return {
        **_noted("threshold", threshold if finite else None, None if finite else rejects_all),
        **_rates(at),
        **_noted("eer", equal.rate, equal.reason),
        "eer_interpolated": equal.interpolated,
        **_noted("auc", area.value, area.reason),
        **_tpr(items),
        "species": {entry.name: _species(entry) for entry in at.species},
        "n_bonafide": at.bpcer.n,
        "n_attack": at.apcer_pooled.n,
        "n_bonafide_silent": items.silent_bonafide,
        "n_attack_silent": sum(items.silent_attacks.values()),
    }


def _rates(at: Rates) -> Json:
    """The rates at the threshold, with errors and intervals beside them."""
    shares = {
        "bpcer": at.bpcer,
        "apcer_max": at.apcer_max,
        "apcer_pooled": at.apcer_pooled,
        "bpnrr": at.bpnrr,
        "apnrr": at.apnrr,
    }
    means = {"acer_max": at.acer_max, "acer_pooled": at.acer_pooled}
    content: Json = {}
    for name, share in shares.items():
        content |= _noted(name, share.rate, share.reason)
    for name, mean in means.items():
        content |= _noted(name, mean.value, mean.reason)
    content["worst_species"] = at.worst_species
    content["errors"] = {name: share.errors for name, share in shares.items()}
    content["intervals"] = {name: _limits(value) for name, value in (shares | means).items()}
    return content


def _tpr(items: Presentations) -> Json:
    found = {name: metrics.tpr_at_fpr(items, float(name)) for name in FALSE_POSITIVE_RATES}
    values = {name: entry.tpr.rate for name, entry in found.items()}
    reasons = {entry.reason for entry in found.values()} - {None}
    content: Json = {"tpr_at_fpr": values}
    if reasons:
        content["tpr_at_fpr_reason"] = reasons.pop()
    content["tpr_at_fpr_supported"] = {name: entry.supported for name, entry in found.items()}
    content["tpr_at_fpr_intervals"] = {name: _limits(entry.tpr) for name, entry in found.items()}
    return content


def _species(entry: SpeciesRate) -> Json:
    return {
        **_noted("apcer", entry.apcer.rate, entry.apcer.reason),
        "n": entry.apcer.n,
        "errors": entry.apcer.errors,
        "interval": _limits(entry.apcer),
        "apnrr": entry.apnrr.rate,
        "n_silent": entry.apnrr.errors,
    }


def _limits(value: Proportion | Figure) -> list[float] | None:
    return None if value.low is None or value.high is None else [value.low, value.high]


def _noted(name: str, value: Any, reason: str | None) -> Json:  # noqa: ANN401 - any JSON value
    """A value under its name, and where it is undefined the reason beside it."""
    return {name: value} if value is not None else {name: None, f"{name}_reason": reason}


def _facts(table: ScoreTable) -> Json:
    return {
        "name": Path(table.name).name,
        "sha256": table.sha256,
        "header": dict(table.header),
        "datasets": _words(table, "dataset"),
        "protocols": _words(table, "protocol"),
        "conditions": list(table.conditions),
        "n_rows": table.rows.height,
        "n_items": _distinct(table, "sample_id"),
        "n_videos": _distinct(table, "video_id"),
        "n_subjects": _distinct(table, "subject_id"),
        "species": _words(table, "pai_species"),
    }


def _words(table: ScoreTable, column: str) -> list[str]:
    return sorted(set(table.rows[column].unique()) - {""})


def _distinct(table: ScoreTable, column: str) -> int:
    """How many different ones there are, not counting what is not given."""
    given = table.rows.filter(table.rows[column] != "")
    return given.select("dataset", column).n_unique() if given.height else 0
