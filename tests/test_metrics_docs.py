"""The worked examples of docs/metrics.md, computed from the scores as they are printed there."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from flexpad import metrics

PAGE = (Path(__file__).parents[1] / "docs" / "metrics.md").read_text(encoding="utf-8")
COUNTS = {"eight": 8, "nineteen": 19}


def cells_of(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def numbers(text):
    """``.62 and nineteen .1`` is twenty numbers."""
    many = re.sub(r"and (\w+) (\S+)", lambda m: f"{m[2]} " * COUNTS[m[1]], text)
    return [float(word) for word in many.split()]


def examples():
    found = {}
    for name, bonafide, attacks in re.findall(r"^\| (E\w+) \|(.*)\|(.*)\|$", PAGE, re.M):
        if len(cells_of(bonafide)) > 1:
            continue  # a row of the other table
        pools = (pool.split(maxsplit=1) for pool in attacks.split(";") if pool.strip())
        found[name] = numbers(bonafide), {kind: numbers(scores) for kind, scores in pools}
    return found


def table():
    lines = re.search(r"<!-- worked -->\n(.*?)<!--", PAGE, re.S)[1].splitlines()
    return {cells_of(line)[0]: cells_of(line)[1:] for line in lines[2:]}


def computed(bonafide, attacks):
    """The figures of a row, in the order of the columns; those after "at" are thresholds."""
    kinds = [""] * len(bonafide) + [kind for kind, scores in attacks.items() for _ in scores]
    scores = [*bonafide, *(score for scores in attacks.values() for score in scores)]
    items = metrics.presentations(scores, [kind == "" for kind in kinds], kinds)
    rates, equal = metrics.rates(items, 0.5), metrics.eer(items)
    worst = metrics.bpcer_at_apcer(items, 0.05, "max")
    pooled = metrics.bpcer_at_apcer(items, 0.1, "pooled")
    return [
        rates.apcer_max.rate,
        rates.apcer_pooled.rate,
        rates.bpcer.rate,
        rates.bpnrr.rate,
        rates.apnrr.rate,
        metrics.auc(items).value,
        equal.rate,
        equal.threshold,
        equal.interpolated,
        worst and worst.bpcer.rate,
        worst and worst.threshold,
        pooled and pooled.bpcer.rate,
        pooled and pooled.threshold,
        metrics.tpr_at_fpr(items, 0.01).tpr.rate,
        metrics.min_acer(items, "max").value,
    ]


def test_page_has_every_example():
    names = ["E1", "E2", "E3", "E3b", "E6", "E7", "E8", "E9", "E10", "E11", "E12"]
    assert list(examples()) == list(table()) == names
    assert [len(scores) for scores in examples()["E8"][1].values()] == [20, 10]


@pytest.mark.parametrize("name", table())
def test_worked_example_of_the_page(name):
    printed = table()[name]
    for cell, value in zip(printed, computed(*examples()[name]), strict=True):
        if cell == "–":  # noqa: RUF001 - the page's sign for what is undefined
            assert value is None
        else:
            right = float("inf") if cell == "inf" else float(Fraction(cell))
            assert value == pytest.approx(right, abs=1e-12)
