"""Analyses of several runs side by side: a table over methods and one figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flexpad import metrics
from flexpad.analyse.figures.side_by_side import draw_side_by_side
from flexpad.analyse.markdown import WORDS
from flexpad.analyse.projection import POINTS, read_points
from flexpad.files import read_json
from flexpad.report.figures import style
from flexpad.report.wording import DASH
from flexpad.report.wording import cell as escaped
from flexpad.types import BadInput

Json = dict[str, Any]
Named = dict[str, list[tuple[Path, Json]]]

SCHEMA = "flexpad.analysis/2"
SAME = {"protocol": "protocol", "manifest_sha256": "manifest"}


def compare_runs(analyses: Sequence[Path], figure: Path, names: Sequence[str] = ()) -> str:
    """Put analyses of the same rows beside each other.

    Runs of one name, such as seeds, are one line of the table, mean and standard deviation; the
    figure shows the first of them. It is written as PNG and SVG, LDA above PCA for each method.

    Args:
        analyses: Files analysis.json, with points.csv beside each.
        figure: Where the figure goes, without an ending; its folder is made.
        names: What to call each run; () = by its method.

    Returns:
        A Markdown table: balanced accuracy and Fisher ratio for each modality and for all of them
        in one pool, and the accuracy of the modality probe.

    Raises:
        BadInput: A file is missing or no analysis, or they are of different rows.
    """
    if not analyses:
        raise BadInput("there is no analysis to compare; give files analysis.json")
    contents = [read_analysis(path) for path in analyses]
    if names and len(names) != len(analyses):
        raise BadInput(f"{len(names)} names are given for {len(analyses)} analyses")
    _check_same_rows(analyses, contents)
    named: Named = {}
    called = names or [content["method"] for content in contents]
    for name, path, content in zip(called, analyses, contents, strict=True):
        named.setdefault(name, []).append((path, content))
    points = {name: read_points(runs[0][0].with_name(POINTS)) for name, runs in named.items()}
    title = (
        f"{'Rendered faces · ' if contents[0]['rendered'] else ''}{contents[0]['protocol']} test"
    )
    figure.parent.mkdir(parents=True, exist_ok=True)
    with style.house_style():
        style.save(draw_side_by_side(points, title), figure)
    return _table(named, rendered=contents[0]["rendered"])


def read_analysis(path: Path) -> Json:
    """Read an analysis.json.

    Raises:
        BadInput: It is missing or no such file.
    """
    content = read_json(path, "run flexpad analyse again")
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise BadInput(f"{path}: is not of schema {SCHEMA}; run flexpad analyse again")
    return content


def _check_same_rows(paths: Sequence[Path], contents: Sequence[Json]) -> None:
    for path, content in zip(paths, contents, strict=True):
        for key, word in SAME.items():
            if content[key] != contents[0][key]:
                raise BadInput(
                    f"{path}: is of {word} {content[key]}, but {paths[0]} of {contents[0][key]};"
                    " only analyses of the same rows can be compared"
                )


def _table(named: Named, *, rendered: bool) -> str:
    """A line for each method, best pooled probe nowhere marked: the reader judges."""
    parts = list(WORDS)
    title = "rendered faces" if rendered else "method"
    head = [f"{WORDS[part]}: balanced accuracy, % | Fisher ratio" for part in parts]
    lines = [
        f"| {title} | {' | '.join(head)} | modality probe, % (chance) |",
        f"|:--|{'--:|' * (2 * len(parts) + 1)}",
    ]
    for name, runs in named.items():
        contents = [content for _, content in runs]
        cells = []
        for part in parts:
            entries = [content["separability"][part] for content in contents]
            cells.append(_spread([entry["balanced_accuracy"] for entry in entries], 100, 1))
            cells.append(_spread([entry["fisher_ratio"] for entry in entries], 1, 2))
        probes = [content["modality_probe"] for content in contents]
        named_rightly = _spread([probe["balanced_accuracy"] for probe in probes], 100, 1)
        chance = _spread([probes[0]["chance"]], 100, 1)
        lines.append(f"| {escaped(name)} | {' | '.join(cells)} | {named_rightly} ({chance}) |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float | None], times: float, digits: int) -> str:
    """Mean, and standard deviation where there are several.

    >>> _spread([0.5, 0.6], 100, 1), _spread([2.0], 1, 2), _spread([None], 1, 2)
    ('55.0 ± 7.1', '2.00', '–')
    """
    found = metrics.spread(values)
    if found.mean is None:
        return DASH
    mean = f"{times * found.mean:.{digits}f}"
    return mean if found.std is None else f"{mean} ± {times * found.std:.{digits}f}"
