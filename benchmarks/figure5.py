"""Figure 5 for the systems of a bench: what their features say, side by side.

    python benchmarks/figure5.py runs/bench/table1_synth --protocol synth-surf@1 [--seed 0]
        [--page docs/table1.md]

Every finished run of that protocol and seed is analysed (``flexpad analyse``), unless it was
already; the figure, FMM-RPL's experts and where it looks go to the folder beside the page that is
named like it, and the table into the page.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from page import fill

from flexpad import checkpoint
from flexpad.analyse import analyse, compare_runs
from flexpad.bench import plan as plans
from flexpad.bench.plan import Job, dataset_of
from flexpad.bench.run import JOBS, PLAN
from flexpad.data import manifest as manifests

ANALYSIS = "analysis"
OWN_FIGURES = ("experts", "patches")


def main() -> None:
    """Analyse, compare, and put the results where they are shown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("--protocol", default="synth-surf@1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--systems", nargs="+", help="only these; by default all that are finished")
    parser.add_argument("--page", type=Path, default=Path("docs/table1.md"))
    given = parser.parse_args()
    plan = plans.read(given.bench / PLAN)
    manifest = given.bench / "data" / f"{dataset_of(given.protocol)}.csv"
    found = {}
    for system in given.systems or plan.all_systems:
        run = given.bench / JOBS / Job(system, given.protocol, given.seed).name
        if (run / checkpoint.WEIGHTS).is_file():
            found[system] = analysed(run, manifest)
    pictures = given.page.with_suffix("")
    pictures.mkdir(exist_ok=True)
    written = compare_runs(list(found.values()), pictures / "figure5", list(found))
    (pictures / "figure5.svg").unlink()
    first = plan.compare or next(iter(found))
    for name in OWN_FIGURES:
        picture = found[first].parent / "figures" / f"{name}.png"
        if picture.is_file():
            shutil.copy(picture, pictures / f"{name}.png")
    fill(given.page, "figure5", written.strip())


def analysed(run: Path, manifest: Path) -> Path:
    """Analyse a run, or take what is there; gives its analysis.json."""
    path = run / ANALYSIS / "analysis.json"
    if not path.is_file():
        analyse(checkpoint.load(run), manifests.read(manifest), run / ANALYSIS)
    return path


if __name__ == "__main__":
    main()
