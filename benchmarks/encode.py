"""How many images a second the image towers encode, and how near that is to what the machine can.

    python benchmarks/encode.py [--device cuda] [--towers ViT-B/16 ...] [--batches 1 8 32]
        [--rounds 7] [--seconds 25] [--out benchmarks/results/encode.csv]

For each tower and batch these are timed in turns, on the same random images, with gradients off:

- ``bare``: flexpad's tower; ``FMM-RPL``: with the experts and prompts of the method in it;
- ``transformers``: the same tower there, with the attention it chooses by itself;
- in bf16 under autocast, and ``bare, held`` with the matrices held in bf16 beforehand. A processor
  that has no units for bf16 is not asked: it would take many times as long as in fp32.

``of_peak`` is the share of the fastest matrix product at that precision, measured in the same run.
``over_bare`` is the time beyond that of the bare tower; ``of_transformers`` how many times as fast
as transformers in fp32. Both are medians of ratios within a round. The peak memory of each way at
the largest batch is that of a process of its own, with torch and both towers of the CLIP in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import timing
import torch
from rows import put
from torch import Tensor
from towers import SYSTEMS, TOWERS, held, knows, operations

DEFAULT = {
    "cpu": ["ViT-B/16", "ViT-S/16", "clip-nano", "clip-nano, linear stem"],
    "cuda": ["ViT-B/16", "ViT-L/14"],
}
KEY = ("device", "hardware", "tower", "precision", "batch", "system", "malloc")
SHOWN = ("tower", "precision", "batch", "system", "images_per_s", "of_peak", "over_bare",
         "of_transformers", "peak_mb")  # fmt: skip
HELD = "bare, held"
Way = tuple[str, str]  # precision and system


def main() -> None:
    """Measure, print a table and write rows if asked to."""
    options = _options()
    device = torch.device(options.device)
    torch.set_grad_enabled(False)
    if options.alone:
        precision, system = options.alone
        print(json.dumps(memory(options.towers[0], options.batches[0], precision, system, device)))
        return
    rows: list[dict[str, Any]] = []
    for tower in options.towers or DEFAULT[device.type]:
        for batch in options.batches:
            fresh = measure(tower, batch, options, device)
            if batch == max(options.batches):
                _add_memory(fresh, device)
            timing.show(fresh, SHOWN)
            rows += fresh
    if options.out:
        put(options.out, list(rows[0]), rows, KEY)


def measure(
    tower: str, batch: int, options: argparse.Namespace, device: torch.device
) -> list[dict[str, Any]]:
    """Time all ways to encode a batch in turns; a row each."""
    size = TOWERS[tower].image_size
    images = torch.randn(batch, 3, size, size, device=device)
    peaks = {name: timing.peak(name, device) for name in timing.worth_measuring(device)}
    systems = {name: make(tower, device) for name, make in SYSTEMS.items() if knows(name, tower)}
    flops = {name: operations(partial(encode, images[:1])) for name, encode in systems.items()}
    ways = {(name, system): encode for name in peaks for system, encode in systems.items()}
    if "bf16" in peaks:
        ways["bf16", HELD], flops[HELD] = held(tower, device), flops["bare"]
    calls = {way: _call(encode, images, way[0]) for way, encode in ways.items()}
    times = timing.in_turns(calls, options.rounds, options.seconds, device)
    return [
        {
            "device": device.type,
            "tower": tower,
            "precision": precision,
            "batch": batch,
            "system": system,
            **_rates(times, (precision, system), batch),
            "gflop_an_image": round(flops[system] / 1e9, 3),
            "peak_gflops": round(peaks[precision] / 1e9, 1),
            "of_peak": round(
                flops[system]
                * batch
                / statistics.median(times[precision, system])
                / peaks[precision],
                3,
            ),
            "peak_mb": "",
            "rounds": len(times[precision, system]),
            **timing.conditions(device),
        }
        for precision, system in ways
    ]


def _call(
    encode: Callable[[Tensor], object], images: Tensor, precision: str
) -> Callable[[], object]:
    def call() -> object:
        with timing.autocast(precision, images.device):
            return encode(images)

    return call


def _rates(times: dict[Way, list[float]], way: Way, batch: int) -> dict[str, object]:
    """Give what the rounds say of one way, by itself and against others in the same rounds."""
    mine = times[way]
    bare, theirs = (way[0], "bare"), ("fp32", "transformers")
    return {
        "images_per_s": round(batch / statistics.median(mine), 2),
        "slowest": round(batch / max(mine), 2),
        "fastest": round(batch / min(mine), 2),
        "over_bare": round(timing.median_ratio(mine, times[bare]) - 1, 3) if way != bare else "",
        "of_transformers": (
            round(timing.median_ratio(times[theirs], mine), 2) if theirs in times else ""
        ),
    }


def _add_memory(rows: list[dict[str, Any]], device: torch.device) -> None:
    """Measure the peak memory of every way, each in a process of its own."""
    for row in rows:
        answer = timing.alone(
            __file__, "--device", device.type, "--towers", row["tower"],
            "--batches", str(row["batch"]), "--alone", row["precision"], row["system"],
        )  # fmt: skip
        row["peak_mb"] = round(answer["peak_mb"])


def memory(
    tower: str, batch: int, precision: str, system: str, device: torch.device
) -> dict[str, float]:
    """Encode one batch, and say how much memory that took."""
    size = TOWERS[tower].image_size
    images = torch.randn(batch, 3, size, size, device=device)
    encode = held(tower, device) if system == HELD else SYSTEMS[system](tower, device)
    _call(encode, images, precision)()
    return {"peak_mb": timing.peak_memory(device)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--towers", nargs="+", choices=TOWERS)
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=25, help="for the rounds of a batch")
    parser.add_argument("--alone", nargs=2, metavar=("PRECISION", "SYSTEM"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
