"""Rows to batches: balance, absence, draws that can be repeated, rows that cannot be used."""

from collections import Counter

import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from flexpad.data.balance import BalancedBatches
from flexpad.data.loader import Items, batches, collate, restrict
from flexpad.data.manifest import Manifest, Row
from flexpad.recipe import AugmentRecipe, TrainRecipe
from flexpad.types import BadInput


@pytest.fixture
def manifest(tmp_path):
    """Three bona fide rows and seven attacks; every third row lacks depth."""
    rows = []
    for index in range(10):
        names = {}
        for modality in ("rgb", "depth", "ir"):
            if modality == "depth" and index % 3 == 0:
                continue
            name = f"{index}-{modality}.png"
            Image.effect_noise((24, 24), 60).save(tmp_path / name)
            names[modality] = name
        bonafide = index < 3
        rows.append(
            Row(
                sample_id=f"s{index}",
                dataset="synth",
                split="train",
                subject_id=f"p{index // 2}",
                video_id=f"v{index // 2}",
                frame=index,
                label="bonafide" if bonafide else "attack",
                pai_species="" if bonafide else "replay",
                **names,
            )
        )
    return Manifest(tmp_path, tuple(rows))


def test_items(manifest):
    item = Items(manifest, 16, AugmentRecipe())[0]
    assert item.images.shape == (3, 3, 16, 16)
    assert item.present.tolist() == [True, False, True]
    assert (item.images[1] == 0).all()
    assert (item.target, item.sample_id) == (1, "s0")


def test_draws_depend_on_seed_epoch_and_row_alone(manifest):
    def first_image(seed, epoch=0, workers=0):
        items = Items(manifest, 16, AugmentRecipe(), seed=seed)
        items.epoch = epoch
        loader = DataLoader(items, batch_size=5, collate_fn=collate, num_workers=workers)
        return next(batches(loader)).images

    assert torch.equal(first_image(0), first_image(0))
    assert torch.equal(first_image(0), first_image(0, workers=2))
    assert not torch.equal(first_image(0), first_image(1))
    assert not torch.equal(first_image(0), first_image(0, epoch=1))


class TestBalance:
    def test_as_many_of_each_class(self, manifest):
        sampler = BalancedBatches(manifest, TrainRecipe(pairs=2, sampling="frames"), seed=0)
        order = list(sampler)
        assert len(order) == len(sampler) == 4  # 7 attacks, 2 a batch
        for indices in order:
            # In turns, so that whatever part of it a process takes has as many of each too.
            assert [manifest.rows[index].is_bonafide for index in indices] == [True, False] * 2

    def test_every_row_of_the_larger_class_is_seen(self, manifest):
        sampler = BalancedBatches(manifest, TrainRecipe(pairs=7, sampling="frames"), seed=0)
        seen = Counter(index for indices in sampler for index in indices)
        assert all(seen[index] == 1 for index in range(3, 10))
        assert sum(seen[index] for index in range(3)) == 7
        assert min(seen[index] for index in range(3)) == 2

    def test_videos_give_one_frame_each(self, manifest):
        sampler = BalancedBatches(manifest, TrainRecipe(pairs=4, sampling="videos"), seed=0)
        assert len(sampler) == 1  # the attacks are in four videos
        attacks = [index for index in next(iter(sampler)) if index >= 3]
        assert sorted(manifest.rows[index].video_id for index in attacks) == [
            "v1",
            "v2",
            "v3",
            "v4",
        ]

    def test_another_epoch_another_order(self, manifest):
        sampler = BalancedBatches(manifest, TrainRecipe(pairs=2, sampling="frames"), seed=0)
        first = list(sampler)
        assert first == list(sampler)
        sampler.epoch = 1
        assert first != list(sampler)

    def test_needs_both_classes(self, manifest):
        bonafide = Manifest(manifest.root, manifest.rows[:3])
        with pytest.raises(BadInput, match="no attack rows"):
            BalancedBatches(bonafide, TrainRecipe(pairs=2, sampling="frames"), seed=0)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_row_that_cannot_be_read_is_one_line(manifest, workers):
    (manifest.root / "4-ir.png").write_bytes(b"broken")
    loader = DataLoader(
        Items(manifest, 16, AugmentRecipe()), 5, collate_fn=collate, num_workers=workers
    )
    with pytest.raises(BadInput, match=r"4-ir\.png: is not an image") as error:
        list(batches(loader))
    assert "\n" not in str(error.value)


def test_views_that_differ_name_the_row(manifest):
    Image.new("L", (24, 12)).save(manifest.root / "4-ir.png")
    found = Items(manifest, 16, AugmentRecipe())[4]
    assert isinstance(found, BadInput)
    assert "row 's4'" in str(found)


def test_restrict_hides_but_never_shows(manifest):
    batch = next(batches(DataLoader(Items(manifest, 16, AugmentRecipe()), 2, collate_fn=collate)))
    hidden = restrict(batch, [True, True, False])
    assert hidden.present.tolist() == [[True, False, False], [True, True, False]]
