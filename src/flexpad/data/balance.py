"""Which rows a training batch is made of, and in which order they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

import numpy as np
import polars as pl
from torch.utils.data import Sampler

from flexpad.data.manifest import Manifest
from flexpad.recipe import TrainRecipe
from flexpad.types import ATTACK, BONAFIDE, MODALITIES, BadInput


class BalancedBatches(Sampler[list[int]]):
    """As many bona fide as attack rows in every batch; the rarer class comes round again.

    A batch is a function of seed, epoch and place. In it the classes take turns, so that equal
    parts of a batch are balanced too.

    Args:
        manifest: Training rows, both classes.
        recipe: Its ``pairs``, ``sampling`` and ``buffer``. With ``frames`` every row of the larger
            class comes once an epoch; with ``videos`` one row of each of its videos, drawn anew;
            ``shards`` is ``frames`` in an order that reads tar files from front to back.
        seed: With the epoch it decides the order.

    Raises:
        BadInput: A class is missing, or ``shards`` is asked of rows that are in none.
    """

    def __init__(self, manifest: Manifest, recipe: TrainRecipe, seed: int) -> None:
        manifest.require_both_classes()
        self.pairs = recipe.pairs
        self.seed = seed
        self.epoch = 0
        self.streams: list[Stream] = [
            Sequential(_by_shard(manifest, label), recipe.buffer)
            if recipe.sampling == "shards"
            else Shuffled(_sources(manifest, label, recipe.sampling))
            for label in (BONAFIDE, ATTACK)
        ]

    def __len__(self) -> int:
        return -(-max(len(stream) for stream in self.streams) // self.pairs)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed, self.epoch))
        wanted = len(self) * self.pairs
        bonafide, attacks = (_draw(stream, wanted, rng) for stream in self.streams)
        for start in range(0, wanted, self.pairs):
            chosen = slice(start, start + self.pairs)
            yield list(chain(*zip(bonafide[chosen], attacks[chosen], strict=True)))


class Parts(Sampler[list[int]]):
    """What one of several processes reads: its part of every batch, or of every part of a batch.

    Args:
        batches: Of all processes together.
        accumulate: Into how many parts a batch is cut that are computed one after another.
        process: Which process this is, from 0.
        processes: Of how many.

    Attributes:
        first: Batch of the epoch to begin with; nothing is read of those before it.
        items: Rows in a part.
        places: Where this process's parts begin in a batch.

    Raises:
        BadInput: The pairs of a batch cannot be divided evenly.
    """

    def __init__(
        self, batches: BalancedBatches, accumulate: int, process: int, processes: int
    ) -> None:
        if batches.pairs % (accumulate * processes):
            raise BadInput(
                f"key 'pairs': {batches.pairs} pairs cannot be divided evenly among {processes}"
                f" processes with accumulate {accumulate}; choose a multiple of"
                f" {accumulate * processes}"
            )
        self.batches = batches
        self.process = process
        self.accumulate = accumulate
        self.items = 2 * batches.pairs // (accumulate * processes)
        self.first = 0
        self.places = [(part * processes + process) * self.items for part in range(accumulate)]

    def __len__(self) -> int:
        return (len(self.batches) - self.first) * self.accumulate

    def __iter__(self) -> Iterator[list[int]]:
        for batch in islice(self.batches, self.first, None):
            for start in self.places:
                yield batch[start : start + self.items]


class Stream(Protocol):
    """The rows of one class."""

    def __len__(self) -> int:
        """How many rows one pass gives."""
        ...

    def once(self, rng: np.random.Generator) -> list[int]:
        """Give the rows of one pass in the order they come."""
        ...


@dataclass(frozen=True)
class Shuffled:
    """Sources in any order, a random row of each.

    Attributes:
        sources: Rows, each alone or with the others of its video.
    """

    sources: Sequence[Sequence[int]]

    def __len__(self) -> int:
        return len(self.sources)

    def once(self, rng: np.random.Generator) -> list[int]:
        """See :class:`Stream`."""
        return [
            self.sources[place][int(rng.integers(len(self.sources[place])))]
            for place in rng.permutation(len(self.sources)).tolist()
        ]


@dataclass(frozen=True)
class Sequential:
    """Shards in any order, the rows of each as they lie in it, stirred in a buffer.

    Attributes:
        shards: The rows of each shard.
        buffer: How many rows are held back; the next row is a random one of them.
    """

    shards: Sequence[Sequence[int]]
    buffer: int

    def __len__(self) -> int:
        return sum(map(len, self.shards))

    def once(self, rng: np.random.Generator) -> list[int]:
        """See :class:`Stream`."""
        lying = [row for place in rng.permutation(len(self.shards)) for row in self.shards[place]]
        held, coming = lying[: self.buffer], lying[self.buffer :]
        order = []
        for row, slot in zip(coming, rng.integers(len(held), size=len(coming)), strict=True):
            order.append(held[slot])
            held[slot] = row
        return [*order, *(held[slot] for slot in rng.permutation(len(held)))]


def _draw(stream: Stream, wanted: int, rng: np.random.Generator) -> list[int]:
    """Go through a stream again and again."""
    order: list[int] = []
    while len(order) < wanted:
        order += stream.once(rng)
    return order[:wanted]


def _sources(manifest: Manifest, label: str, sampling: str) -> list[list[int]]:
    """List the rows of a class, each alone or with the others of its video."""
    table = manifest.rows.table
    names = table["video_id" if sampling == "videos" else "sample_id"]
    by_source: dict[str, list[int]] = defaultdict(list)
    for index, (name, of) in enumerate(zip(names, table["label"], strict=True)):
        if of == label:
            by_source[name].append(index)
    return list(by_source.values())


def _by_shard(manifest: Manifest, label: str) -> list[list[int]]:
    """List the rows of a class by the tar file they are in, in the order of its members."""
    given = (pl.when(pl.col(name) != "").then(pl.col(name)) for name in MODALITIES)
    lying = (
        manifest.rows.table.select("label", path=pl.coalesce(given))
        .with_row_index("row")
        .with_columns(shard=pl.col("path").str.extract(r"^(.*\.tar)::"))
    )
    if lying["shard"].has_nulls():
        raise BadInput(
            f"{manifest.name}: sampling 'shards' reads tar files from front to back, and these rows"
            " are in none; 'flexpad pack' makes them, or choose frames or videos"
        )
    of_class = lying.filter(pl.col("label") == label).sort("shard", "path")
    return of_class.group_by("shard", maintain_order=True).agg("row")["row"].to_list()
