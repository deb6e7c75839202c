"""Runs on a tiny CLIP in processes of their own, for tests.

``killed MANIFEST RECIPE OUT STEP...`` trains again and again, each time in a process that is killed
after so many steps of its own, or with a minus in the midst of the first write after so many; in
the end in one that is left alone. ``scored MANIFEST RECIPE OUT`` trains and scores test.
"""

import os
import signal
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flexpad import checkpoint, config
from flexpad import score as scoring
from flexpad.data import manifest as manifests
from flexpad.engine import state
from flexpad.engine.average import Average
from flexpad.recipe import Recipe
from flexpad.train import train
from tests import noise


def kill_after(steps: int) -> None:
    """Have this process kill itself."""
    taken = 0
    update, write = Average.update, torch.save

    def count(average: Average) -> None:
        nonlocal taken
        update(average)
        taken += 1
        if taken == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    def tear(saved: object, path: Path) -> None:
        write(saved, path)
        if steps < 0 and taken >= -steps:
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    Average.update = count
    state.torch.save = tear


def killed(manifest: Path, recipe: Recipe, out: Path, kills: list[int]) -> None:
    """Fork, train and be killed; go on in the next fork."""
    for steps in [*kills, 0]:
        child = os.fork()
        if not child:
            if steps:
                kill_after(steps)
            train(manifests.read(manifest), recipe, out, resume=True)
            os._exit(0)
        ended = os.waitpid(child, 0)[1]
        assert ended == (signal.SIGKILL if steps else 0), (steps, ended)


def scored(manifest: Path, recipe: Recipe, out: Path) -> None:
    """Train and score."""
    rows = manifests.read(manifest)
    train(rows, recipe, out)
    scoring.score(checkpoint.load(out), rows, "test", out / "test.csv")


if __name__ == "__main__":
    torch.set_num_threads(1)
    job, manifest, recipe, out, *kills = sys.argv[1:]
    given = Path(manifest), config.load(Recipe, Path(recipe)), Path(out)
    with pytest.MonkeyPatch.context() as patch:
        noise.use_tiny_encoder(patch)
        patch.setattr(scoring, "BATCH", 2)  # so that every process has some of the few rows
        if job == "killed":
            killed(*given, [int(steps) for steps in kills])
        else:
            scored(*given)
