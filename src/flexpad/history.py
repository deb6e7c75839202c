"""The diary of a run: one JSON line an epoch, that can be read with any pager."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from flexpad.types import MODALITIES, Batch, Evidence

FILE_NAME = "history.jsonl"


class EpochLog:
    """Adds up what an epoch's steps say: loss terms, and which experts each modality used."""

    def __init__(self) -> None:
        self.terms: dict[str, list[float]] = defaultdict(list)
        self.usage: dict[str, list[Tensor]] = defaultdict(list)

    def add(self, batch: Batch, evidence: Evidence, terms: dict[str, Tensor]) -> None:
        """Take in one step."""
        for name, value in terms.items():
            self.terms[name].append(value.item())
        if evidence.gates:
            gates = torch.stack([gate.detach() for gate in evidence.gates.values()]).mean(dim=0)
            modality = batch.present.nonzero()[:, 1]
            for index, name in enumerate(MODALITIES):
                self.usage[name.value].append(gates[modality == index])

    def summary(self) -> dict[str, Any]:
        """Means over the epoch."""
        return {
            "loss": {name: round(float(np.mean(values)), 5) for name, values in self.terms.items()},
            "expert_usage": {
                name: [round(share, 4) for share in torch.cat(gates).mean(dim=0).tolist()]
                for name, gates in self.usage.items()
            },
        }


def append(folder: Path, epoch: int, log: EpochLog, dev: Mapping[str, Any]) -> None:
    """Write the line of an epoch."""
    line = {"epoch": epoch, **dev, **log.summary()}
    with (folder / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """Read back what every epoch of a run wrote."""
    for line in (folder / FILE_NAME).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)
