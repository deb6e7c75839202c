"""What a reader of a comparison has to be warned of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from flexpad import metrics
from flexpad.compare.cell import Cell, Measured
from flexpad.compare.ranks import RISK
from flexpad.compare.wording import cell_name, p_value
from flexpad.report.claims import SMALL, Warned
from flexpad.report.wording import listed, plural

Json = dict[str, Any]


def warnings(cells: Mapping[Cell, Sequence[Measured]], content: Mapping[str, Any]) -> list[Json]:
    """Everything to know before believing a difference, the gravest first.

    Args:
        cells: Every system in every cell.
        content: Of compare.json so far.
    """
    named = {
        cell_name(entry, content["cells"]): list(measured)
        for entry, measured in zip(content["cells"], cells.values(), strict=True)
    }
    found = [
        *_oracle(content),
        *_few_draws(content),
        *_polarity(named),
        *_same_scores(named),
        *_rejects_everything(named),
        *_clusters(named),
        *_non_response(named),
        *_sizes(named),
    ]
    return [asdict(warned) for warned in found]


def _oracle(content: Mapping[str, Any]) -> Iterable[Warned]:
    if content["oracle"]:
        yield Warned(
            "oracle",
            "The thresholds were chosen on the test data. No system in use can do that; the"
            " differences are between oracles.",
        )


def _few_draws(content: Mapping[str, Any]) -> Iterable[Warned]:
    tests = len(content["comparisons"])
    least = 2 * tests / (content["draws"] + 1)
    if least >= RISK:
        yield Warned(
            "few_draws",
            f"With {content['draws']:,} draws no difference can be shown among {tests} comparisons:"
            f" the least p is {p_value(least)} with Holm. Take more draws.",
        )


def _polarity(named: Mapping[str, Sequence[Measured]]) -> Iterable[Warned]:
    for place, one in enumerate(next(iter(named.values()))):
        areas = {name: metrics.auc(measured[place].items).value for name, measured in named.items()}
        inverted = [name for name, area in areas.items() if area is not None and area < 0.5]
        if inverted:
            yield Warned(
                "polarity",
                f"AUC of {one.system} is below 0.5 in {listed(inverted)}: check polarity. A score"
                " has to be higher for bona fide; nothing was flipped.",
            )


def _same_scores(named: Mapping[str, Sequence[Measured]]) -> Iterable[Warned]:
    for one, two in combinations(range(len(next(iter(named.values())))), 2):
        same = [
            name
            for name, measured in named.items()
            if np.array_equal(measured[one].scores, measured[two].scores, equal_nan=True)
        ]
        if same:
            first = next(iter(named.values()))
            yield Warned(
                "same_scores",
                f"{first[one].system} and {first[two].system} have the same scores in"
                f" {listed(same)}: is it one system?",
            )


def _rejects_everything(named: Mapping[str, Sequence[Measured]]) -> Iterable[Warned]:
    for place, one in enumerate(next(iter(named.values()))):
        closed = [n for n, measured in named.items() if np.isinf(measured[place].threshold.value)]
        if closed:
            yield Warned(
                "rejects_everything",
                f"For {one.system} only rejecting everything keeps the target in {listed(closed)}.",
            )


def _clusters(named: Mapping[str, Sequence[Measured]]) -> Iterable[Warned]:
    lacking = {name: m[0].cluster for name, m in named.items() if m[0].cluster != "subject"}
    if lacking:
        what = {"video": "videos", "sample": "presentations"}
        drawn = listed(sorted({what[kind] for kind in lacking.values()}))
        yield Warned(
            "no_subjects",
            f"Subjects are not known in {listed(lacking)}: {drawn} are drawn as if they were"
            " independent, and the intervals are too narrow.",
        )
    few = {
        n: len(m[0].counts.subjects) for n, m in named.items() if len(m[0].counts.subjects) < SMALL
    }
    if few:
        yield Warned(
            "few_clusters",
            f"Fewer than {SMALL} subjects or what stands for them ({_numbers(few)}): the intervals"
            " are rather too narrow.",
        )


def _non_response(named: Mapping[str, Sequence[Measured]]) -> Iterable[Warned]:
    found = []
    for name, measured in named.items():
        silent = {one.system: int((~one.answered).sum()) for one in measured}
        if any((measured[0].answered != one.answered).any() for one in measured[1:]):
            found.append(f"{name} {', '.join(f'{system} {n}' for system, n in silent.items())}")
    if found:
        yield Warned(
            "non_response_differs",
            "The systems did not answer the same presentations, and a rate counts only what was"
            f" answered: a system that keeps silent where it is hard looks better. Without a"
            f" response: {'; '.join(found)}.",
        )


def _sizes(named: Mapping[str, Sequence[Measured]]) -> Iterable[Warned]:
    small = {n: s for n, m in named.items() if (s := int(m[0].is_bonafide.sum())) < SMALL}
    if small:
        yield Warned("small_sample", f"Fewer than {SMALL} bona fides: {_numbers(small)}.")


def _numbers(sizes: Mapping[str, int]) -> str:
    """Equal numbers together."""
    by_size: dict[int, list[str]] = {}
    for name, size in sizes.items():
        by_size.setdefault(size, []).append(name)
    return ", ".join(
        f"{plural(size, 'item')} in {listed(names)}" for size, names in by_size.items()
    )
