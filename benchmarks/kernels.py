"""Why parts of the towers and of FMM-RPL are written as they are: each against the plain way.

    python benchmarks/kernels.py [--rounds 9] [--out benchmarks/results/kernels.csv]

Both ways give the same and are timed in turns, at the sizes of eight images in a ViT-B/16 and in
clip-nano, in evaluation. ``of_plain`` is the median over rounds of the ratio of their times. Two
more pairs are other ways to compute a linear map, which say what a processor is good at.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timing
import torch
import torch.nn.functional as F
from rows import put
from torch import Tensor

from flexpad.encoders.clip import Mlp, attend, attend_plainly
from flexpad.methods.fmm_rpl.experts import ExpertMixture
from flexpad.methods.fmm_rpl.operations import Convolution, Operations
from flexpad.methods.fmm_rpl.routers import patch_statistics

SIZES = {"ViT-B/16": (768, 12, 14), "clip-nano": (192, 3, 7)}  # width, heads, patches along a side
IMAGES, RANK, ROUTED = 8, 32, ("linear", "conv", "cdc", "dct")
KEY = ("what", "size", "hardware", "malloc")
CPU = torch.device("cpu")

Pair = dict[str, Callable[[], object]]


def main() -> None:
    """Measure, print a table and write rows if asked to."""
    options = _options()
    torch.set_grad_enabled(False)
    rows: list[dict[str, Any]] = []
    for size, (width, heads, grid) in SIZES.items():
        for what, pair in (pairs(width, heads, grid) | linear_maps(width, grid)).items():
            times = timing.in_turns(pair, options.rounds, 20.0, CPU)
            ours, plain = (statistics.median(times[way]) for way in ("ours", "plain"))
            rows.append(
                {
                    "what": what,
                    "size": size,
                    "ours_ms": round(1e3 * ours, 3),
                    "plain_ms": round(1e3 * plain, 3),
                    "of_plain": round(timing.median_ratio(times["ours"], times["plain"]), 2),
                    "rounds": options.rounds,
                    **timing.conditions(CPU),
                }
            )
    timing.show(rows, ("what", "size", "ours_ms", "plain_ms", "of_plain"))
    if options.out:
        put(options.out, list(rows[0]), rows, KEY)


def pairs(width: int, heads: int, grid: int) -> dict[str, Pair]:
    """Give what is compared, each as we do it and plainly."""
    torch.manual_seed(0)
    tokens = torch.randn(IMAGES, 1 + 4 + grid**2, width)
    patches = tokens[:, 5:]
    mlp = Mlp(width, 4 * width, "quick_gelu")
    q, k, v = torch.randn(3, IMAGES, heads, tokens.shape[1], width // heads).unbind(0)
    mixture = ExpertMixture(width, grid, RANK, ROUTED)
    torch.nn.init.normal_(mixture.widen.weight)
    gates = torch.zeros(IMAGES, len(ROUTED))
    for image in range(IMAGES):  # every image to two experts, all of them in turn
        gates[image, [image % 4, (image + 1) % 4]] = 0.5
    narrowed = torch.randn(IMAGES, grid**2, (1 + len(ROUTED)) * RANK)
    operations = mixture.operations
    return {
        "MLP, QuickGELU in place / in three steps": {
            "ours": lambda: mlp(tokens),
            "plain": lambda: mlp_in_steps(mlp, tokens),
        },
        "attention in fp32, fused / products": {
            "ours": lambda: attend(q, k, v, causal=False),
            "plain": lambda: attend_plainly(q, k, v, causal=False),
        },
        "patch statistics / mean and std": {
            "ours": lambda: patch_statistics(patches),
            "plain": lambda: F.layer_norm(
                torch.cat([patches.mean(dim=1), patches.std(dim=1)], dim=1), (2 * width,)
            ),
        },
        "work on the map, together / one by one": {
            "ours": lambda: operations(narrowed),
            "plain": lambda: one_by_one(operations, narrowed, grid),
        },
        "experts, all / gathered": {
            "ours": lambda: mixture(tokens, gates),
            "plain": lambda: gathered(mixture, tokens, gates),
        },
    }


def linear_maps(width: int, grid: int) -> dict[str, Pair]:
    """Give other ways to compute a linear map beside torch's in fp32."""
    tokens, weight = torch.randn(IMAGES, 1 + grid**2, width), torch.randn(4 * width, width)
    low_tokens, low_weight = tokens.bfloat16(), weight.bfloat16()
    maps, kernel = tokens.mT[..., None], weight[..., None, None]

    def plain() -> Tensor:
        return F.linear(tokens, weight)

    return {
        "linear map, bf16 / fp32": {
            "ours": lambda: F.linear(low_tokens, low_weight),
            "plain": plain,
        },
        "linear map in fp32, oneDNN as a convolution / BLAS": {
            "ours": lambda: F.conv2d(maps, kernel),
            "plain": plain,
        },
    }


def mlp_in_steps(mlp: Mlp, tokens: Tensor) -> Tensor:
    """The MLP as its definition has it."""
    widened = mlp.widen(tokens)
    narrowed: Tensor = mlp.narrow(widened * torch.sigmoid(1.702 * widened))
    return narrowed


def one_by_one(operations: Operations, patches: Tensor, grid: int) -> Tensor:
    """The work on the map, a call for each expert."""
    return torch.cat(
        [
            _alone(operation, part, grid)
            for operation, part in zip(operations, patches.split(RANK, dim=2), strict=True)
        ],
        dim=2,
    )


def gathered(mixture: ExpertMixture, tokens: Tensor, gates: Tensor) -> Tensor:
    """The mixture with each routed expert on the images it is open for, and on no others."""
    total = torch.zeros_like(tokens)
    every = torch.arange(len(tokens))
    grid = round(mixture.patches**0.5)
    for place, operation in enumerate(mixture.operations):
        part = slice(place * RANK, (place + 1) * RANK)
        images = every if place == 0 else gates[:, place - 1].nonzero()[:, 0]
        narrow, bias = mixture.narrow.weight[part], mixture.narrow.bias[part]
        hidden = F.gelu(F.linear(tokens[images], narrow, bias))
        ahead, patches = hidden[:, : -mixture.patches], hidden[:, -mixture.patches :]
        hidden = F.gelu(torch.cat([ahead, _alone(operation, patches, grid)], dim=1))
        gate = torch.ones(len(images)) if place == 0 else gates[images, place - 1]
        added = F.linear(hidden, mixture.widen.weight[:, part], mixture.bias[place])
        total.index_add_(0, images, gate[:, None, None] * added)
    return total


def _alone(operation: torch.nn.Module, patches: Tensor, grid: int) -> Tensor:
    if not isinstance(operation, Convolution):
        found: Tensor = operation(patches)
        return found
    maps = patches.transpose(1, 2).unflatten(2, (grid, grid))
    return F.conv2d(maps, operation.kernel(), operation.bias, padding=1).flatten(2).mT


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
