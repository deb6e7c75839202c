"""Claims that are finer than the sample allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flexpad import metrics
from flexpad.calibrate import Rule
from flexpad.metrics import Presentations
from flexpad.report.wording import group_words, listed, percent, plural

Json = dict[str, Any]
SMALL = 30  # below this a rate is anecdote: one error is more than three per cent


@dataclass(frozen=True, slots=True)
class Warned:
    """One thing a reader has to know before believing a figure.

    Attributes:
        code: For machines, stable, e.g. ``small_sample``.
        message: One or two sentences.
    """

    code: str
    message: str


def too_fine(
    rule: Rule,
    report: Mapping[str, Any],
    by_split: Mapping[str, Mapping[str, Presentations]],
) -> Iterable[Warned]:
    """Every claim of the report that its sample cannot carry.

    Args:
        rule: The operating point.
        report: The content so far.
        by_split: The presentations of each split that decides or shows something, by condition.
    """
    yield from _small_samples(by_split)
    yield from _granularity(rule, by_split)
    yield from _nothing_seen(report)
    yield from _few_subjects(report)
    yield from _small_groups(report)


def _small_samples(
    by_split: Mapping[str, Mapping[str, Presentations]],
) -> Iterable[Warned]:
    small: dict[tuple[str, str, int], list[str]] = {}
    for split, sides in by_split.items():
        for condition, items in sides.items():
            sizes = {"bona fide": len(items.bonafide)}
            sizes |= {f"species {name}": len(scores) for name, scores in items.attacks.items()}
            for what, size in sizes.items():
                if size < SMALL:
                    small.setdefault((split, what, size), []).append(condition)
    lines: dict[tuple[str, str], list[str]] = {}
    for (split, what, size), where in small.items():
        lines.setdefault((split, ", ".join(where)), []).append(f"{what} {size}")
    for (split, names), found in lines.items():
        yield Warned(
            "small_sample",
            f"Fewer than {SMALL} presentations in {split} ({names}): {', '.join(found)}.",
        )


def _granularity(
    rule: Rule, by_split: Mapping[str, Mapping[str, Presentations]]
) -> Iterable[Warned]:
    if rule.kind in ("eer", "fixed") or not rule.value or not rule.split:
        return
    coarse: dict[int, list[str]] = {}
    for name, items in by_split[rule.split].items():
        sizes = {
            "bpcer": [len(items.bonafide)],
            "apcer_pooled": [len(items.pooled)],
            "apcer_max": [len(scores) for scores in items.attacks.values()],
        }[rule.kind]
        if min(sizes) * rule.value < 1:
            coarse.setdefault(min(sizes), []).append(name)
    for size, names in coarse.items():
        yield Warned(
            "granularity",
            f"The target {percent(rule.value)} % is finer than one error of {size} in"
            f" {rule.split} ({', '.join(names)}): it means no error at all there.",
        )


def _nothing_seen(report: Mapping[str, Any]) -> Iterable[Warned]:
    """No error seen is no rate of zero: the rule of three, on presentations and on subjects."""
    for rate, noun in (("bpcer", "bona fide"), ("apcer_max", "attack")):
        clean = {
            name: entry
            for name, entry in report["conditions"].items()
            if entry[rate] == 0 and not (rate == "apcer_max" and entry["threshold"] is None)
        }
        if not clean:
            continue
        fewest = min(clean, key=lambda name: _size(clean[name], rate))
        size = _size(clean[fewest], rate)
        subjects = clean[fewest]["clustered_subjects"][rate]
        limit = f"up to {percent(metrics.rule_of_three(size))} % by {size} presentations"
        if subjects:
            by_people = percent(metrics.rule_of_three(subjects))
            limit += f" and {by_people} % by {plural(subjects, 'subject')}"
        yield Warned(
            "no_error_seen",
            f"No {noun} error was seen in {listed(clean)}. That is no rate of 0: it may be {limit}"
            " (rule of three, 95 %).",
        )


def _size(entry: Mapping[str, Any], rate: str) -> int:
    if rate == "bpcer":
        return int(entry["n_bonafide"])
    return min(int(found["n"]) for found in entry["species"].values() if found["n"])


def _few_subjects(report: Mapping[str, Any]) -> Iterable[Warned]:
    subjects = report["tables"]["test"]["n_subjects"]
    if not subjects:
        yield Warned(
            "no_subjects",
            "Test names no subjects: presentations of one person count as independent, and no"
            " interval knows better.",
        )
    elif subjects < SMALL:
        yield Warned(
            "few_subjects",
            f"Test has {plural(subjects, 'subject')}: the clustered intervals rest on those.",
        )


def _small_groups(report: Mapping[str, Any]) -> Iterable[Warned]:
    small: dict[str, list[str]] = {}
    for entry in report["conditions"].values():
        for column, found in entry["groups"].items():
            for name, group in (found["groups"] or {}).items():
                if min(group["bpcer"]["n"], group["apcer_pooled"]["n"]) < SMALL:
                    names = small.setdefault(group_words(column), [])
                    names.extend([name] if name not in names else [])
    if small:
        parts = [f"{column} {', '.join(names)}" for column, names in small.items()]
        yield Warned(
            "small_groups",
            f"Groups with fewer than {SMALL} bona fides or attacks: {'; '.join(parts)}. Their"
            " gaps are anecdote.",
        )
