"""How many items (RGB, depth and infrared) a second the loader gives, from files and from shards.

    python benchmarks/loader.py runs/demo/manifest.csv [--rounds 5] [--cold]
        [--out benchmarks/results/loader.csv]

The manifest is packed into a temporary folder first. One epoch of its training rows is then read
with 0, 1 and 2 worker processes by

- flexpad from files, and from shards in their order (``sampling: shards``);
- a plain loader: a ``torch.utils.data.Dataset`` of some twenty lines that opens three files with
  Pillow, resizes, and normalises as flexpad does.

All three show the centre of every image and draw nothing; a fourth row is flexpad from files with
the augmentation of training, which the plain loader has not. Batches are 16 bona fide and 16
attack rows; the plain loader gets the very rows of flexpad's files. All are measured in every
round, each time in another order, and the medians are told; so is the median over rounds of the
ratio to the plain loader with as many workers. Starting workers is part of the time. Processor
milliseconds an item, of all processes, suffer less from neighbours on a busy machine. With
``--cold`` everything is dropped from the page cache before each measurement, so that the disk is
part of it (Linux; only clean pages of the files themselves).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from flexpad.bench.results import processor, write_table
from flexpad.data import manifest as manifests
from flexpad.data import packing
from flexpad.data.balance import BalancedBatches
from flexpad.data.loader import Items, batches, collate
from flexpad.data.manifest import Manifest
from flexpad.data.transforms import CLIP_MEAN, CLIP_STD
from flexpad.recipe import AugmentRecipe, TrainRecipe

PAIRS = 16
WORKERS = (0, 1, 2)
CENTRE = AugmentRecipe(enlarge=1.0)


class Plain(Dataset[tuple[Tensor, int]]):
    """What one writes on a first afternoon."""

    def __init__(self, manifest: Manifest, size: int) -> None:
        self.rows = list(manifest)
        self.root = manifest.root
        self.size = size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        row = self.rows[index]
        images = []
        for path in (row.rgb, row.depth, row.ir):
            image = Image.open(self.root / path).convert("RGB")
            image = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
            pixels = np.asarray(image, dtype=np.float32) / 255
            images.append(((pixels - CLIP_MEAN) / CLIP_STD).transpose(2, 0, 1))
        return torch.from_numpy(np.stack(images)), int(row.is_bonafide)


def main() -> None:
    """Measure, print a table and write it as CSV if asked to."""
    options = _options()
    torch.set_num_threads(1)
    files = manifests.read(options.manifest).split("train")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        with redirect_stdout(sys.stderr):  # the table alone goes into the docs
            pack, _ = packing.pack(files, Path(folder) / "pack", options.shard_mb)
        for row in files:  # read once, so that the first measurement is like the others
            for modality in row.modalities:
                (files.root / row.path(modality)).read_bytes()
        seconds = measure(files, pack, options)
    rows = summarise(seconds, len(files), options)
    show(rows)
    if options.out:
        write_table(options.out, list(rows[0]), rows)


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"{'':<28}{'workers':>8}{'items/s':>10}{'of plain':>10}{'cpu ms an item':>16}")
    for row in rows:
        figures = f"{row['items_per_s']:>10}{row['of_plain']:>10}{row['cpu_ms']:>16}"
        print(f"{row['loader']:<28}{row['workers']:>8}{figures}")


def measure(
    files: Manifest, pack: Manifest, options: argparse.Namespace
) -> dict[tuple[str, int], list[tuple[float, float]]]:
    """Read an epoch with every loader, round after round.

    Returns:
        Of each loader and number of workers, per round, items a second and processor milliseconds
        an item.
    """
    size = options.size
    order = list(BalancedBatches(files, TrainRecipe(pairs=PAIRS), seed=0))
    shards = list(BalancedBatches(pack, TrainRecipe(pairs=PAIRS, sampling="shards"), seed=0))
    loaders: dict[str, tuple[Dataset[Any], Sequence[Sequence[int]], Any]] = {
        "plain, files": (Plain(files, size), order, None),
        "flexpad, files": (Items(files, size, CENTRE), order, collate),
        "flexpad, shards": (Items(pack, size, CENTRE), shards, collate),
        "flexpad, files, augmented": (Items(files, size, AugmentRecipe(), 0), order, collate),
    }
    cases = [(name, workers) for workers in WORKERS for name in loaders]
    found: dict[tuple[str, int], list[tuple[float, float]]] = {case: [] for case in cases}
    for turn in range(options.rounds):
        for case in np.random.default_rng(turn).permutation(len(cases)).tolist():
            name, workers = cases[case]
            dataset, indices, stack = loaders[name]
            if options.cold:
                forget(files.root)
                forget(pack.root)
            loader = DataLoader(
                dataset, batch_sampler=indices, collate_fn=stack, num_workers=workers
            )
            start, cpu = time.perf_counter(), _processor_seconds()
            items = sum(len(batch) for batch in map(_targets, _read(loader, stack)))
            seconds, cpu = time.perf_counter() - start, _processor_seconds() - cpu
            found[cases[case]].append((items / seconds, 1000 * cpu / items))
    return found


def _processor_seconds() -> float:
    """Say what this process and the workers it has ended have used."""
    return sum(os.times()[:4])


def _read(loader: DataLoader[Any], stack: Any) -> Any:  # noqa: ANN401
    return batches(loader) if stack is collate else loader


def _targets(batch: Any) -> Tensor:  # noqa: ANN401
    target: Tensor = batch.target if hasattr(batch, "target") else batch[1]
    return target


def forget(folder: Path) -> None:
    """Drop the files of a folder from the page cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def summarise(
    found: dict[tuple[str, int], list[tuple[float, float]]],
    rows: int,
    options: argparse.Namespace,
) -> list[dict[str, Any]]:
    """Give the medians, and of each round's ratio to the plain loader."""
    return [
        {
            "loader": name,
            "workers": workers,
            "cache": "cold" if options.cold else "warm",
            "items_per_s": round(statistics.median(rate for rate, _ in measured), 1),
            "of_plain": round(
                statistics.median(
                    one / other
                    for (one, _), (other, _) in zip(
                        measured, found["plain, files", workers], strict=True
                    )
                ),
                2,
            ),
            "cpu_ms": round(statistics.median(cpu for _, cpu in measured), 2),
            "rows": rows,
            "size": options.size,
            "rounds": len(measured),
            "hardware": processor(),
        }
        for (name, workers), measured in found.items()
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--size", type=int, default=112, help="side of the model's square")
    parser.add_argument("--shard-mb", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to write the pack; a local disk")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
