"""The figures of a report: as files for a paper, and as panels that stand inside the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexpad.metrics import Presentations
from flexpad.report.figures import det, rates, reliability, scores, style
from flexpad.report.order import fullest

NAMES = ("det", "scores", "species", "reliability", "conditions", "groups")


@dataclass(frozen=True, slots=True)
class Panels:
    """SVG elements for the middle of a page.

    Attributes:
        det: DET of every condition.
        det_species: By condition, a curve for each species.
        scores: By condition, histograms.
        reliability: By condition.
    """

    det: str
    det_species: Mapping[str, str]
    scores: Mapping[str, str]
    reliability: Mapping[str, str]


def draw_figures(
    measured: Mapping[str, Presentations], report: Mapping[str, Any], folder: Path
) -> list[str]:
    """Write every figure as PNG and SVG.

    Args:
        measured: The presentations of test by condition.
        report: The content of report.json.
        folder: Is there.

    Returns:
        The names of :data:`NAMES` that were drawn; groups need a group.
    """
    with style.house_style():
        drawn = {
            "det": det.draw_det(measured, report),
            "scores": scores.draw_scores(measured, report),
            "species": rates.draw_species(report),
            "reliability": reliability.draw_reliability(report),
            "conditions": rates.draw_conditions(report),
            "groups": rates.draw_groups(report, fullest(report["conditions"])),
        }
        for name, figure in drawn.items():
            if figure is not None:
                style.save(figure, folder / name)
    return [name for name, figure in drawn.items() if figure is not None]


def draw_panels(measured: Mapping[str, Presentations], report: Mapping[str, Any]) -> Panels:
    """Draw what stands inside the page."""
    with style.house_style():
        whole, parts = det.inline_panels(measured, report)
        return Panels(
            det=whole,
            det_species=parts,
            scores=scores.inline_panels(measured, report),
            reliability=reliability.inline_panels(report),
        )
