"""What bf16 is worth on a device, and frozen matrices held in it while nothing is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from flexpad.encoders.clip import Clip

# What torch calls the units that multiply bf16: on x86 and on ARM.
BF16_UNITS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


def multiplies_bf16(device: torch.device) -> bool:
    """Say whether a device multiplies bf16 faster than fp32.

    A processor without units for it computes bf16 all the same, but many times slower than fp32.
    Where torch is too old to ask it, it counts as one that has them.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return True
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(unit, False) for unit in BF16_UNITS)


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
