"""How many images a second a training step takes in, its peak memory, and whether images keep up.

    python benchmarks/train.py [--device cuda] [--towers ViT-B/16 ...] [--seconds 10]
        [--out benchmarks/results/train.csv]

A step is that of `flexpad train`: forward, loss, backward, clipping and AdamW, on random images of
20 items with three modalities, the 60 images of a step with ten pairs. Each case runs in a process
of its own, which first measures the machine's peak at its precision, and whose peak memory is told.
What is trained:

- ``FMM-RPL``: the method, in a frozen CLIP; ``FMM-RPL, all`` with every weight of the CLIP;
- ``FMM-RPL, recomputed``: frozen, with the inside of each block computed again on the way back;
- ``FMM-RPL, kept``: frozen, with the output of the patch stem kept from an earlier epoch;
- ``linear probe``: a head on a frozen CLIP; ``linear probe, kept`` on features that are kept.

A processor without units for bf16 is asked for fp32 alone. The loader then reads rendered faces as
training does, varied as by default, with one process and nothing else to do; ``of_training`` is how
many times as many images it gives as the fastest case of that image size takes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import timing
import torch
from rows import put
from torch import Tensor, nn
from torch.utils.data import DataLoader
from towers import TOWERS, encoder_on, operations

from flexpad import methods, readers
from flexpad.data.loader import Items, batches, collate
from flexpad.encoders.feature_cache import FrozenPart, frozen_part
from flexpad.methods import Method
from flexpad.recipe import AugmentRecipe, MethodRecipe
from flexpad.synth.config import SynthConfig
from flexpad.synth.generate import generate
from flexpad.types import MODALITIES, Batch

ITEMS = 20
FEWER = 4  # of a case whose step of 20 would take minutes on a processor


@dataclass(frozen=True)
class Case:
    """What is trained, see the top of this file."""

    tower: str
    system: str
    precision: str
    items: int = ITEMS

    @property
    def method(self) -> str:
        """The name of the method."""
        return "shared_vit" if self.system.startswith("linear probe") else "fmm_rpl"

    def does(self, what: str) -> bool:
        """Whether this stands behind the name of the method."""
        return self.system.endswith(f", {what}")


SYSTEMS = {
    "ViT-L/14": ("FMM-RPL", "FMM-RPL, recomputed"),
    "ViT-B/16": ("FMM-RPL", "FMM-RPL, recomputed", "FMM-RPL, all"),
    "ViT-S/16": ("FMM-RPL", "FMM-RPL, all"),
    "clip-nano": (
        "FMM-RPL",
        "FMM-RPL, kept",
        "FMM-RPL, all",
        "linear probe",
        "linear probe, kept",
    ),
}
DEFAULT = {"cpu": ["ViT-B/16", "ViT-S/16", "clip-nano"], "cuda": ["ViT-B/16", "ViT-L/14"]}
KEY = ("device", "hardware", "tower", "system", "precision", "malloc")
SHOWN = ("tower", "system", "precision", "images", "images_per_s", "of_peak", "peak_mb",
         "of_training")  # fmt: skip


def main() -> None:
    """Measure, print tables and write rows if asked to."""
    options = _options()
    device = torch.device(options.device)
    if options.alone:
        print(json.dumps(measure(Case(**json.loads(options.alone)), options.seconds, device)))
        return
    rows = []
    for tower in options.towers or DEFAULT[device.type]:
        fresh = [_row(case, options.seconds, device) for case in cases(tower, device)]
        timing.show(fresh, SHOWN)
        rows += fresh
    fresh = loader_rows(rows, device)
    timing.show(fresh, SHOWN)
    rows += fresh
    if options.out:
        put(options.out, list(rows[0]), rows, KEY)


def cases(tower: str, device: torch.device) -> Iterable[Case]:
    """List what is measured of a tower."""
    for precision in timing.worth_measuring(device):
        for system in SYSTEMS[tower]:
            slow = tower == "ViT-B/16" and system.endswith("all") and device.type == "cpu"
            yield Case(tower, system, precision, FEWER if slow else ITEMS)


def _row(case: Case, limit: float, device: torch.device) -> dict[str, Any]:
    arguments = ("--device", device.type, "--seconds", str(limit))
    answer = timing.alone(__file__, *arguments, "--alone", json.dumps(asdict(case)))
    images = case.items * len(MODALITIES)
    rate = images / statistics.median(answer["seconds"])
    return {
        "device": device.type,
        "tower": case.tower,
        "system": case.system,
        "precision": case.precision,
        "images": images,
        "images_per_s": round(rate, 2),
        "slowest": round(images / max(answer["seconds"]), 2),
        "fastest": round(images / min(answer["seconds"]), 2),
        "step_s": round(statistics.median(answer["seconds"]), 3),
        "trained_weights": answer["trained_weights"],
        "gflop_an_image": round(answer["operations"] / len(MODALITIES) / 1e9, 3),
        "peak_gflops": round(answer["peak"] / 1e9, 1),
        "of_peak": round(answer["operations"] / len(MODALITIES) * rate / answer["peak"], 3),
        "peak_mb": round(answer["peak_mb"]),
        "of_training": "",
        "rounds": len(answer["seconds"]),
        **timing.conditions(device),
    }


def measure(case: Case, limit: float, device: torch.device) -> dict[str, Any]:
    """Take steps until the limit in seconds; say how long each took.

    The first of more than one only warms up. There is but one where it takes as long as the limit.
    """
    peak = timing.peak(case.precision, device)
    method = build(case, device)
    step, batch = make_step(case, method, device), noise(case, method, device)
    one = Batch(batch.images[:1], batch.present[:1], batch.target[:1], batch.ids[:1])
    count = operations(partial(step, one))
    found: list[float] = []
    while not found or sum(found) < limit:
        found.append(timing.seconds(partial(step, batch), device))
    return {
        "peak": peak,
        "operations": count,
        "seconds": found[1:] or found,
        "peak_mb": timing.peak_memory(device),
        "trained_weights": sum(weight.numel() for weight in trained(method)),
    }


def build(case: Case, device: torch.device) -> Method:
    """Make the method of a case, ready to be trained."""
    encoder = encoder_on(case.tower, "all" if case.does("all") else "none")
    method = methods.build(MethodRecipe(case.method), encoder).to(device).train()
    if case.does("recomputed"):
        method.recompute_blocks(True)
    return method


def trained(method: Method) -> list[nn.Parameter]:
    """List what a step changes."""
    return [weight for weight in method.parameters() if weight.requires_grad]


def make_step(case: Case, method: Method, device: torch.device) -> Callable[[Batch], Tensor]:
    """Make a training step; it gives the loss."""
    weights = trained(method)
    optimizer = torch.optim.AdamW(weights, lr=1e-4)
    skipped = kept_part(method).skipped if case.does("kept") else nullcontext

    def step(batch: Batch) -> Tensor:
        with ExitStack() as contexts:
            contexts.enter_context(timing.autocast(case.precision, device))
            contexts.enter_context(skipped())
            evidence = method(batch)
        loss = torch.stack(list(method.loss(batch, evidence).values())).sum()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return step


def noise(case: Case, method: Method, device: torch.device) -> Batch:
    """Make a batch of noise, or what a frozen part says of noise where that is kept."""
    size = TOWERS[case.tower].image_size
    images = torch.randn(case.items, len(MODALITIES), 3, size, size, device=device)
    if case.does("kept"):
        with torch.no_grad(), timing.autocast(case.precision, device):
            images = kept_part(method).answer(images.flatten(0, 1))
            images = images.unflatten(0, (case.items, len(MODALITIES)))
    present = torch.ones(case.items, len(MODALITIES), dtype=torch.bool, device=device)
    target = torch.arange(case.items, device=device) % 2
    return Batch(images, present, target, tuple(map(str, range(case.items))))


def kept_part(method: Method) -> FrozenPart:
    """Choose what is kept of the frozen CLIP of a method."""
    return frozen_part(method.clip, whole=not method.reaches_into_tower, copies=method.copies)


def loader_rows(trained_rows: list[dict[str, Any]], device: torch.device) -> list[dict[str, Any]]:
    """Measure the loader alone at the image sizes that were trained on."""
    fastest: dict[int, float] = {}
    for row in trained_rows:
        if ", kept" not in row["system"]:  # which needs no loader of images
            size = TOWERS[row["tower"]].image_size
            fastest[size] = max(fastest.get(size, 0.0), row["images_per_s"])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "set", SynthConfig(part=(4, 1, 1)))
        manifest = readers.read("casia_surf", Path(folder) / "set").split("train")
        for size, training in fastest.items():
            rates = loader_rates(Items(manifest, size, AugmentRecipe(), seed=0))
            rate = statistics.median(rates)
            rows.append(
                dict.fromkeys(trained_rows[0], "")
                | {
                    "device": device.type,
                    "tower": f"{size} px",
                    "system": "loader",
                    "images_per_s": round(rate, 1),
                    "slowest": round(min(rates), 1),
                    "fastest": round(max(rates), 1),
                    "of_training": round(rate / training, 1),
                    "rounds": len(rates),
                    **timing.conditions(device),
                }
            )
    return rows


def loader_rates(items: Items, rounds: int = 3) -> list[float]:
    """Read all items, again and again; images a second of each round."""
    rates = []
    for epoch in range(rounds):
        items.epoch, start = epoch, time.perf_counter()
        loader = DataLoader(items, ITEMS, collate_fn=collate)
        images = sum(int(batch.present.sum()) for batch in batches(loader))
        rates.append(images / (time.perf_counter() - start))
    return rates


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--towers", nargs="+", choices=SYSTEMS)
    parser.add_argument("--seconds", type=float, default=10, help="for the steps of each case")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
