"""CLIP ViT-B/16 without its weights: what a method adds to it can be counted in no time."""

import torch

from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, ClipConfig, TowerConfig, set_trainable
from flexpad.encoders.text import small_tokenizer

CONFIG = ClipConfig(
    vision=TowerConfig(768, 12, 12, 3072),
    text=TowerConfig(512, 12, 8, 2048),
    joint_width=512,
    image_size=224,
    patch_size=16,
    vocabulary=small_tokenizer().get_vocab_size(),
    context_length=77,
)


def encoder(trainable: str) -> Encoder:
    with torch.device("meta"):
        clip = Clip(CONFIG)
    set_trainable(clip, trainable)
    return Encoder(clip, small_tokenizer())
