"""The matrices of a CLIP held in bf16 while nothing is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from flexpad.encoders.clip import Clip


@contextmanager
def held_in_bf16(clip: Clip) -> Iterator[None]:
    """Hold the matrices of both towers' blocks in bf16 while this lasts.

    Autocast turns fp32 weights that are not trained into bf16 at every call, which is much of the
    time of a small batch. What comes out under autocast is the same bit for bit; outside of
    autocast the towers cannot be asked meanwhile. Afterwards the weights are what they were.
    """
    linear = [
        module
        for tower in (clip.vision, clip.text)
        for module in tower.blocks.modules()
        if isinstance(module, nn.Linear)
    ]
    held = [(weight, weight.data) for module in linear for weight in module.parameters()]
    for weight, values in held:
        weight.data = values.bfloat16()
    try:
        yield
    finally:
        for weight, values in held:
            weight.data = values
