"""In which numbers products are computed: bfloat16 where the hardware multiplies it, else float32.

On a CPU without units for it bfloat16 is emulated, at a seventh of the speed of float32 and less
(``benchmarks/encode.py``), so what a recipe leaves to ``auto`` is decided on the machine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch

from flexpad.recipe import Precision, Recipe


def resolve(wanted: Precision, device: torch.device) -> Literal["bf16", "no"]:
    """Decide what ``auto`` means on a device; anything else is taken as it is."""
    if wanted != "auto":
        return wanted
    return "bf16" if multiplies_bfloat16(device) else "no"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device has units for products of bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # A torch that cannot tell is taken for one whose hardware cannot.
    has = getattr(torch.cpu, "get_capabilities", dict[str, bool])()
    return any(has.get(unit, False) for unit in ("avx512_bf16", "amx_bf16", "bf16"))


def decide(recipe: Recipe, device: torch.device) -> Recipe:
    """Decide what a recipe leaves to the hardware, so that the run's own recipe says it."""
    decided = resolve(recipe.train.mixed_precision, device)
    return replace(recipe, train=replace(recipe.train, mixed_precision=decided))
