"""Towers whose speed is measured: ours bare, ours with FMM-RPL, and the same in transformers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
import transformers
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, ClipConfig, TowerConfig, set_trainable
from flexpad.encoders.held import held_in_bf16
from flexpad.encoders.text import small_tokenizer
from flexpad.methods.fmm_rpl.model import FmmRpl, build
from flexpad.methods.fmm_rpl.passes import VisualPass
from flexpad.methods.fmm_rpl.routers import UNKNOWN
from flexpad.pretrain import settings

Encode = Callable[[Tensor], object]  # images (n, 3, H, W) to whatever a tower says of them


def _vit(width: int, layers: int, text_width: int, joint: int, patch: int) -> ClipConfig:
    return ClipConfig(
        vision=TowerConfig(width, layers, width // 64, 4 * width),
        text=TowerConfig(text_width, 12, text_width // 64, 4 * text_width),
        joint_width=joint,
        image_size=224,
        patch_size=patch,
        vocabulary=small_tokenizer().get_vocab_size(),
        context_length=16,
    )


_NANO = settings.find("clip-nano").clip
TOWERS = {
    "ViT-L/14": _vit(1024, 24, 768, 768, patch=14),
    "ViT-B/16": _vit(768, 12, 512, 512, patch=16),
    "ViT-S/16": _vit(384, 12, 384, 384, patch=16),
    "clip-nano": _NANO,
    # transformers knows no stem of convolutions, so it is held against the rest of clip-nano.
    "clip-nano, linear stem": replace(_NANO, stem="linear"),
}


def encoder_on(name: str, trainable: str = "none") -> Encoder:
    """Make a CLIP of random weights with a tokenizer."""
    torch.manual_seed(0)
    encoder = Encoder(Clip(TOWERS[name]), small_tokenizer())
    set_trainable(encoder.clip, trainable)
    return encoder


def method_on(name: str) -> FmmRpl:
    """Make FMM-RPL with its default sizes in a frozen CLIP."""
    method = build(encoder_on(name), {})
    with torch.no_grad():  # experts start at zero, which is no faster, but who would believe it
        for mixture in method.experts.mixtures:
            nn.init.normal_(mixture.widen.weight, std=0.01)
    return method


def bare(name: str, device: torch.device) -> Encode:
    """Make our image tower, as it is in the CLIP a method is built on."""
    vision: Encode = method_on(name).eval().requires_grad_(False).to(device).clip.vision
    return vision


def with_fmm_rpl(name: str, device: torch.device) -> Encode:
    """Make our image tower with the experts and prompts of FMM-RPL in it."""
    method = method_on(name).eval().requires_grad_(False).to(device)

    def encode(images: Tensor) -> object:
        labels = torch.full((len(images),), UNKNOWN, device=device)
        return method.clip.vision(
            images, VisualPass(method.experts, method.prompts, labels, noise=None)
        )

    return encode


def in_transformers(name: str, device: torch.device) -> Encode:
    """Make the same image tower in transformers."""
    config = TOWERS[name]
    tower = transformers.CLIPVisionModelWithProjection(
        transformers.CLIPVisionConfig(
            hidden_size=config.vision.width,
            num_hidden_layers=config.vision.layers,
            num_attention_heads=config.vision.heads,
            intermediate_size=config.vision.mlp_width,
            patch_size=config.patch_size,
            image_size=config.image_size,
            projection_dim=config.joint_width,
            hidden_act=config.activation,
        )
    )
    return tower.eval().requires_grad_(False).to(device)


def held(name: str, device: torch.device) -> Encode:
    """Make our image tower with its matrices in bf16 for good."""
    clip = method_on(name).eval().requires_grad_(False).to(device).clip
    held_in_bf16(clip).__enter__()
    return clip.vision


SYSTEMS = {"bare": bare, "FMM-RPL": with_fmm_rpl, "transformers": in_transformers}


def knows(system: str, tower: str) -> bool:
    """Whether a system has a tower of this kind."""
    return system != "transformers" or TOWERS[tower].stem == "linear"


def operations(call: Callable[[], object]) -> int:
    """Count the floating-point operations of the products and convolutions in a call."""
    # The counter does not know every fused attention; as plain products it is the same count.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        call()
    return counter.get_total_flops()
