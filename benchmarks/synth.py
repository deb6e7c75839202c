"""How fast sets are rendered: items (RGB, depth and infrared) a second, and memory.

    python benchmarks/synth.py [--subjects 12] [--part 8 2 4] [--out benchmarks/results/synth.csv]

First every species on one core, drawing people and encoding files included, by elapsed time and by
processor time, which does not suffer from neighbours on a busy machine. Then a part of each family
with one process and with two, with the largest memory of a process. Figures that are quoted are
taken on a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

from flexpad.bench.results import processor, write_table
from flexpad.score import source_commit
from flexpad.synth.config import SynthConfig
from flexpad.synth.families import FAMILIES, subjects_of
from flexpad.synth.generate import generate, person_of, shoot
from flexpad.synth.instruments import SPECIES
from flexpad.synth.layouts import LAYOUTS
from flexpad.synth.plan import Take
from flexpad.synth.recording import frame_numbers

COLUMNS = ("what", "workers", "items_per_s", "items_per_cpu_s", "peak_mib", "n", "commit",
           "hardware")  # fmt: skip
FRAMES = 3  # of a take, about as many as in the families
SEED = 7


def main() -> None:
    """Measure, print a table, and write it as CSV if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--subjects", type=int, default=12)
    parser.add_argument("--part", type=int, nargs=3, default=(8, 2, 4))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(*_render(options.one[0], int(options.one[1]), tuple(options.part)))
        return
    rows = [*_by_species(options.subjects), *_by_family(options.part)]
    print(f"{'':<22}{'workers':>8}{'items/s':>10}{'of a core':>11}{'peak MiB':>10}")
    for row in rows:
        print(
            "{what:<22}{workers:>8}{items_per_s:>10}{items_per_cpu_s:>11}{peak_mib:>10}".format(
                **row
            )
        )
    if options.out:
        origin = {"commit": source_commit(), "hardware": processor()}
        write_table(options.out, COLUMNS, ({**row, **origin} for row in rows))


def _by_species(subjects: int) -> Iterator[dict[str, object]]:
    """Medians over subjects of the rate of each species, and of everybody together."""
    config = SynthConfig("surf", seed=SEED, part=(subjects + 1, 1, 1))
    people = subjects_of(config)[: subjects + 1]
    layout = LAYOUTS["surf"]
    rates: dict[str, list[tuple[float, float]]] = {}
    spent: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, subject in enumerate(people):
            start, cpu = time.perf_counter(), time.process_time()
            person = person_of(config, subject)
            taken = time.perf_counter() - start, time.process_time() - cpu
            if number:  # the first one warms up
                spent.setdefault("(a person)", []).append(taken)
            for species in ("", *SPECIES):
                take = Take(species or "real", species, species, species, frame_numbers(FRAMES))
                start, cpu = time.perf_counter(), time.process_time()
                shots = shoot(config, subject, take, person)
                layout.write_take(Path(folder), subject, take, shots)
                taken = time.perf_counter() - start, time.process_time() - cpu
                if number:
                    spent.setdefault(species or "bona fide", []).append(taken)
    for name, times in spent.items():
        if name != "(a person)":
            rates[name] = [(FRAMES / wall, FRAMES / cpu) for wall, cpu in times]
    totals = [
        (sum(w for w, _ in of), sum(c for _, c in of)) for of in zip(*spent.values(), strict=True)
    ]
    items = FRAMES * (1 + len(SPECIES))
    rates["all species"] = [(items / wall, items / cpu) for wall, cpu in totals]
    for name, found in rates.items():
        yield _row(name, 1, *(statistics.median(of) for of in zip(*found, strict=True)), n=subjects)


def _by_family(part: tuple[int, int, int]) -> Iterator[dict[str, object]]:
    """Render a part of each family in a process of its own, with one worker and with two."""
    for family in FAMILIES:
        for workers in (1, 2):
            command = [sys.executable, __file__, "--one", family, str(workers), "--part"]
            run = subprocess.run(
                [*command, *map(str, part)], capture_output=True, text=True, check=True
            )
            items, wall, cpu, peak = map(float, run.stdout.split()[-4:])
            yield _row(f"family {family}", workers, items / wall, items / cpu, peak, int(items))


def _render(family: str, workers: int, part: tuple[int, ...]) -> tuple[int, float, float, float]:
    """Render; items, elapsed and processor seconds and the largest memory in MiB."""
    config = SynthConfig(family, seed=SEED, part=part)  # type: ignore[arg-type]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "set", config, workers)
    wall = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(of.ru_utime + of.ru_stime for of in used)
    peak = max(of.ru_maxrss for of in used) / 1024
    return sum(subject.items for subject in subjects_of(config)), wall, cpu, peak


def _row(
    what: str, workers: int, rate: float, of_core: float, peak: float = 0.0, n: int = 0
) -> dict[str, object]:
    return {
        "what": what,
        "workers": workers,
        "items_per_s": f"{rate:.1f}",
        "items_per_cpu_s": f"{of_core:.1f}",
        "peak_mib": f"{peak:.0f}" if peak else "",
        "n": n,
    }


if __name__ == "__main__":
    main()
