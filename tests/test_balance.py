"""Rows in the order their shards lie: nothing lost, both classes, never far from reading on."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader

from flexpad.data import packing
from flexpad.data.balance import BalancedBatches, Sequential
from flexpad.data.loader import Items, batches, collate
from flexpad.data.manifest import Manifest, Row
from flexpad.recipe import AugmentRecipe, TrainRecipe
from flexpad.types import BadInput


def stream_of(sizes, buffer):
    edges = np.cumsum([0, *sizes])
    return Sequential([list(range(a, b)) for a, b in pairwise(edges)], buffer)


sizes = st.lists(st.integers(1, 12), min_size=1, max_size=6)


class TestSequential:
    @given(sizes, st.integers(1, 30), st.integers(0, 99))
    def test_a_pass_has_every_row_once(self, sizes, buffer, seed):
        order = stream_of(sizes, buffer).once(np.random.default_rng(seed))
        assert sorted(order) == list(range(sum(sizes)))

    @given(sizes, st.integers(1, 30), st.integers(0, 99))
    def test_never_reads_further_ahead_than_the_buffer(self, sizes, buffer, seed):
        stream = stream_of(sizes, buffer)
        lying = Sequential(stream.shards, 1).once(np.random.default_rng(seed))  # as they are read
        place = {row: read for read, row in enumerate(lying)}
        order = stream.once(np.random.default_rng(seed))
        assert all(place[row] <= given + buffer for given, row in enumerate(order))

    def test_a_buffer_of_one_reads_as_they_lie(self):
        order = stream_of([4, 4, 4], 1).once(np.random.default_rng(0))
        shards = [order[i : i + 4] for i in (0, 4, 8)]
        assert sorted(shards) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]

    def test_a_buffer_mixes_shards(self):
        order = stream_of([50, 50], 30).once(np.random.default_rng(0))
        first = {row // 50 for row in order[:50]}
        assert first == {0, 1}
        assert order != sorted(order)

    def test_passes_differ(self):
        stream, rng = stream_of([9, 9, 9], 5), np.random.default_rng(0)
        assert stream.once(rng) != stream.once(rng)


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """Twelve bona fide rows and thirty attacks in several shards."""
    (tmp_path / "source").mkdir()
    rows = []
    for index in range(42):
        Image.effect_noise((16, 16), 60).save(tmp_path / "source" / f"{index}.png")
        bonafide = index < 12
        rows.append(
            Row(
                sample_id=f"s{index:02d}",
                dataset="synth",
                split="train",
                subject_id=f"p{index // 6}",
                video_id=f"v{index // 3}",
                frame=index,
                label="bonafide" if bonafide else "attack",
                pai_species="" if bonafide else "replay",
                depth=f"{index}.png" if index % 2 else "",
                rgb="" if index % 2 else f"{index}.png",
            )
        )
    monkeypatch.setattr(packing, "MEGABYTE", 4000)
    packed, shards = packing.pack(
        Manifest(tmp_path / "source", rows), tmp_path / "pack", shard_mb=1
    )
    assert len(shards) > 4
    return packed


def sampler_of(pack, seed=0, epoch=0, buffer=4):
    sampler = BalancedBatches(
        pack, TrainRecipe(pairs=5, sampling="shards", buffer=buffer), seed=seed
    )
    sampler.epoch = epoch
    return sampler


class TestShards:
    def test_balanced_and_every_attack_once(self, pack):
        order = list(sampler_of(pack))
        assert len(order) == 6
        for indices in order:
            assert [pack.rows[i].is_bonafide for i in indices] == [True, False] * 5
        attacks = [i for indices in order for i in indices[1::2]]
        assert sorted(attacks) == [i for i, row in enumerate(pack) if not row.is_bonafide]
        bonafide = [i for indices in order for i in indices[::2]]
        counts = np.unique(bonafide, return_counts=True)[1]
        assert len(counts) == 12
        assert set(counts) == {2, 3}  # thirty draws of twelve rows

    def test_reads_its_shards_one_after_another(self, pack):
        order = [i for indices in sampler_of(pack, buffer=1) for i in indices[1::2]]
        members = [(pack.rows[i].rgb or pack.rows[i].depth).split("::") for i in order]
        files = [file for file, _ in members]
        visits = [file for n, file in enumerate(files) if n == 0 or files[n - 1] != file]
        assert len(visits) == len(set(files))
        for file in visits:
            names = [name for of, name in members if of == file]
            assert names == sorted(names)

    def test_seed_and_epoch_decide(self, pack):
        first = list(sampler_of(pack))
        assert first == list(sampler_of(pack))
        assert first != list(sampler_of(pack, epoch=1))
        assert first != list(sampler_of(pack, seed=1))

    def test_workers_change_nothing(self, pack):
        def shown(workers):
            items = Items(pack, 16, AugmentRecipe(), seed=3)
            loader = DataLoader(
                items, batch_sampler=sampler_of(pack), collate_fn=collate, num_workers=workers
            )
            return list(batches(loader))

        alone = shown(0)
        for workers in (1, 2):
            for one, other in zip(alone, shown(workers), strict=True):
                assert one.ids == other.ids
                assert torch.equal(one.images, other.images)
                assert torch.equal(one.present, other.present)

    def test_rows_outside_shards_are_refused(self, pack):
        loose = Manifest(pack.root, [*pack, *_loose(pack)], name="loose.csv")
        with pytest.raises(BadInput, match=r"loose\.csv: sampling 'shards' reads tar files"):
            sampler_of(loose)


def _loose(pack):
    return [replace(pack.rows[0], sample_id="loose", rgb="a.png", depth="", video_id="loose")]


@pytest.mark.parametrize("wrong", [{"sampling": "shard"}, {"buffer": 0}])
def test_a_recipe_that_makes_no_sense(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        TrainRecipe(**wrong)
