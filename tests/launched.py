"""The command line on a tiny CLIP, for tests that start it in processes of its own.

``launched.py train ...`` is ``flexpad train ...``. ``launched.py killed MANIFEST RECIPE OUT STEP...``
trains again and again, in a process that is killed at the first step of the list, then the second
and so on, and in the end in one that is left alone.
"""

import os
import signal
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flexpad import cli, config
from flexpad.data import manifest as manifests
from flexpad.engine import state
from flexpad.engine.average import Average
from flexpad.recipe import Recipe
from flexpad.train import train
from tests import noise


def kill_at(step: int) -> None:
    """Kill this process after so many steps, or in the midst of a write if < 0."""
    seen = []
    update, write = Average.update, torch.save

    def count(average: Average) -> None:
        update(average)
        seen.append(1)
        if len(seen) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def half(saved: object, path: Path) -> None:
        write(saved, path)
        if len(seen) >= -step:
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    if step > 0:
        Average.update = count
    else:
        Average.update = count
        state.torch.save = half


def killed(manifest: Path, recipe: Path, out: Path, steps: list[int]) -> None:
    """Fork, train, be killed; then go on in the next fork."""
    for step in [*steps, None]:
        child = os.fork()
        if child == 0:
            torch.set_num_threads(1)
            if step is not None:
                kill_at(step)
            train(manifests.read(manifest), config.load(Recipe, recipe), out, resume=True)
            os._exit(0)
        ended = os.waitpid(child, 0)[1]
        expected = 0 if step is None else signal.SIGKILL
        assert ended == expected, (step, ended)


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        noise.use_tiny_encoder(patch)
        if sys.argv[1] == "killed":
            killed(*map(Path, sys.argv[2:5]), [int(step) for step in sys.argv[5:]])
        else:
            cli.main()
