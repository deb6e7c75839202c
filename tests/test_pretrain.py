"""Pre-training: what is said is true of what is shown, nothing gives attacks away, runs repeat."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad.pretrain import captions, corpus, pairs
from flexpad.pretrain import settings as known
from flexpad.pretrain import train as pretraining
from flexpad.pretrain.retrieval import retrieval
from flexpad.pretrain.scene import Face, Scene, colour_name, mirrored, without_colour
from flexpad.synth.config import SynthConfig
from flexpad.synth.families import subjects_of
from flexpad.synth.generate import person_of
from flexpad.types import BadInput

NO_ONE = Scene(None, "lamp", "left", "grey wall", False, False, "sharp", "clean")


def somebody(**changes: object) -> Scene:
    face = Face(
        person="woman",
        age="old",
        skin="dark",
        texture="wrinkled",
        hair="tied",
        hair_colour="grey",
        eyes="green",
        beard="",
        glasses=True,
        expression="smile",
        turned="left",
        tilted="up",
        distance="near",
    )
    return replace(NO_ONE, face=replace(face, **changes))  # type: ignore[arg-type]


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> Iterator[None]:
    """Parts of 16 views."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "PART", 16)
        patch.setattr(known, "PART", 16)
        yield


@pytest.fixture(scope="module")
def two_parts(small_parts: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """A corpus of two small parts."""
    folder = tmp_path_factory.mktemp("corpus")
    corpus.build(folder, seed=5, size=32, workers=1)
    return folder


def views_of(folder: Path) -> corpus.Corpus:
    return corpus.build(folder, seed=5, size=32, workers=1)


@given(seed=st.integers(0, 2**31), glasses=st.booleans(), turned=st.sampled_from(["", "left"]))
@settings(max_examples=60)
def test_a_sentence_says_only_what_is_so(seed: int, glasses: bool, turned: str) -> None:
    said = captions.caption(
        somebody(glasses=glasses, turned=turned), np.random.default_rng(seed)
    ).split()
    assert "woman" in said
    assert "man" not in said
    assert "beard" not in said
    assert "right" not in said
    for word, other in (("wearing", "without"),):
        assert (word if not glasses else other) not in said
    if not turned:
        assert not {"turned", "left"} <= set(said) or "lit" in said


def test_every_word_a_sentence_can_hold_is_known() -> None:
    tokenizer = captions.tokenizer()
    unknown = tokenizer.token_to_id("<unknown>")
    rng = np.random.default_rng(0)
    for scene in (somebody(), somebody(hair="bald"), NO_ONE, without_colour(somebody())):
        for _ in range(200):
            ids = tokenizer.encode(captions.caption(scene, rng)).ids
            assert unknown not in ids
            assert len(ids) <= captions.LENGTH


def forbidden(words: Sequence[str]) -> list[str]:
    """Words that name a class or an instrument."""
    banned = r"bona|fide|real|live|genuine|attack|fake|spoof|mask|print|paper|replay|screen|tablet"
    banned += r"|phone|laptop|mannequin|silicone|resin|cut|photo|picture|display"
    return [word for word in words if re.search(rf"^({banned})", word)]


def test_no_sentence_can_name_a_class_or_an_instrument() -> None:
    assert forbidden(["man", "mask", "printed"]) == ["mask", "printed"]
    assert forbidden(captions.vocabulary()) == ["fake", "live"]  # of class sentences
    rng = np.random.default_rng(0)
    for _ in range(200):
        assert not forbidden(captions.caption(somebody(), rng).split())


def test_a_mirror_changes_sides_and_grey_takes_colours() -> None:
    there = mirrored(somebody())
    assert there.face is not None
    assert (there.face.turned, there.from_side) == ("right", "right")
    assert mirrored(there) == somebody()
    rng = np.random.default_rng(0)
    said = " ".join(captions.caption(without_colour(somebody()), rng) for _ in range(50))
    assert "green" not in said
    assert "grey wall" not in said


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0.05, 0.05, 0.05), "black"),
        ((0.6, 0.58, 0.59), "white"),
        ((0.5, 0.1, 0.1), "red"),
        ((0.1, 0.2, 0.6), "blue"),
        ((0.1, 0.4, 0.1), "green"),
        ((0.3, 0.2, 0.12), "brown"),
    ],
)
def test_colours_are_called_what_people_call_them(
    rgb: tuple[float, float, float], name: str
) -> None:
    assert colour_name(np.array(rgb, np.float32)) == name


def test_a_view_is_found_by_its_number_and_its_person_is_in_no_benchmark(two_parts: Path) -> None:
    views = views_of(two_parts)
    shown = int(np.flatnonzero(views.people >= 0)[-1])
    who = int(views.people[shown])
    person = corpus.person_of(5, who)
    image, scene = corpus.render(5, shown, person)
    assert (image == views.images[shown]).all()
    assert scene == views.scenes[shown]
    for family in ("surf", "cefa", "wmca"):
        config = SynthConfig(family=family, seed=5)  # type: ignore[arg-type]
        subject = subjects_of(config)[who]
        assert not np.array_equal(person_of(config, subject).shape, person.shape)


def test_held_out_people_are_not_learned_from(two_parts: Path) -> None:
    held_out, learned = views_of(two_parts).split(16)
    both = set(held_out.people.tolist()) & set(learned.people.tolist())
    assert both <= {-1}


def test_another_seed_does_not_continue_a_corpus(two_parts: Path) -> None:
    with pytest.raises(BadInput, match=r"corpus\.json: is of another corpus"):
        corpus.build(two_parts, seed=6, size=32, workers=1)


def test_a_damaged_part_is_named(two_parts: Path, tmp_path: Path) -> None:
    part = tmp_path / "part_0000"
    part.mkdir()
    (part / "images.npy").write_bytes((two_parts / "part_0000" / "images.npy").read_bytes()[:500])
    with pytest.raises(BadInput, match="part_0000: cannot be read"):
        corpus.read([part])


def test_every_view_comes_once_before_any_comes_again() -> None:
    seen = np.concatenate([pairs.rows_of_step(12, 4, seed=0, step=step) for step in range(3)])
    assert sorted(seen.tolist()) == list(range(12))


def test_the_loss_is_that_of_a_hand_worked_batch() -> None:
    """Two pairs at a right angle, scale 1: each row is log(1 + exp(-1))."""
    features = torch.eye(2)
    loss = pretraining.contrastive_loss(features, features, torch.tensor(0.0))
    assert loss.item() == pytest.approx(np.log(1 + np.exp(-1)), abs=1e-6)


def test_dropping_keeps_the_class_token_and_a_share_of_patches() -> None:
    tokens = torch.arange(2 * 9).view(2, 9, 1).float()
    kept = pretraining.PartOfPatches(0.5, seed=0, step=0).before(0, tokens)
    assert kept.shape == (2, 5, 1)
    assert torch.equal(kept[:, 0], tokens[:, 0])
    assert all(len(set(row.flatten().tolist())) == 5 for row in kept)


def tiny() -> known.PretrainSettings:
    return replace(
        known.find("clip-nano"),
        seed=5,
        views=16,
        held_out=16,
        steps=4,
        batch=8,
        mixed_precision="no",
        vision=replace(known.find("clip-nano").vision, width=32, layers=1, heads=2, mlp_width=32),
        text=replace(known.find("clip-nano").text, width=16, layers=1, heads=2, mlp_width=16),
    )


def test_a_run_repeats_itself_and_goes_on_where_it_stopped(
    two_parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretraining, "SAVE_MINUTES", 0.0)
    monkeypatch.setattr(pretraining, "LOG_STEPS", 1)
    runs = [tmp_path / name for name in ("whole", "again", "stopped")]
    for run in runs:
        run.mkdir()
        (run / "corpus").symlink_to(two_parts)
    found = pretraining.pretrain(tiny(), runs[0], workers=1)
    assert set(found) == {"image_to_text@16", "text_to_image@16"}
    assert pretraining.pretrain(tiny(), runs[1], workers=1) == found

    step, calls = pretraining._step, iter(range(10))

    def stop_at_third(*given: object) -> float:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return step(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(pretraining, "_step", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        pretraining.pretrain(tiny(), runs[2], workers=1)
    assert not (runs[2] / "model.safetensors").exists()
    monkeypatch.setattr(pretraining, "_step", step)
    pretraining.pretrain(tiny(), runs[2], workers=1)
    weights = [(run / "model.safetensors").read_bytes() for run in runs]
    assert weights[0] == weights[1] == weights[2]
    for name in ("metrics.jsonl", "metrics.csv"):
        assert len({(run / name).read_bytes() for run in runs}) == 1
    lines = [json.loads(line) for line in (runs[0] / "metrics.jsonl").read_text().splitlines()]
    assert [(line["step"], line["epoch"]) for line in lines] == [(1, 1), (2, 1), (3, 2), (4, 2)]
    assert json.loads((runs[0] / "retrieval.json").read_text()) == found
    with pytest.raises(BadInput, match=r"pretrain\.yaml: is of a run with other settings"):
        pretraining.pretrain(replace(tiny(), steps=5), runs[0], workers=1)


def test_a_state_that_cannot_be_read_is_named(two_parts: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus").symlink_to(two_parts)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "last.pt").write_bytes(b"half a file")
    with pytest.raises(BadInput, match="state: cannot be read; delete it"):
        pretraining.pretrain(tiny(), tmp_path, workers=1)


def test_retrieval_of_a_clip_that_knows_nothing_is_chance(two_parts: Path) -> None:
    from flexpad.encoders import Encoder
    from flexpad.encoders.clip import Clip

    torch.manual_seed(0)
    encoder = Encoder(Clip(tiny().clip).eval(), captions.tokenizer())
    found = retrieval(encoder, views_of(two_parts), galleries=(32,))
    assert all(share <= 0.25 for share in found.values())


def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    text = known.BUILT_IN.read_text(encoding="utf-8").replace("dropped: 0.5", "dropped: 1.0")
    path = tmp_path / "other.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="keys 'dropped' and 'whole' should be shares"):
        known.find(str(path))
