"""From two score tables to the content of report.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flexpad import __version__, calibrate, metrics
from flexpad.calibrate import Calibration, Reliability
from flexpad.metrics import ClusteredInterval, Figure, Presentations, Proportion, Rates, SpeciesRate
from flexpad.metrics.bootstrap import DRAWS
from flexpad.report import wording
from flexpad.report.breakdown import break_down
from flexpad.report.statement import facts
from flexpad.score_table import ScoreTable
from flexpad.types import SINGLE, is_rendered

SCHEMA = "flexpad.report/1"
FALSE_POSITIVE_RATES = ("0.01", "0.001", "0.0001")
APCER_TARGETS = ("0.1", "0.05", "0.02", "0.01")
MEANS = ("bpcer", "apcer_max", "apcer_pooled", "acer_max", "acer_pooled")
AT_THRESHOLD = (*MEANS, "bpnrr", "apnrr")
Json = dict[str, Any]


def evaluate(
    dev: ScoreTable,
    test: ScoreTable,
    calibration: Calibration,
    measured: Mapping[str, ScoreTable],
    groups: Sequence[str] = (),
) -> Json:
    """Measure every condition at its threshold.

    Args:
        dev: As read; its facts go into the report.
        test: As read.
        calibration: The thresholds.
        measured: Test by condition, in the unit of the calibration.
        groups: The ``group_*`` columns to break rates down by.

    Returns:
        The content of report.json but for its warnings; see docs/report-schema.md. No NaN and no
        infinity: what is undefined is None, with a reason beside it.
    """
    conditions = {
        name: _condition(table, calibration, name, groups) for name, table in measured.items()
    }
    report: Json = {
        "schema": SCHEMA,
        "flexpad": __version__,
        "unit": calibration.unit,
        "rule": calibration.rule,
        "oracle": calibration.oracle,
        "rendered": _is_rendered(dev) or _is_rendered(test),
        "method": test.header.get("method"),
        "confidence": metrics.CONFIDENCE,
        "bootstrap": {"draws": DRAWS, "seed": 0},
        "common_threshold": asdict(calibration.common) if calibration.common else None,
        "score_calibration": _score_calibration(calibration),
        "conditions": conditions,
        **_noted("mean_rdi_single", mean_over_single(conditions), _lacking(conditions)),
        "tables": {"dev": facts(dev), "test": facts(test)},
    }
    if report["common_threshold"] and math.isinf(report["common_threshold"]["value"]):
        report["common_threshold"]["value"] = None
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


def _is_rendered(table: ScoreTable) -> bool:
    return any(is_rendered(str(name)) for name in table.rows["dataset"].unique())


def _score_calibration(calibration: Calibration) -> Json | None:
    found = calibration.probability
    if not found:
        return None
    return {
        "method": found.method,
        "split": "dev",
        "table": found.table,
        "table_sha256": found.table_sha256,
        "prior": calibrate.PRIOR,
    }


def _lacking(conditions: Mapping[str, Json]) -> str | None:
    missing = [name for name in SINGLE if name not in conditions]
    return f"condition {wording.listed(missing)} was not tested" if missing else None


def _condition(
    table: ScoreTable, calibration: Calibration, name: str, groups: Sequence[str]
) -> Json:
    chosen = calibration.thresholds[name]
    items = metrics.of_table(table)
    at = metrics.rates(items, chosen.value)
    clustered = metrics.clustered_intervals(table, chosen.value)
    finite = math.isfinite(chosen.value)
    rejects_all = "+infinity: no threshold but one that rejects everything keeps the target"
    origin = asdict(chosen)
    del origin["value"]  # it is the condition's threshold
    return {
        **_noted("threshold", chosen.value if finite else None, None if finite else rejects_all),
        "threshold_probability": calibration.probability_of(chosen.value, name) if finite else None,
        **_rates(at),
        **_clustered(clustered),
        **_curve(table, items),
        "species": {entry.name: _species(entry, clustered) for entry in at.species},
        "n_bonafide": at.bpcer.n,
        "n_attack": at.apcer_pooled.n,
        "n_bonafide_silent": items.silent_bonafide,
        "n_attack_silent": sum(items.silent_attacks.values()),
        "bpcer_silence_rejected": _silence_rejected(at, items),
        "groups": {column: break_down(table, column, chosen.value) for column in groups},
        "reliability": _reliability(items, calibration, name),
        "chosen_on": {"split": calibration.split, **origin},
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


def _silence_rejected(at: Rates, items: Presentations) -> float | None:
    """BPCER of a system that turns whoever gets no response away."""
    n = at.bpcer.n + items.silent_bonafide
    return (at.bpcer.errors + items.silent_bonafide) / n if n else None


def _clustered(found: Mapping[str, ClusteredInterval]) -> Json:
    """The same intervals by drawing subjects, and what they rest on."""
    chosen = {name: found[name] for name in AT_THRESHOLD}
    return {
        "clustered_intervals": {name: _limits(value) for name, value in chosen.items()},
        "clustered_method": {name: value.method for name, value in chosen.items()},
        "clustered_subjects": {name: value.subjects for name, value in chosen.items()},
    }


def _curve(table: ScoreTable, items: Presentations) -> Json:
    """What the test curve says, at no operating point."""
    equal, area = metrics.eer(items), metrics.auc(items)
    least = {kind: metrics.min_acer(items, kind) for kind in ("max", "pooled")}
    drawn = metrics.clustered_curve(table)
    return {
        **_noted("eer", equal.rate, equal.reason),
        "eer_interpolated": equal.interpolated,
        **_noted("auc", area.value, area.reason),
        **_tpr(items),
        "bpcer_at_apcer_max": _bpcer_at(items, "max"),
        "bpcer_at_apcer_pooled": _bpcer_at(items, "pooled"),
        "min_acer_max_oracle": least["max"].value,
        "min_acer_pooled_oracle": least["pooled"].value,
        "curve_intervals": {name: _limits(value) for name, value in drawn.items()},
    }


def _bpcer_at(items: Presentations, kind: metrics.ApcerKind) -> Json:
    found = {name: metrics.bpcer_at_apcer(items, float(name), kind) for name in APCER_TARGETS}
    return {name: entry.bpcer.rate if entry else None for name, entry in found.items()}


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


def _species(entry: SpeciesRate, clustered: Mapping[str, ClusteredInterval]) -> Json:
    drawn = clustered[f"apcer:{entry.name}"]
    return {
        **_noted("apcer", entry.apcer.rate, entry.apcer.reason),
        "n": entry.apcer.n,
        "errors": entry.apcer.errors,
        "interval": _limits(entry.apcer),
        "clustered_interval": _limits(drawn),
        "clustered_method": drawn.method,
        "n_subjects": drawn.subjects,
        "apnrr": entry.apnrr.rate,
        "n_silent": entry.apnrr.errors,
    }


def _reliability(items: Presentations, calibration: Calibration, name: str) -> Json:
    """Of the scores as they are, and of the probabilities they were mapped to."""
    before = calibrate.reliability(items.bonafide, items.pooled)
    found = calibration.probability
    if not found:
        return {"before": _reliability_entry(before), "after": None}
    score_map = found.maps[name]
    after = calibrate.reliability(score_map(items.bonafide), score_map(items.pooled))
    return {"before": _reliability_entry(before), "after": _reliability_entry(after)}


def _reliability_entry(found: Reliability) -> Json:
    entry = _noted("ece", found.ece, found.reason)
    return entry | {"brier": found.brier, "bins": [asdict(b) for b in found.bins if b.n]}


def _limits(value: Proportion | Figure | ClusteredInterval) -> list[float] | None:
    return None if value.low is None or value.high is None else [value.low, value.high]


def _noted(name: str, value: Any, reason: str | None) -> Json:  # noqa: ANN401 - any JSON value
    """A value under its name, and where it is undefined the reason beside it."""
    return {name: value} if value is not None else {name: None, f"{name}_reason": reason}
