"""A CLIP of two small blocks, and batches of noise, for tests of methods."""

import torch

from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, ClipConfig, TowerConfig
from flexpad.encoders.text import small_tokenizer
from flexpad.types import Batch

SIZE = 32
CONFIG = ClipConfig(
    vision=TowerConfig(width=32, layers=3, heads=2, mlp_width=64),
    text=TowerConfig(width=24, layers=3, heads=2, mlp_width=48),
    joint_width=16,
    image_size=SIZE,
    patch_size=8,
    vocabulary=small_tokenizer().get_vocab_size(),
    context_length=12,
    logit_scale=20.0,
)
OPTIONS = {"rank": 8, "depth": 2, "prompts": 2, "prompt_width": 16, "coupling_width": 8}


def encoder(seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    return Encoder(Clip(CONFIG), small_tokenizer())


def batch(items: int = 4, seed: int = 0, present: torch.Tensor | None = None) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(items, 3, 3, SIZE, SIZE, generator=generator)
    if present is None:
        present = torch.ones(items, 3, dtype=torch.bool)
    target = torch.arange(items) % 2
    return Batch(images, present, target, tuple(f"item{index}" for index in range(items)))
