"""Judge one presentation: whatever images there are of it, one decision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from flexpad import calibrate, checkpoint
from flexpad.checkpoint import Model
from flexpad.data import transforms
from flexpad.data.images import open_image
from flexpad.infer import answer
from flexpad.types import BadInput, Batch, Decision, Modality, condition_of


def check(
    model: Model, paths: Mapping[Modality, Path], encodings: Mapping[Modality, str] | None = None
) -> Decision:
    """Decide by the calibration that lies beside the model.

    Args:
        model: A trained model whose folder has a ``calibration.json``.
        paths: Images of one moment and one view, already cropped to the face.
        encodings: What the values of depth and infrared mean, see :mod:`flexpad.data.encoding`;
            needed for images of more than 8 bits a channel.

    Returns:
        Bona fide or attack, or no response where the model gives no score or has no threshold for
        these modalities.

    Raises:
        BadInput: No image is given, one cannot be read, they cannot be the same view, or the model
            has no calibration.
    """
    if not paths:
        raise BadInput("no modality was given; pass at least one of --rgb, --depth, --ir")
    calibration = calibrate.read(model.folder / checkpoint.CALIBRATION)
    known = encodings or {}
    images = {
        m: open_image(Path(), str(paths[m]), m, known.get(m, "")) for m in Modality if m in paths
    }
    transforms.check_same_view(images, " and ".join(str(paths[m]) for m in images))
    pixels, present = transforms.prepare(images, model.image_size, model.recipe.augment)
    condition = condition_of(images)
    batch = Batch(
        torch.from_numpy(pixels)[None],
        torch.from_numpy(present)[None],
        torch.zeros(1, dtype=torch.int64),
        ("",),
    )
    logit = answer(model.method, batch, [condition])[condition]
    return calibrate.decide(float(logit.sigmoid()), condition, calibration)
