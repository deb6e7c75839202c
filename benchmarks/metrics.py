"""How long a score table of millions of rows takes: reading, every rate, intervals by subject.

    python benchmarks/metrics.py [--rows 10000000] [--bootstrap-rows 1000000] [--repeats 3]
        [--bob-python bob-env/bin/python] [--out benchmarks/results/metrics.csv]
        [--page docs/metrics.md]

The table is made from random numbers in a temporary folder: seven conditions, 1,000 subjects, four
PAI species, one group column, one non-response in a hundred. Every part runs in a process of its
own, so that its peak memory can be told; processor seconds suffer less from neighbours on a busy
machine than elapsed ones. Beside it, on the same scores in the same run, stand
scikit-learn and, in an environment of its own (see tools/make_bob_golden.py), bob.measure.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from page import fill
from rich.table import Table

from flexpad import metrics, score_table
from flexpad.bench.results import COLUMNS, processor, write_table
from flexpad.log import console
from flexpad.metrics import Presentations
from flexpad.score import source_commit
from flexpad.score_table import ScoreTable
from flexpad.types import CONDITIONS

SUBJECTS = 1000
SPECIES = ("flat print", "bent print", "replay", "mask")
SEED = 0
CURVE = "ROC points and AUC"  # what peers can do too, under the same name
CROSSING = "EER threshold and both rates there"
Figures = dict[str, float]
T = TypeVar("T")


def main() -> None:
    """Time every part and print a table; write it as CSV if asked to."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        large, small, scores = (Path(folder) / name for name in ("large.csv", "small.csv", "s.npz"))
        _alone(make_files, options.rows, large, scores)
        _alone(make_files, options.bootstrap_rows, small, None)
        parts: list[tuple[str, int, Callable[[], Figures]]] = [
            ("flexpad", options.rows, lambda: _alone(measure_table, large)),
            ("flexpad", options.bootstrap_rows, lambda: _alone(measure_intervals, small)),
            ("flexpad", options.rows, lambda: _alone(measure_arrays, scores)),
            (
                f"scikit-learn {version('scikit-learn')}",
                options.rows,
                lambda: _alone(measure_scikit_learn, scores),
            ),
        ]
        if options.bob_python:
            name = f"bob.measure {_bob_version(options.bob_python)}"
            parts.append((name, options.rows, lambda: _bob(options.bob_python, scores)))
        rows = [row for part in parts for row in _rows(*part, options.repeats)]
    _show(rows)
    if options.out:
        write_table(options.out, COLUMNS, rows)
    if options.page:
        fill(options.page, "speed", _markdown(rows))


def make_files(rows: int, path: Path, scores: Path | None) -> None:
    """Write a table of at least so many rows, and the answered scores of each class."""
    table = _table(-(-rows // len(CONDITIONS)))
    score_table.write(table, path)
    if scores:
        sides = {}
        for condition in CONDITIONS:
            items = metrics.of_table(table.condition(condition))
            shuffle = np.random.default_rng(SEED).permutation
            sides[f"{condition}_bonafide"] = shuffle(items.bonafide)
            sides[f"{condition}_attack"] = shuffle(items.pooled)
        np.savez(scores, **sides)


def _table(items: int) -> ScoreTable:
    """Bona fides and attacks of normal scores, shifted by subject, in every condition."""
    rng = np.random.default_rng(SEED)
    subject = rng.integers(SUBJECTS, size=items)
    species = np.array(["", *SPECIES])[rng.choice(5, size=items, p=[0.35, 0.2, 0.2, 0.15, 0.1])]
    video = np.arange(items) // 20
    plain = pl.DataFrame(
        {
            "sample_id": [f"made/test/{v:06d}/{i:08d}" for i, v in enumerate(video)],
            "video_id": [f"made/test/{v:06d}" for v in video],
            "subject_id": [f"s{number:05d}" for number in subject],
            "dataset": ["made"] * items,
            "protocol": ["made@1"] * items,
            "split": ["test"] * items,
            "label": np.where(species == "", "bonafide", "attack"),
            "pai_species": species,
            "group_light": np.array(["dark", "lamp", "sun"])[subject % 3],
        }
    )
    shift = rng.normal(0, 0.7, SUBJECTS)[subject] + np.where(species == "", 2, -2)
    parts = []
    for condition in CONDITIONS:
        score = 1 / (1 + np.exp(-rng.normal(shift)))
        answered = pl.Series(score).set(pl.Series(rng.random(items) < 0.01), None)
        parts.append(plain.with_columns(condition=pl.lit(condition), score=answered))
    rows = pl.concat(parts).select(*score_table.COLUMNS, "group_light")
    return ScoreTable(rows, {"method": "random numbers"})


def measure_table(path: Path) -> Figures:
    """Read a table and compute every rate of every condition, then of every group."""
    clock = _Clock()
    table = score_table.read(path)
    clock.lap("read and check")
    for items in metrics.by_condition(table).values():
        _every_rate(items)
    clock.lap("every rate of seven conditions")
    for condition in table.conditions:
        metrics.by_group(table.condition(condition), "group_light", 0.5)
    clock.lap("rates of three groups")
    return clock.figures()


def _every_rate(items: Presentations) -> None:
    threshold = metrics.eer(items).threshold
    assert threshold is not None
    metrics.rates(items, threshold)
    metrics.hter(items, threshold)
    metrics.auc(items)
    for kind in ("max", "pooled"):
        metrics.min_acer(items, kind)
        metrics.det_points(items, kind)
        for target in metrics.APCER_TARGETS:
            metrics.bpcer_at_apcer(items, target, kind)
    for target in metrics.FPR_TARGETS:
        metrics.tpr_at_fpr(items, target)


def measure_intervals(path: Path) -> Figures:
    """Draw subjects 2,000 times in every condition."""
    table = score_table.read(path)
    clock = _Clock()
    for condition in table.conditions:
        metrics.clustered_intervals(table.condition(condition), 0.5)
    clock.lap("clustered bootstrap of rates at a threshold")
    for condition in table.conditions:
        metrics.clustered_curve(table.condition(condition))
    clock.lap("clustered bootstrap of EER, AUC, BPCER@APCER, TPR@FPR")
    return clock.figures()


def measure_arrays(path: Path) -> Figures:
    """From unsorted scores of one pool of attacks: what peers can do."""
    sides, clock = _sides(path), _Clock()
    for bonafide, attack in sides:
        items = _presentations(bonafide, attack)
        metrics.error_curve(items)
        metrics.auc(items)
    clock.lap(CURVE)
    for bonafide, attack in sides:
        items = _presentations(bonafide, attack)
        threshold = metrics.eer(items).threshold
        assert threshold is not None
        metrics.rates(items, threshold)
    clock.lap(CROSSING)
    return clock.figures()


def _presentations(bonafide: np.ndarray, attack: np.ndarray) -> Presentations:
    scores = np.concatenate([bonafide, attack])
    is_bonafide = np.arange(len(scores)) < len(bonafide)
    return metrics.presentations(scores, is_bonafide, np.full(len(scores), "attack"))


def measure_scikit_learn(path: Path) -> Figures:
    """The same with scikit-learn."""
    from sklearn.metrics import roc_auc_score, roc_curve

    sides, clock = _sides(path), _Clock()
    for bonafide, attack in sides:
        scores = np.concatenate([bonafide, attack])
        is_bonafide = np.arange(len(scores)) < len(bonafide)
        roc_curve(is_bonafide, scores, drop_intermediate=False)
        roc_auc_score(is_bonafide, scores)
    clock.lap(CURVE)
    return clock.figures()


def _sides(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    with np.load(path) as stored:
        return [(stored[f"{c}_bonafide"], stored[f"{c}_attack"]) for c in CONDITIONS]


def _bob_version(python: Path) -> str:
    ask = "from importlib.metadata import version; print(version('bob.measure'))"
    done = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _bob(python: Path, scores: Path) -> Figures:
    """The same with bob.measure, in its own environment."""
    script = Path(__file__).with_name("metrics_bob.py")
    done = subprocess.run(
        [python, script, scores, CROSSING], check=True, capture_output=True, text=True
    )
    figures: Figures = json.loads(done.stdout)
    return figures


class _Clock:
    """Seconds from lap to lap, elapsed and of all cores, and the peak memory of this process."""

    def __init__(self) -> None:
        self._laps: Figures = {}
        self._start = time.perf_counter(), time.process_time()

    def lap(self, what: str) -> None:
        elapsed, busy = time.perf_counter(), time.process_time()
        self._laps[f"{what}, s"] = elapsed - self._start[0]
        self._laps[f"{what}, processor s"] = busy - self._start[1]
        self._start = time.perf_counter(), time.process_time()

    def figures(self) -> Figures:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        return {**self._laps, "peak memory, GiB": peak}


def _alone(work: Callable[..., T], *arguments: object) -> T:
    """Run in a fresh process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(work, *arguments).result()


def _rows(
    method: str, rows: int, part: Callable[[], Figures], repeats: int
) -> list[dict[str, object]]:
    """One row a figure: the median, and the least and most of the repeats as low and high."""
    runs = [part() for _ in range(repeats)]
    found = []
    for what in runs[0]:
        values = [run[what] for run in runs]
        found.append(
            {
                "protocol": "made score table",
                "method": method,
                "condition": "all seven",
                "rate": what,
                "value": round(statistics.median(values), 3),
                "low": round(min(values), 3),
                "high": round(max(values), 3),
                "n": rows,
                "seed": SEED,
                "commit": source_commit(),
                "hardware": processor(),
            }
        )
    return found


def _markdown(rows: list[dict[str, object]]) -> str:
    """The table of docs/metrics.md."""
    lines = ["| | rows | what | median | least – most |", "|:--|--:|:--|--:|--:|"]  # noqa: RUF001
    for row in rows:
        spread = f"{row['low']:.2f} – {row['high']:.2f}"  # noqa: RUF001
        lines.append(
            f"| {row['method']} | {row['n']:,} | {row['rate']} | {row['value']:.2f} | {spread} |"
        )
    lines.append(f"\nOn {rows[0]['hardware']}, at commit {str(rows[0]['commit'])[:7]}.")
    return "\n".join(lines)


def _show(rows: list[dict[str, object]]) -> None:
    table = Table("", "rows", "what", "median", "least", "most")
    for row in rows:
        table.add_row(*(str(row[key]) for key in ("method", "n", "rate", "value", "low", "high")))
    console.print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--bootstrap-rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bob-python", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--page", type=Path, help="page whose speed table is written anew")
    return parser.parse_args()


if __name__ == "__main__":
    main()
