"""Features that are kept: training does not notice, and nothing stale is ever read."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from flexpad import methods
from flexpad.data.loader import Items, batches, collate
from flexpad.data.manifest import Manifest, Row
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, set_trainable
from flexpad.encoders.feature_cache import FrozenPart, frozen_part, keep
from flexpad.encoders.text import small_tokenizer
from flexpad.recipe import AugmentRecipe, MethodRecipe
from flexpad.types import BadInput
from tests import tiny

MIRRORED = AugmentRecipe(enlarge=1, rotation=0, flip=0.5, colour=0, infrared=0)
OPTIONS = {"fmm_rpl": tiny.OPTIONS}


@pytest.fixture
def items(tmp_path):
    """Six rows, of which every second lacks depth."""
    rows = []
    for index in range(6):
        paths = {name: f"{index}-{name}.png" for name in ("rgb", "depth", "ir")}
        if index % 2:
            del paths["depth"]
        for path in paths.values():
            Image.effect_noise((40, 40), 60).save(tmp_path / path)
        kind = ("bonafide", "") if index < 3 else ("attack", "replay")
        rows.append(Row(f"s{index}", "synth", "train", f"p{index}", f"v{index}", 0, *kind, **paths))
    return Items(Manifest(tmp_path, tuple(rows)), tiny.SIZE, MIRRORED, seed=0)


def build(name: str, trainable: str = "none") -> methods.Method:
    torch.manual_seed(0)
    clip = Clip(replace(tiny.CONFIG, stem="convolutions"))
    set_trainable(clip, trainable)
    encoder = Encoder(clip, small_tokenizer())
    return methods.build(MethodRecipe(name, OPTIONS.get(name, {})), encoder).train()


def part_of(method: methods.Method) -> FrozenPart:
    return frozen_part(method.clip, whole=not method.reaches_into_tower, copies=method.copies)


def losses(method, items, autocast, skipped=nullcontext) -> list[float]:
    """Train for two epochs."""
    weights = [weight for weight in method.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(weights, lr=0.05)
    found = []
    for epoch in range(2):
        items.epoch = epoch
        for batch in batches(DataLoader(items, 3, collate_fn=collate)):
            torch.manual_seed(len(found))
            with autocast(), skipped():
                loss = sum(method.loss(batch, method(batch)).values())
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            found.append(loss.item())
    return found


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("name", ["fmm_rpl", "shared_vit", "multi_branch", "fm_vit"])
def test_training_does_not_notice(name, bf16, items, tmp_path):
    autocast = partial(torch.autocast, "cpu", torch.bfloat16, enabled=bf16)
    expected = losses(build(name), items, autocast)
    method = build(name)
    part = part_of(method)
    kept = keep(part, items, tmp_path / "run", autocast)
    assert kept.kept.dtype is (torch.bfloat16 if bf16 else torch.float32)
    assert losses(method, kept, autocast, part.skipped) == pytest.approx(expected, rel=1e-5)
    assert len(set(expected)) == len(expected)
    # The batch now holds no images, so that a part that is not skipped could not have run.
    assert next(batches(DataLoader(kept, 2, collate_fn=collate))).images.shape[2:] != (3, 32, 32)


def test_a_frozen_tower_is_kept_whole_only_for_a_method_that_stays_out_of_it():
    probe, reaching = build("shared_vit"), build("fmm_rpl")
    assert part_of(probe).module is probe.clip.vision
    assert part_of(reaching).module is reaching.clip.vision.patchify
    assert part_of(build("shared_vit", "last_1")).module is not probe.clip.vision


def test_copies_of_what_is_kept_are_skipped_too():
    branched, reaching = build("multi_branch"), build("fm_vit")
    towers = tuple(branched.branches.values())
    stems = tuple(tower.patchify for tower in reaching.branches.values())
    assert part_of(branched).copies == towers
    assert part_of(reaching).copies == stems
    with part_of(branched).skipped():
        kept = torch.randn(2, 17, 16)
        assert all(torch.equal(tower(kept).image, kept[:, 0]) for tower in towers)
    assert all("forward" not in vars(tower) for tower in towers)


def test_weights_are_saved_and_images_judged_as_before(items):
    method = build("fmm_rpl")
    names, part = list(method.state_dict()), part_of(method)
    batch = collate([items[0], items[1]])
    with torch.no_grad():
        before = method.eval()(batch).fused
        with part.skipped():
            assert list(method.state_dict()) == names
        assert torch.equal(method(batch).fused, before)


def test_a_second_run_computes_nothing(items, tmp_path, monkeypatch):
    part = part_of(build("fmm_rpl"))
    first = keep(part, items, tmp_path / "run", nullcontext)
    monkeypatch.setattr(Items, "__getitem__", None)
    again = keep(part, items, tmp_path / "run", nullcontext)
    assert torch.equal(first.kept, again.kept)


@pytest.mark.parametrize("change", ["weights", "augment", "rows"])
def test_what_is_stale_is_not_read(change, items, tmp_path):
    method = build("fmm_rpl")
    run = tmp_path / "run"
    keep(part_of(method), items, run, nullcontext)
    (old,) = run.iterdir()
    if change == "weights":
        with torch.no_grad():
            next(method.clip.vision.patchify.parameters()).add_(1)
    elif change == "augment":
        items.augment = replace(MIRRORED, flip=1.0)
    else:
        items.manifest = Manifest(items.manifest.root, items.manifest.rows[:4])
    keep(part_of(method), items, run, nullcontext)
    (new,) = run.iterdir()
    assert new.name != old.name


def test_nothing_is_left_of_a_row_that_cannot_be_used(items, tmp_path):
    (tmp_path / "3-rgb.png").write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"3-rgb\.png"):
        keep(part_of(build("fmm_rpl")), items, tmp_path / "run", nullcontext)
    assert list((tmp_path / "run").iterdir()) == []


def test_refuses_a_disk_without_room(items, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("flexpad.encoders.feature_cache.shutil.disk_usage", lambda _: usage)
    with pytest.raises(BadInput, match="make room"):
        keep(part_of(build("fmm_rpl")), items, tmp_path / "run", nullcontext)


@pytest.mark.parametrize(
    ("key", "value"), [("enlarge", 1.1), ("rotation", 5.0), ("colour", 0.1), ("infrared", 0.1)]
)
def test_refuses_augmentation_that_draws_more_than_a_mirror(key, value, items, tmp_path):
    items.augment = replace(MIRRORED, **{key: value})
    with pytest.raises(BadInput, match=f"augment.{key}"):
        keep(part_of(build("fmm_rpl")), items, tmp_path / "run", nullcontext)


def test_refuses_an_encoder_that_is_trained():
    with pytest.raises(BadInput, match="trainable: none"):
        part_of(build("fmm_rpl", "all"))
