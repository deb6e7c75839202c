"""From systems to the content of compare.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from flexpad import __version__, metrics
from flexpad.calibrate import Rule
from flexpad.compare.cell import Cell, Measured
from flexpad.compare.difference import RATES, differences, drawn
from flexpad.compare.mcnemar import mcnemar
from flexpad.compare.ranks import RISK, holm, ranks
from flexpad.compare.system import System
from flexpad.report.statement import facts
from flexpad.types import is_rendered

SCHEMA = "flexpad.compare/1"
LOWER, HIGHER, NONE_SHOWN, UNDECIDED = "lower", "higher", "no difference shown", "undecided"
Json = dict[str, Any]


def evaluate(
    systems: Sequence[System],
    cells: Mapping[Cell, Sequence[Measured]],
    rule: Rule,
    *,
    unit: str,
    by: str,
    draws: int,
    seed: int,
) -> Json:
    """Compare every pair of systems in every cell.

    Args:
        systems: What is compared.
        cells: Every system in every cell, in the order of the systems.
        rule: Where the thresholds come from.
        unit: ``frame`` or ``video``.
        by: The rate that decides who is better, one of :data:`RATES`.
        draws: Of the bootstrap.
        seed: Of the draws.

    Returns:
        The content of compare.json but for its warnings; see docs/compare.md. No NaN and no
        infinity: what is undefined is None, with a reason beside it.
    """
    comparisons = _comparisons(cells, by, draws, seed)
    names = [system.name for system in systems]
    return {
        "schema": SCHEMA,
        "flexpad": __version__,
        "unit": unit,
        "rule": str(rule),
        "oracle": rule.split == "test",
        "decided_by": by,
        "confidence": metrics.CONFIDENCE,
        "draws": draws,
        "seed": seed,
        "rendered": any(
            is_rendered(str(name)) for s in systems for name in s.test.rows["dataset"].unique()
        ),
        "systems": [_system(system) for system in systems],
        "cells": [_cell(cell, measured) for cell, measured in cells.items()],
        "comparisons": comparisons,
        "summary": [_summary(first, other, comparisons) for first, other in combinations(names, 2)],
        "ranks": _ranks(names, cells, by),
    }


def _system(system: System) -> Json:
    return {
        "name": system.name,
        "test": facts(system.test),
        "dev": facts(system.dev) if system.dev else None,
    }


def _cell(cell: Cell, measured: Sequence[Measured]) -> Json:
    first = measured[0]
    return {
        **asdict(cell),
        "n_bonafide": int(first.is_bonafide.sum()),
        "n_attack": int((~first.is_bonafide).sum()),
        "clusters": len(first.counts.subjects),
        "cluster": first.cluster,
        "species": list(first.counts.species),
        "systems": {one.system: _measured(one) for one in measured},
    }


def _measured(one: Measured) -> Json:
    finite = math.isfinite(one.threshold.value)
    content: Json = {"threshold": one.threshold.value if finite else None}
    if not finite:
        content["threshold_reason"] = "+infinity: only rejecting everything keeps the target"
    at = one.rates
    figures = {name: getattr(at, name) for name in RATES} | {"auc": metrics.auc(one.items)}
    for name, figure in figures.items():
        content[name] = figure.value if isinstance(figure, metrics.Figure) else figure.rate
        if figure.reason:
            content[f"{name}_reason"] = figure.reason
    return content | {
        "worst_species": at.worst_species,
        "apcer": {species.name: species.apcer.rate for species in at.species},
        "n_bonafide_silent": one.items.silent_bonafide,
        "n_attack_silent": sum(one.items.silent_attacks.values()),
    }


def _comparisons(
    cells: Mapping[Cell, Sequence[Measured]], by: str, draws: int, seed: int
) -> list[Json]:
    """Every pair in every cell, with verdicts that allow for how many there are."""
    found = []
    for cell, measured in cells.items():
        values = drawn(measured, draws, seed)
        for one, two in combinations(range(len(measured)), 2):
            apart = differences(measured[one], measured[two], values[one], values[two])
            tests = mcnemar(measured[one], measured[two])
            found.append(
                {
                    "first": measured[one].system,
                    "other": measured[two].system,
                    **asdict(cell),
                    "differences": {name: _noted(asdict(apart[name])) for name in RATES},
                    "mcnemar": {name: _noted(asdict(test)) for name, test in tests.items()},
                    "p": apart[by].p,
                    **({} if apart[by].p is not None else {"p_reason": apart[by].reason}),
                }
            )
    for entry, p in zip(found, holm([entry["p"] for entry in found]), strict=True):
        entry["p_holm"] = p
        entry["verdict"] = _verdict(entry["differences"][by]["value"], p)
    return found


def _noted(content: Json) -> Json:
    """Without an empty reason."""
    return {key: value for key, value in content.items() if key != "reason" or value}


def _verdict(difference: float | None, p: float | None) -> str:
    """Whether the other system's rate is shown to be lower or higher than that of the first."""
    if difference is None or p is None:
        return UNDECIDED
    if p >= RISK or difference == 0:
        return NONE_SHOWN
    return LOWER if difference < 0 else HIGHER


def _summary(first: str, other: str, comparisons: Sequence[Json]) -> Json:
    """Over all cells: how often the other system is shown to be better, and how often worse."""
    verdicts = [c["verdict"] for c in comparisons if (c["first"], c["other"]) == (first, other)]
    return {
        "first": first,
        "other": other,
        "cells": len(verdicts),
        "wins": verdicts.count(LOWER),
        "ties": verdicts.count(NONE_SHOWN),
        "losses": verdicts.count(HIGHER),
        "undecided": verdicts.count(UNDECIDED),
    }


def _ranks(names: Sequence[str], cells: Mapping[Cell, Sequence[Measured]], by: str) -> Json:
    rates = np.array([[_rate(one, by) for one in measured] for measured in cells.values()])
    found = ranks(rates)
    content: Json = {
        "average": dict(zip(names, found.average or [None] * len(names), strict=True)),
        "cells": found.cells,
        "friedman_p": found.friedman_p,
        "critical_difference": found.critical_difference,
        "alike": [[names[place] for place in group] for group in found.alike],
    }
    return content | ({"critical_difference_reason": found.reason} if found.reason else {})


def _rate(one: Measured, by: str) -> float:
    """A rate of a system, NaN where it is undefined."""
    found = getattr(one.rates, by)
    rate = found.value if isinstance(found, metrics.Figure) else found.rate
    return math.nan if rate is None else float(rate)
