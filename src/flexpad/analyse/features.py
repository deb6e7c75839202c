"""What a model says of a split: the feature of every present image, and of items what they get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import PartialState
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from flexpad.analyse.probe import Labelled
from flexpad.checkpoint import Model
from flexpad.data.loader import Items, batches, collate, to_device
from flexpad.data.manifest import Manifest
from flexpad.engine import processes
from flexpad.log import progress
from flexpad.methods import IndependentMethod, Method
from flexpad.types import MODALITIES, Batch, Evidence, Modality

BATCH = 32
BONAFIDE_KIND = "bona fide"

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features(Labelled):
    """Features of n images, each of one modality of an item.

    Attributes:
        modality: Place in :data:`flexpad.types.MODALITIES`, (n,).
    """

    modality: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> Features:
        """Only the images marked, (n,) bool."""
        return Features(
            values=self.values[chosen],
            is_bonafide=self.is_bonafide[chosen],
            species=self.species[chosen],
            modality=self.modality[chosen],
        )

    def of(self, modality: Modality | None) -> Features:
        """Only the images of a modality; None = all of them."""
        if modality is None:
            return self
        return self.where(self.modality == MODALITIES.index(modality))

    @property
    def kinds(self) -> NDArray[np.str_]:
        """``bona fide`` or the species of each image, (n,)."""
        return np.where(self.is_bonafide, BONAFIDE_KIND, self.species)


@dataclass(frozen=True, slots=True)
class Answers:
    """All that a model says of a split of S items with n images.

    Attributes:
        rows: The items.
        features: Of the images, item by item, in the order of the modalities; each as the model
            gives it when it is shown nothing else of its item.
        item: The row of each image, (n,).
        scores: Of each item by all it has, (S,), higher = more bona fide; NaN = no response.
        layers: Names of the layers with experts, L of them; () for a method without.
        gates: Share of each expert, (n, L, E); None for a method without.
        patches: Patch evidence, log odds of bona fide, (n, h, w).
    """

    rows: Manifest
    features: Features
    item: NDArray[np.int64]
    scores: NDArray[np.float64]
    layers: tuple[str, ...]
    gates: Floats32 | None
    patches: Floats32


@torch.no_grad()
def answers(model: Model, rows: Manifest, what: str, workers: int = 0) -> Answers:
    """Show a model all that is present in some rows, and each of their images alone.

    A method that judges every image alone anyway is shown them once.

    Args:
        model: In evaluation mode.
        rows: Of one split.
        what: Name of the split, for the bar.
        workers: Processes that read images; the result does not depend on it.

    Raises:
        BadInput: A row or image cannot be used.
    """
    device = PartialState(cpu=processes.on_cpu()).device
    method = model.method.to(device)
    loader = DataLoader(items_of(model, rows), BATCH, collate_fn=collate, num_workers=workers)
    parts: list[dict[str, Tensor]] = []
    layers: tuple[str, ...] = ()
    with progress(f"seeing {what}", len(rows)) as tick:
        for batch in batches(loader):
            shown = to_device(batch, device)
            evidence: Evidence = method(shown)
            layers = tuple(evidence.gates)
            features = (
                evidence.embeddings[shown.present]
                if isinstance(method, IndependentMethod)
                else features_alone(method, shown)
            )
            parts.append(_of_batch(evidence, features, shown.present))
            tick(len(batch.ids))
    found = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
    item, modality = found["present"].nonzero()
    listed = list(rows)
    return Answers(
        rows=rows,
        features=Features(
            values=found["embeddings"],
            modality=modality,
            is_bonafide=_each([row.is_bonafide for row in listed])[item],
            species=_each([row.pai_species for row in listed])[item],
        ),
        item=item,
        scores=found["scores"],
        layers=layers,
        gates=found.get("gates"),
        patches=found["patches"],
    )


def items_of(model: Model, rows: Manifest) -> Items:
    """The rows as the model is shown them in evaluation."""
    return Items(rows, model.image_size, model.recipe.augment)


def features_alone(method: Method, batch: Batch) -> Tensor:
    """Embed each present image as if it were all there is of its item.

    Args:
        method: In evaluation mode.
        batch: With all that is present, n images.

    Returns:
        (n, P), in row-major order of ``batch.present``.
    """
    item, modality = batch.present.nonzero(as_tuple=True)
    only = F.one_hot(modality, batch.present.shape[1]).bool()
    ids = tuple(batch.ids[place] for place in item.tolist())
    evidence: Evidence = method(Batch(batch.images[item], only, batch.target[item], ids))
    return evidence.embeddings[only]


def _of_batch(evidence: Evidence, features: Tensor, present: Tensor) -> dict[str, Tensor]:
    """What is kept of a batch: of its items, and of its n present images."""
    kept = {
        "present": present,
        "scores": evidence.fused.double().sigmoid(),
        "embeddings": features.float(),
        "patches": evidence.patches[present].float(),
    }
    if evidence.gates:
        kept["gates"] = torch.stack(list(evidence.gates.values()), dim=1).float()
    return {name: value.cpu() for name, value in kept.items()}


def _each(values: Sequence[object]) -> NDArray[Any]:
    return np.array(values)
