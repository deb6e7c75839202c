"""One job: train a system, score dev and test, measure. It goes on where it was interrupted.

    python -m flexpad.bench JOB.yaml

A job's folder holds the run, its score tables, its errors by subject and, when all is done,
``result.json``. That training is over is written down before scoring begins, so that it is never
repeated either.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from flexpad import checkpoint, config
from flexpad.bench import results, subjects
from flexpad.data import manifest as manifests
from flexpad.data.manifest import Manifest
from flexpad.engine.stopping import Stopped
from flexpad.files import whole_file
from flexpad.log import errors, show_warnings
from flexpad.recipe import Recipe
from flexpad.score import score, source_commit
from flexpad.train import train
from flexpad.types import BadInput

ORDER = "job.yaml"
TRAINED = "trained.json"


@dataclass(frozen=True, slots=True)
class Order:
    """What a job is told.

    Attributes:
        system: Name of what is trained.
        recipe: How.
        manifest: Rows of its data set.
        manifest_sha256: Of that file, so that another one is another job.
        unit: What is counted.
        tested: Whether it is scored and measured; a trial is judged by dev alone.
    """

    system: str
    recipe: Recipe
    manifest: Path
    manifest_sha256: str
    unit: str
    tested: bool


def write_order(folder: Path, order: Order) -> Path:
    """Put an order into the folder of its job."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ORDER
    with whole_file(path) as partial:
        partial.write_text(config.dump(order), encoding="utf-8")
    return path


def is_done(folder: Path, order: Order) -> bool:
    """Whether a job was finished with just this order, and all it is to leave is there."""
    if order.tested and not (folder / subjects.SUBJECTS).is_file():
        return False
    found = results.read(folder / results.RESULT)
    return found is not None and found["order"] == as_plain(order)


def run(order: Order, folder: Path) -> None:
    """Do a job, or what is left of it.

    Raises:
        BadInput: Data or recipe cannot be used.
        Stopped: It was asked to stop, and goes on from there next time.
    """
    begun, recipe = time.monotonic(), order.recipe
    manifest = manifests.read(order.manifest)
    trained = _trained(order, manifest, folder)
    rates: list[results.Json] = []
    if order.tested:
        model = checkpoint.load(folder)
        dev, test = (
            score(model, manifest, split, folder / f"scores-{split}.csv")
            for split in ("dev", "test")
        )
        rates = results.rates(dev, test, order.unit)
        counted = subjects.count(dev, test, recipe.protocol, order.system, recipe.seed, order.unit)
        subjects.write(folder / subjects.SUBJECTS, counted)
    content = {
        **trained,
        "system": order.system,
        "protocol": recipe.protocol,
        "seed": recipe.seed,
        "seconds": round(time.monotonic() - begun, 1),  # of this call, if it went on with another's
        "commit": source_commit(),
        "hardware": results.processor(),
        "rates": rates,
    }
    results.write(folder / results.RESULT, content)


def _trained(order: Order, manifest: Manifest, folder: Path) -> results.Json:
    """Train, unless that was done with just this order, and tell the epoch that is kept."""
    found = results.read(folder / TRAINED)
    if found is None or found["order"] != as_plain(order):
        for name in (TRAINED, results.RESULT):
            (folder / name).unlink(missing_ok=True)
        best = train(manifest, order.recipe, folder, resume=True, overwrite=True)
        found = {"order": as_plain(order), "epoch": best.epoch, "dev_error": best.error}
        results.write(folder / TRAINED, found)
    return found


def as_plain(order: Order) -> results.Json:
    """Write an order without where its manifest lies, which says nothing of what is in it."""
    plain: results.Json = yaml.safe_load(config.dump(order))
    del plain["manifest"]
    return plain


def main(path: Path) -> int:
    """Do the job an order tells, and say in one line what was wrong."""
    show_warnings()
    try:
        run(config.load(Order, path), path.parent)
    except Stopped:
        return 130
    except BadInput as error:
        errors.print(f"flexpad: {error}", soft_wrap=True, markup=False)
        return 2
    return 0
