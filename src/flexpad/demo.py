"""The straight line from end to end, on rendered faces: the other commands in a row."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flexpad import checkpoint, readers, recipes
from flexpad.data import manifest as manifests
from flexpad.data import protocols
from flexpad.log import console
from flexpad.report import render_table, report
from flexpad.score import score
from flexpad.synth.config import SynthConfig
from flexpad.synth.contact_sheet import contact_sheet
from flexpad.synth.generate import generate
from flexpad.train import train

PART = SynthConfig(part=(140, 40, 60))  # of the small set; the demo is to take minutes


def demo(out: Path, recipe_name: str = "demo", config: SynthConfig | None = None) -> None:
    """Render, index, train, score, report; and print the one table.

    Args:
        out: Folder of the run. What is rendered there with the same settings is used again.
        recipe_name: What to train.
        config: What to render, in the layout of CASIA-SURF; None for a part of the small set.

    Raises:
        BadInput: ``out`` holds something else.
    """
    recipe = recipes.find(recipe_name)
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
    with _timed(times, "train"):
        train(manifest, recipe, out, resume=True, overwrite=True)
    with _timed(times, "score"):
        model = checkpoint.load(out)
        dev, test = (
            score(model, manifest, split, out / f"scores-{split}.csv") for split in ("dev", "test")
        )
    with _timed(times, "report"):
        figures = report(dev, test, out)
    console.print(render_table(figures))
    stages = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in times.items())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    console.print(f"{stages}; {sum(times.values()):.0f} s in all, {peak:.1f} GiB at most")
    console.print(f"Everything is in {out}; start with {out / 'report.html'}")


@contextmanager
def _timed(times: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times[stage] = time.perf_counter() - start
