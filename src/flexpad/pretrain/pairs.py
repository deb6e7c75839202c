"""Batches of views and sentences, varied anew in every step.

Every draw is a function of the seed and the step, so that a run that goes on after an interruption
sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from flexpad.data.transforms import LUMA, normalise
from flexpad.encoders.text import padded
from flexpad.pretrain.captions import caption
from flexpad.pretrain.corpus import Corpus
from flexpad.pretrain.scene import Scene, mirrored, without_colour

CROP = (0.80, 1.0)  # side of the crop over that of the view
GREY = 0.25  # share of views shown without colour, as depth and infrared will be
EXPOSURE, CONTRAST = 0.15, 0.15  # spread of their logarithms


@dataclass(frozen=True, slots=True)
class Pairs:
    """Views with a sentence each.

    Attributes:
        images: Normalised, (B, 3, H, W).
        words: Word pieces, (B, L) int64.
        ends: Place of each sentence's end token, (B,) int64.
    """

    images: Tensor
    words: Tensor
    ends: Tensor


def rows_of_step(count: int, batch: int, seed: int, step: int) -> NDArray[np.int64]:
    """Choose which of ``count`` views a step shows: every view once before any comes again."""
    a_round = count // batch
    order = np.random.default_rng((seed, 1, step // a_round)).permutation(count)
    start = step % a_round * batch
    return order[start : start + batch]


def draw_pairs(
    corpus: Corpus, rows: NDArray[np.int64], size: int, tokenizer: Tokenizer, seed: int, step: int
) -> Pairs:
    """Vary views, and say something about each as it is shown.

    Args:
        corpus: All views.
        rows: Which of them, (B,).
        size: Side of the model's square in pixels.
        tokenizer: Of the sentences.
        seed: With the step it decides every draw.
        step: Counted from 0.
    """
    rng = np.random.default_rng((seed, 2, step))
    flip, grey = rng.random(len(rows)) < 0.5, rng.random(len(rows)) < GREY
    images = torch.from_numpy(corpus.images[rows]).permute(0, 3, 1, 2).float() / 255
    images = _crop(images, size, rng, flip)
    images = _develop(images, rng, grey)
    scenes = [corpus.scenes[row] for row in rows]
    shown = [
        without_colour(one) if dull else one
        for one, dull in zip(map(_maybe_mirrored, scenes, flip), grey, strict=True)
    ]
    words, ends = encode([caption(scene, rng) for scene in shown], tokenizer)
    return Pairs(torch.from_numpy(normalise(images.numpy())), words, ends)


def encode(sentences: Sequence[str], tokenizer: Tokenizer) -> tuple[Tensor, Tensor]:
    """Turn sentences into word pieces (B, L) and the places of their ends (B,)."""
    return padded([piece.ids for piece in tokenizer.encode_batch(list(sentences))])


def centre(images: Tensor, size: int) -> Tensor:
    """Resize views (B, 3, h, w) to the model's square, as evaluation does."""
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)


def _maybe_mirrored(scene: Scene, flip: bool) -> Scene:
    return mirrored(scene) if flip else scene


def _crop(images: Tensor, size: int, rng: np.random.Generator, flip: NDArray[np.bool_]) -> Tensor:
    """Cut a square of random size and place out of each image, mirrored where ``flip`` says."""
    side = rng.uniform(*CROP, len(images))
    corner = rng.uniform(-1, 1, (len(images), 2)) * (1 - side)[:, None]
    matrix = np.zeros((len(images), 2, 3), np.float32)
    matrix[:, 0, 0], matrix[:, 1, 1] = np.where(flip, -side, side), side
    matrix[:, :, 2] = corner
    shape = [len(images), 3, size, size]
    grid = F.affine_grid(torch.from_numpy(matrix), shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _develop(images: Tensor, rng: np.random.Generator, grey: NDArray[np.bool_]) -> Tensor:
    """Vary exposure and contrast; take the colour from some."""
    gain, contrast = (
        torch.from_numpy(np.exp(rng.normal(0, spread, (len(images), 1, 1, 1)))).float()
        for spread in (EXPOSURE, CONTRAST)
    )
    level = images.mean(dim=(1, 2, 3), keepdim=True)
    images = ((images - level) * contrast + level) * gain
    dull = torch.from_numpy(grey)
    luma = torch.from_numpy(LUMA)[:, None, None]
    images[dull] = (images[dull] * luma).sum(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    return images.clamp(0, 1)
