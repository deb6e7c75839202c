"""How fast the renderer is on one core: items (RGB, depth and infrared) a second, per species.

    python benchmarks/render.py [--size 128] [--subjects 12] [--out benchmarks/results/render.csv]

Drawing a head, taking the photo of an attack and writing JPEGs are part of the time, as in a real
run. Two clocks are printed: elapsed time, and processor time, which does not suffer from
neighbours on a busy machine.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import numpy as np

from flexpad.synth.config import SynthConfig
from flexpad.synth.generate import render_video
from flexpad.synth.instruments import SPECIES
from flexpad.synth.person import draw_person


def main() -> None:
    """Measure and print a table; write it as CSV if asked to."""
    options = _options()
    config = SynthConfig(size=options.size)
    with tempfile.TemporaryDirectory() as folder:
        _measure_subject(Path(folder) / "warm-up", config, 0)
        subjects = [
            _measure_subject(Path(folder) / str(number), config, number)
            for number in range(1, options.subjects + 1)
        ]
    rows = _summarise(subjects, config)
    print(f"{'':<18}{'items/s elapsed':>17}{'items/s of a core':>20}")
    for row in rows:
        print(f"{row['species']:<18}{row['items_per_s']:>17.1f}{row['items_per_cpu_s']:>20.1f}")
    if options.out:
        with options.out.open("w", newline="", encoding="utf-8") as out:
            table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--subjects", type=int, default=12)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _measure_subject(
    folder: Path, config: SynthConfig, number: int
) -> dict[str, tuple[int, float, float]]:
    """Render one subject; items, elapsed and processor seconds by kind of work."""
    found = {}
    start, cpu = time.perf_counter(), time.process_time()
    person = draw_person(np.random.default_rng([7, number, 0]))
    found["(head)"] = (0, time.perf_counter() - start, time.process_time() - cpu)
    for video, species in enumerate(("", *SPECIES), start=1):
        frames = config.attack_frames if species else config.bonafide_frames
        rng = np.random.default_rng([7, number, video])
        start, cpu = time.perf_counter(), time.process_time()
        render_video(folder / f"{species or 'bonafide'}", rng, species, person, frames, config.size)
        taken = time.perf_counter() - start, time.process_time() - cpu
        found[species or "bonafide"] = (frames, *taken)
    return found


def _summarise(
    subjects: list[dict[str, tuple[int, float, float]]], config: SynthConfig
) -> list[dict[str, object]]:
    """Medians over subjects, by species and of everything together."""
    rows: list[dict[str, object]] = []
    for name in ("bonafide", *SPECIES):
        rates = [(n / wall, n / cpu) for n, wall, cpu in (s[name] for s in subjects)]
        rows.append(_row(name, config, rates))
    totals = [np.sum(list(subject.values()), axis=0) for subject in subjects]
    rows.append(_row("overall", config, [(n / wall, n / cpu) for n, wall, cpu in totals]))
    return rows


def _row(name: str, config: SynthConfig, rates: list[tuple[float, float]]) -> dict[str, object]:
    return {
        "species": name,
        "size": config.size,
        "items_per_s": round(statistics.median(rate for rate, _ in rates), 2),
        "items_per_cpu_s": round(statistics.median(rate for _, rate in rates), 2),
        "n": len(rates),
    }


if __name__ == "__main__":
    main()
