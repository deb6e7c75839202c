"""Rows of a manifest to batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from flexpad.data import transforms
from flexpad.data.images import open_image
from flexpad.data.manifest import Manifest, Row
from flexpad.recipe import AugmentRecipe
from flexpad.types import BadInput, Batch, Modality


class Item(NamedTuple):
    """One row, ready for a model: images (M, 3, H, W), present (M,), target 0 or 1."""

    images: Tensor
    present: Tensor
    target: int
    sample_id: str


def open_row(root: Path, row: Row) -> dict[Modality, Image.Image]:
    """Read the present images of a row, cut to its box.

    Raises:
        BadInput: An image cannot be used, or they cannot be the same view.
    """
    images: dict[Modality, Image.Image] = {}
    for modality in row.modalities:  # RGB first, in whose pixels the box is
        size = next((image.size for image in images.values()), None)
        images[modality] = open_image(
            root, row.path(modality), modality, row.encoding(modality), row.box, size
        )
    transforms.check_same_view(images, f"row {row.sample_id!r}")
    return transforms.crop_box(images, row.box) if row.box else images


class Items(Dataset[Item | BadInput]):
    """The rows of a manifest as items.

    A row that cannot be used is returned as the :class:`BadInput` that says why, since an exception
    raised in a worker process arrives as many lines; :func:`batches` raises it.

    Args:
        manifest: Rows to show.
        size: Side of the model's square in pixels.
        augment: How images are enlarged and varied.
        seed: With the epoch and the row it decides every draw, whatever the number of workers;
            None for evaluation, which draws nothing.
    """

    def __init__(
        self, manifest: Manifest, size: int, augment: AugmentRecipe, seed: int | None = None
    ) -> None:
        self.manifest = manifest
        self.size = size
        self.augment = augment
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, index: int) -> Item | BadInput:
        row = self.manifest.rows[index]
        try:
            images = open_row(self.manifest.root, row)
        except BadInput as error:
            return error
        pixels, present = transforms.prepare(images, self.size, self.augment, self._draws(index))
        return Item(
            torch.from_numpy(pixels),
            torch.from_numpy(present),
            int(row.is_bonafide),
            row.sample_id,
        )

    def is_mirrored(self, index: int) -> bool:
        """Say whether a row is shown mirrored in this epoch."""
        rng = self._draws(index)
        return rng is not None and transforms.draw_geometry(rng, self.augment).mirrored

    def _draws(self, index: int) -> np.random.Generator | None:
        """Give the random numbers of a row in this epoch; None in evaluation."""
        if self.seed is None:
            return None
        return np.random.default_rng((self.seed, self.epoch, index))


def collate(items: list[Item | BadInput]) -> Batch | BadInput:
    """Stack items, or give back the first complaint."""
    complaint = next((item for item in items if isinstance(item, BadInput)), None)
    if complaint is not None:
        return complaint
    good = [item for item in items if isinstance(item, Item)]
    return Batch(
        torch.stack([item.images for item in good]),
        torch.stack([item.present for item in good]),
        torch.tensor([item.target for item in good]),
        tuple(item.sample_id for item in good),
    )


def batches(loader: DataLoader[Item | BadInput]) -> Iterator[Batch]:
    """Go through a loader made with :func:`collate`.

    Raises:
        BadInput: A row cannot be used.
    """
    for batch in loader:
        if isinstance(batch, BadInput):
            raise batch
        yield batch


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Move the tensors of a batch."""
    return Batch(
        batch.images.to(device), batch.present.to(device), batch.target.to(device), batch.ids
    )


def restrict(batch: Batch, modalities: Sequence[bool]) -> Batch:
    """Hide modalities: only those marked (M,) and present stay present."""
    shown = batch.present & torch.tensor(modalities, device=batch.present.device)
    return Batch(batch.images, shown, batch.target, batch.ids)
