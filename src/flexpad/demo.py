"""The straight line from end to end, on rendered faces: the other commands in a row."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flexpad import checkpoint, readers, recipes
from flexpad import compare as comparisons
from flexpad.data import manifest as manifests
from flexpad.data import protocols
from flexpad.data.manifest import Manifest
from flexpad.log import console
from flexpad.report import render_table, report
from flexpad.score import score
from flexpad.score_table import ScoreTable
from flexpad.synth.config import SynthConfig
from flexpad.synth.contact_sheet import contact_sheet
from flexpad.synth.generate import generate
from flexpad.train import train

PART = SynthConfig(part=(140, 40, 60))  # of the small set; the demo is to take minutes


def demo(
    out: Path,
    recipe_name: str = "demo",
    rival_name: str = "demo_fm_clip",
    config: SynthConfig | None = None,
) -> None:
    """Render, index, train, score, report; hold the system against a rival; print both tables.

    Args:
        out: Folder of the run, and of the rival's below it. What is rendered there with the same
            settings is used again.
        recipe_name: What to train.
        rival_name: What to hold it against, trained on the same rows.
        config: What to render, in the layout of CASIA-SURF; None for a part of the small set.

    Raises:
        BadInput: ``out`` holds something else.
    """
    recipe, rival = recipes.find(recipe_name), recipes.find(rival_name)
    times: dict[str, float] = {}
    out.mkdir(parents=True, exist_ok=True)
    with _timed(times, "render"):
        if not generate(out / "rendered", config or PART):
            console.print("rendering    nothing to do, the same settings are rendered already")
    with _timed(times, "index"):
        found = readers.read("casia_surf", out / "rendered")
        manifests.write(protocols.apply(recipe.protocol, found), out / "manifest.csv")
        manifest = manifests.read(out / "manifest.csv")
        contact_sheet(manifest.split("test"), out / "contact-sheet.png")
    tables = []
    for folder, trained in ((out, recipe), (out / rival.method.name, rival)):
        name = trained.method.name
        with _timed(times, f"train {name}"):
            train(manifest, trained, folder, resume=True, overwrite=True)
        with _timed(times, f"score {name}"):
            tables.append(_scores(folder, manifest))
    (dev, test), (rival_dev, rival_test) = tables
    with _timed(times, "report"):
        figures = report(dev, test, out)
        against = comparisons.compare(
            [test, rival_test], [dev, rival_dev], out / f"against-{rival.method.name}"
        )
    console.print(render_table(figures))
    console.print(comparisons.render_tables(against))
    stages = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in times.items())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    console.print(f"{stages}; {sum(times.values()):.0f} s in all, {peak:.1f} GiB at most")
    console.print(f"Everything is in {out}; start with {out / 'report.html'}")


def _scores(run: Path, manifest: Manifest) -> tuple[ScoreTable, ScoreTable]:
    """Score dev and test, and keep the tables in the folder of the run."""
    model = checkpoint.load(run)
    dev, test = (
        score(model, manifest, split, run / f"scores-{split}.csv") for split in ("dev", "test")
    )
    return dev, test


@contextmanager
def _timed(times: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times[stage] = time.perf_counter() - start
