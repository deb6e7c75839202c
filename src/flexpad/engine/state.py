"""What a run needs to go on: one file that is always whole, and the weights of its best epoch.

``state/last.pt`` is written to a temporary name, flushed to the disk and renamed; weights of a best
epoch are written first and count only once ``last.pt`` names their epoch. So a kill at any moment
leaves a state that is whole and in itself consistent.
"""

from __future__ import annotations

import math
import pickle
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from flexpad.engine.average import Average
from flexpad.engine.diary import Means
from flexpad.files import whole_file
from flexpad.types import BadInput

FOLDER = "state"
LAST = "last.pt"


@dataclass(frozen=True, slots=True)
class Best:
    """The epoch that is kept: lowest error, then lowest loss, on what is not trained on.

    Attributes:
        epoch: Counted from 1; 0 before the first is judged.
        error: What decides.
        loss: What decides between equal errors.
    """

    epoch: int = 0
    error: float = math.inf
    loss: float = math.inf

    def beaten_by(self, error: float, loss: float) -> bool:
        """Whether another epoch is better."""
        return not self.epoch or (error, loss) < (self.error, self.loss)


@dataclass
class Run:
    """What changes while a run goes on; all of it is in a saved state.

    The order of items, the learning rate and every random number are functions of the seed and the
    step (:mod:`flexpad.engine.draws`), so that with the step they are saved too.

    Attributes:
        folder: Of the run.
        module: What is trained.
        optimizer: Of its weights.
        average: Of its weights.
        rows: Fingerprint of what it is trained on.
        writes: Whether this process is the one that writes.
        means: Of the steps since the last line of the diary.
        step: Steps that are done.
        epochs: Epochs that are done and judged.
        lines: Lines in the diary.
        best: The best epoch so far.
        saved_at: When the state was written, on a clock that only goes forward.
    """

    folder: Path
    module: nn.Module
    optimizer: Optimizer
    average: Average
    rows: str
    writes: bool = True
    means: Means = field(default_factory=Means)
    step: int = 0
    epochs: int = 0
    lines: int = 0
    best: Best = field(default_factory=Best)
    saved_at: float = field(default_factory=time.monotonic)

    @property
    def best_weights(self) -> Path:
        """Where the weights of the best epoch lie while the run goes on."""
        return self.folder / FOLDER / f"best-{self.best.epoch}.safetensors"

    def take_in(self, means: Means) -> None:
        """Count a step that was taken."""
        self.means.add(means.sums)
        self.step += 1

    def judge(self, error: float, loss: float) -> bool:
        """Count an epoch that was judged, and say whether it is the best so far."""
        self.epochs += 1
        better = self.best.beaten_by(error, loss)
        if better:
            self.best = Best(self.epochs, error, loss)
        return better

    def due(self, minutes: float, steps: int) -> bool:
        """Whether a state should be written: after so many minutes, or so many steps if not 0."""
        late = time.monotonic() - self.saved_at >= 60 * minutes
        return late or bool(steps and self.step % steps == 0)

    def save(self, lines: int) -> None:
        """Write the state, and remove weights of epochs that are no longer the best.

        Args:
            lines: How many lines the diary has.
        """
        self.lines, self.saved_at = lines, time.monotonic()
        if not self.writes:
            return
        (self.folder / FOLDER).mkdir(parents=True, exist_ok=True)
        with whole_file(self.folder / FOLDER / LAST) as partial:
            torch.save(self._state(), partial)
        for weights in (self.folder / FOLDER).glob("best-*"):
            if weights != self.best_weights:
                weights.unlink()

    def restore(self) -> None:
        """Go back to the saved state, where there is one.

        Raises:
            BadInput: It is damaged.
        """
        if not is_there(self.folder):
            return
        saved = load(self.folder)
        device = next(self.module.parameters()).device
        self.module.load_state_dict(saved["weights"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.average.restore(saved["average"])
        self.means.restore(saved["means"], device)
        self.step, self.epochs, self.lines = saved["step"], saved["epochs"], saved["lines"]
        self.best = Best(**saved["best"])

    def finish(self, weights: Path) -> None:
        """Put the best weights to their place; what only an unfinished run needs is removed."""
        if self.best_weights.is_file():  # it is not after a kill between these two lines
            self.best_weights.replace(weights)
        shutil.rmtree(self.folder / FOLDER)

    def _state(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "step": self.step,
            "epochs": self.epochs,
            "lines": self.lines,
            "best": asdict(self.best),
            "weights": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state(),
            "means": self.means.state(),
        }


def is_there(run: Path) -> bool:
    """Whether a folder holds a run that can go on."""
    return (run / FOLDER / LAST).is_file()


def load(run: Path) -> dict[str, Any]:
    """Read the last state, onto the CPU; nothing in it is executed.

    Raises:
        BadInput: The file is damaged.
    """
    path = run / FOLDER / LAST
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise BadInput(f"{path}: cannot be read; begin anew with --overwrite") from error
    return state
