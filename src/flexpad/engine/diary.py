"""The diary of a run: ``metrics.jsonl``, a line at a time, and the same as ``metrics.csv``.

A line says the ``step`` (how many are done) and ``epoch`` (counted from 1) it was written at. There
are two kinds: means over the steps since the line before, and what an epoch reached on dev.
Nothing in them depends on the clock, so that two equal runs write equal files.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from flexpad.files import whole_file
from flexpad.types import MODALITIES, BadInput, Batch, Evidence

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

LINES = "metrics.jsonl"
TABLE = "metrics.csv"
BOARD = "tensorboard"

Sums = dict[str, tuple[Tensor, Tensor]]  # totals of any shape, and of how many, by name


class Means:
    """Running means by name, kept where they are computed until somebody reads them."""

    def __init__(self) -> None:
        self.sums: Sums = {}

    def add(self, sums: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Take in totals and of how many they are; nothing waits for a device."""
        for name, (total, count) in sums.items():
            before = self.sums.get(name)
            self.sums[name] = (
                (total.detach(), count)
                if before is None
                else (before[0] + total.detach(), before[1] + count)
            )

    def take(self) -> dict[str, Any]:
        """Give the means, and begin anew; what never came is left out.

        Returns:
            Numbers and lists, in mappings: that of ``loss/local`` is ``local`` in ``loss``.
        """
        taken: dict[str, Any] = {}
        for name, (total, count) in self.sums.items():
            if bool(count):
                above, _, last = name.rpartition("/")
                within = taken.setdefault(above, {}) if above else taken
                within[last] = (total / count).tolist()
        self.sums = {}
        return taken

    def state(self) -> Sums:
        """Give what has to be kept to go on."""
        return dict(self.sums)

    def restore(self, state: Mapping[str, tuple[Tensor, Tensor]], device: torch.device) -> None:
        """Take back what :meth:`state` gave."""
        self.sums = {
            name: (total.to(device), count.to(device)) for name, (total, count) in state.items()
        }


def rounded(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Round numbers to six significant digits; what is infinite or NaN becomes None."""
    if isinstance(value, Mapping):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.6g}") if math.isfinite(value) else None


def expert_usage(batch: Batch, evidence: Evidence) -> Sums:
    """Sum the gates of each modality's images, (L, E) over layers and experts.

    Of a method without routers there is nothing.
    """
    if not evidence.gates:
        return {}
    gates = torch.stack([gate.detach().float() for gate in evidence.gates.values()], dim=1)
    modality = torch.nn.functional.one_hot(batch.present.nonzero()[:, 1], len(MODALITIES))
    totals = torch.einsum("nm,nle->mle", modality.to(gates.dtype), gates)
    counts = modality.sum(dim=0)
    return {f"expert_usage/{name}": (totals[i], counts[i]) for i, name in enumerate(MODALITIES)}


class Diary:
    """Writes the lines of a run; used in a ``with`` statement.

    Args:
        run: Its folder.
        lines: How many lines stand; what was written after them is forgotten.
        step: How many steps are done.
        writes: Whether this process is the one that writes; the others say nothing.
        tensorboard: Whether to write event files for TensorBoard too.
    """

    def __init__(
        self, run: Path, lines: int, step: int, *, writes: bool, tensorboard: bool
    ) -> None:
        self.run = run
        self.lines = lines
        self.writes = writes
        self.board = _board(run, step) if writes and tensorboard else None
        if writes:
            _cut(run, lines)

    def __enter__(self) -> Diary:
        return self

    def __exit__(self, *_: object) -> None:
        self.tabulate()
        if self.board is not None:
            self.board.close()

    def write(self, step: int, epoch: int, **said: Any) -> None:  # noqa: ANN401 - JSON
        """Write a line; what is infinite or no number becomes null."""
        self.lines += 1
        if not self.writes:
            return
        said = rounded(said)
        with (self.run / LINES).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "epoch": epoch, **said}) + "\n")
        if self.board is not None:
            for name, number in flat(said):
                if number is not None:
                    self.board.add_scalar(name, number, step)

    def tabulate(self) -> None:
        """Write all lines as one table, a column for every number, such as ``dev/eer/RDI``."""
        if not self.writes:
            return
        rows = [dict(flat(line)) for line in read(self.run)]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with (
            whole_file(self.run / TABLE) as partial,
            partial.open("w", encoding="utf-8", newline="") as file,
        ):
            table = csv.DictWriter(file, columns, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


def require_board(asked: bool) -> None:
    """Make sure that TensorBoard is there, where it is asked for.

    Raises:
        BadInput: It is not installed.
    """
    try:
        if asked:
            import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        raise BadInput(
            "key 'tensorboard': TensorBoard is not installed; pip install 'flexpad[tensorboard]'"
        ) from error


def _board(run: Path, step: int) -> SummaryWriter:
    """Open event files; TensorBoard hides what older ones say of later steps."""
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(run / BOARD), purge_step=step + 1 if step else None)


def read(run: Path) -> Iterator[dict[str, Any]]:
    """Read back what a run wrote."""
    if (run / LINES).is_file():
        for line in (run / LINES).read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _cut(run: Path, lines: int) -> None:
    """Keep the first lines, which are those a saved state knows of."""
    there = (run / LINES).read_text(encoding="utf-8") if (run / LINES).is_file() else ""
    with whole_file(run / LINES) as partial:
        partial.write_text("".join(there.splitlines(keepends=True)[:lines]), encoding="utf-8")


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON
    """Name every number of a line by its way from the top."""
    if not isinstance(value, Mapping | list):
        yield name, value
        return
    for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
        yield from flat(part, f"{name}/{key}" if name else str(key))
