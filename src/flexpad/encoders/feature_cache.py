"""What the frozen part of an encoder says of each image, computed once and kept for all epochs.

A frozen part gives an image the same features in every epoch as long as nothing but a mirror varies
the image. For a method that asks the image tower for its features alone that part is the tower, and
training costs next to nothing; for one that reaches into the tower it is the patch stem, which can
only pay where the stem is made of convolutions. docs/speed.md has figures.

    part = frozen_part(encoder.clip, whole=not method.reaches_into_tower)
    items = keep(part, items, run_folder, autocast)      # a data set like the one it was made from
    with part.skipped():                                 # the part hands on what the items hold
        evidence = method(batch)
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from flexpad.data.loader import Item, Items, batches, collate, to_device
from flexpad.encoders.clip import Clip, VisionFeatures, VisionTower
from flexpad.files import whole_file
from flexpad.log import progress
from flexpad.recipe import AugmentRecipe
from flexpad.types import MODALITIES, BadInput

Autocast = Callable[[], AbstractContextManager[Any]]

BATCH = 32


@dataclass(frozen=True)
class FrozenPart:
    """A module whose answer for an image does not change in training.

    Attributes:
        module: The tower or its stem.
        pack: Its answer for n images as one tensor (n, ...).
        unpack: The way back.
        copies: Modules that answer as it does.
    """

    module: nn.Module
    pack: Callable[[Any], Tensor]
    unpack: Callable[[Tensor], Any]
    copies: tuple[nn.Module, ...] = ()

    @contextmanager
    def skipped(self) -> Iterator[None]:
        """While this lasts, the module is given what it would answer, and hands it on."""
        with ExitStack() as stack:
            for module in (self.module, *self.copies):
                module.forward = self.unpack
                stack.callback(delattr, module, "forward")
            yield

    def answer(self, images: Tensor) -> Tensor:
        """Compute what is kept of normalised images (n, 3, H, W)."""
        return self.pack(self.module(images)).detach()


def frozen_part(clip: Clip, *, whole: bool, copies: Sequence[VisionTower] = ()) -> FrozenPart:
    """Choose what need not run in every epoch.

    Args:
        clip: Its ``requires_grad`` flags say what is frozen.
        whole: Whether nothing is asked of the image tower but its features.
        copies: Of the image tower, frozen where it is, so that they say there what it says.

    Raises:
        BadInput: Not even the patch stem is frozen.
    """
    if whole and not _trains(clip.vision):
        return FrozenPart(clip.vision, _pack_features, _unpack_features, tuple(copies))
    if not _trains(clip.vision.patchify):
        stems = tuple(copy.patchify for copy in copies)
        return FrozenPart(clip.vision.patchify, _as_it_is, _as_it_is, stems)
    raise BadInput("features cannot be kept of an encoder that is trained; set trainable: none")


def keep(part: FrozenPart, items: Items, folder: Path, autocast: Autocast) -> KeptItems:
    """Compute the features of all items, or open those that an earlier call left.

    Args:
        part: Of the encoder.
        items: Training rows.
        folder: Gets ``features-<key>.bin``; the key stands for the weights of the part, the rows
            and how their images are prepared, the precision, and torch. It does not stand for the
            content of image files.
        autocast: Gives the context training runs in, which decides the precision.

    Raises:
        BadInput: The augmentation draws more than a mirror, an image cannot be used, or the disk
            has no room.
    """
    versions = mirrors(items.augment)
    device = next(part.module.parameters()).device
    with torch.no_grad(), autocast():
        one = part.answer(torch.zeros(1, 3, items.size, items.size, device=device))[0]
    shape = (len(versions), len(items), len(MODALITIES), *one.shape)
    path = folder / f"features-{_key(part, items, one.dtype, device)}.bin"
    if not path.is_file():
        for stale in folder.glob("features-*.bin"):
            stale.unlink()
        _require_room(folder, math.prod(shape) * one.element_size())
        with whole_file(path) as partial, partial.open("wb") as file:
            for features in _compute(part, items, versions, autocast, one):
                file.write(features.contiguous().view(torch.uint8).numpy().data)
    kept = torch.from_file(str(path), shared=False, size=math.prod(shape), dtype=one.dtype)
    return KeptItems(items, kept.view(shape), versions)


def mirrors(augment: AugmentRecipe) -> tuple[bool, ...]:
    """List the versions of an image training may show: as it is, mirrored, or both.

    Raises:
        BadInput: There are more.
    """
    drawn = {
        "enlarge": augment.enlarge > 1,
        "rotation": augment.rotation > 0,
        "colour": augment.colour > 0,
        "infrared": augment.infrared > 0,
    }
    varied = [key for key, varies in drawn.items() if varies]
    if varied:
        raise BadInput(
            "features can be kept only where nothing but a mirror varies images; key"
            f" 'augment.{varied[0]}' should be {1 if varied[0] == 'enlarge' else 0}"
        )
    if 0 < augment.flip < 1:
        return (False, True)
    return (augment.flip > 0,)


class KeptItems(Dataset[Item]):
    """Items whose images are what a frozen part answers; draws are those of the items.

    Args:
        items: What they were computed from.
        kept: (versions, rows, M, ...); 0 where a modality is absent.
        versions: Whether each version is mirrored.
    """

    def __init__(self, items: Items, kept: Tensor, versions: tuple[bool, ...]) -> None:
        self.items = items
        self.kept = kept
        self.versions = versions

    @property
    def epoch(self) -> int:
        """Decides, with the row, which version is shown."""
        return self.items.epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self.items.epoch = epoch

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Item:
        row = self.items.manifest.rows[index]
        version = self.versions.index(self.items.is_mirrored(index))
        present = torch.tensor([modality in row.modalities for modality in MODALITIES])
        return Item(self.kept[version, index], present, int(row.is_bonafide), row.sample_id)


@torch.no_grad()
def _compute(
    part: FrozenPart, items: Items, versions: tuple[bool, ...], autocast: Autocast, one: Tensor
) -> Iterator[Tensor]:
    """Give the features of one version after the other, batch by batch, (B, M, ...)."""
    with progress("features", len(versions) * len(items)) as tick:
        for mirrored in versions:
            # Prepared as in training, whose rounding they share, with a draw that is no choice.
            shown = replace(items.augment, flip=float(mirrored))
            prepared = Items(items.manifest, items.size, shown, seed=0)
            for batch in batches(DataLoader(prepared, BATCH, collate_fn=collate)):
                batch = to_device(batch, one.device)
                features = one.new_zeros(*batch.present.shape, *one.shape)
                with autocast():
                    features[batch.present] = part.answer(batch.images[batch.present])
                yield features.cpu()
                tick(len(batch.ids))


def _key(part: FrozenPart, items: Items, dtype: torch.dtype, device: torch.device) -> str:
    """Name everything the features depend on in 16 characters."""
    digest = hashlib.sha256()
    for name, weight in part.module.state_dict().items():
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    settings = {
        "part": type(part.module).__name__,
        "rows": items.manifest.rows.table.write_csv(),
        "root": str(items.manifest.root),
        "size": items.size,
        "augment": asdict(items.augment),
        "computed": f"{dtype} on {device.type} by torch {torch.__version__}",
    }
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _require_room(folder: Path, size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise BadInput(
            f"{folder}: the features take {size / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free;"
            " make room or train without keeping them"
        )


def _trains(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def _as_it_is(maps: Tensor) -> Tensor:
    return maps


def _pack_features(features: VisionFeatures) -> Tensor:
    return torch.cat([features.image[:, None], features.patches], dim=1)


def _unpack_features(kept: Tensor) -> VisionFeatures:
    return VisionFeatures(kept[:, 0], kept[:, 1:])
