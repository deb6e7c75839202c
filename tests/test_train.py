"""The loop: its schedule, what it writes, and that it goes on where it was stopped."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from flexpad import history, methods
from flexpad import train as training
from flexpad.data.manifest import Manifest
from flexpad.recipe import EncoderRecipe, MethodRecipe, Recipe, TrainRecipe
from flexpad.train import Best, learning_rate_factor, parameter_groups, train
from flexpad.types import BadInput
from tests import tiny

RECIPE = Recipe(
    protocol="synth-surf@1",
    method=MethodRecipe(options={"rank": 4, "depth": 2}),
    train=TrainRecipe(epochs=2, pairs=3, ema=0.9),
)


def test_schedule_rises_then_falls():
    factors = [learning_rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == pytest.approx(1.0)
    assert factors[55] == pytest.approx(0.5, abs=1e-2)
    assert factors == sorted(factors[:10]) + sorted(factors[10:], reverse=True)
    assert 0 < factors[-1] < 0.01


def test_only_matrices_decay_and_routers_have_their_rate():
    method = methods.build(MethodRecipe(options=tiny.OPTIONS), tiny.encoder())
    settings = TrainRecipe(learning_rate=1.0, router_rate=0.5, encoder_rate=0.1, weight_decay=0.3)
    name_of = {id(parameter): name for name, parameter in method.named_parameters()}
    found = {
        name_of[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in parameter_groups(method, settings)
        for parameter in group["params"]
    }
    assert len(found) == len(name_of)
    assert found["experts.routers.0.gate.weight"] == (0.5, 0.3)
    assert found["experts.routers.0.gate.bias"] == (0.5, 0.0)
    assert found["prompts.visual"] == (1.0, 0.0)
    assert found["experts.mixtures.0.widen.weight"] == (1.0, 0.3)
    assert found["clip.vision.blocks.0.mlp.widen.weight"] == (0.1, 0.3)
    assert found["clip.vision.norm_after.weight"] == (0.1, 0.0)
    assert found["clip.text.words.weight"] == (0.1, 0.0)


def test_frozen_weights_are_in_no_group():
    encoder = tiny.encoder()
    encoder.clip.requires_grad_(False)
    method = methods.build(MethodRecipe(options=tiny.OPTIONS), encoder)
    grouped = sum(len(group["params"]) for group in parameter_groups(method, TrainRecipe()))
    assert grouped == sum(not name.startswith("clip.") for name, _ in method.named_parameters())


def test_best_is_lowest_error_then_lowest_loss():
    best = Best(0, 0.2, 1.0)
    assert best.beaten_by(0.1, 9.0)
    assert best.beaten_by(0.2, 0.5)
    assert not best.beaten_by(0.2, 1.0)
    assert not best.beaten_by(0.3, 0.1)


def test_what_a_run_leaves(trained):
    names = {path.name for path in trained.folder.iterdir()}
    assert {"model.safetensors", "recipe.yaml", "encoder.yaml", "tokenizer.json"} <= names
    assert training.STATE not in names
    epochs = list(history.read(trained.folder))
    assert [line["epoch"] for line in epochs] == [0, 1]
    assert set(epochs[0]["loss"]) >= {"global", "local", "fusion", "balance"}
    for usage in epochs[0]["expert_usage"].values():
        assert len(usage) == 4
        assert sum(usage) == pytest.approx(1.0, abs=1e-3)


def test_a_stopped_run_goes_on_to_the_same_weights(trained, tmp_path, monkeypatch):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(trained.manifest, RECIPE, whole)
    save = training._save_state

    def save_and_stop(accelerator, out, best, epoch):
        save(accelerator, out, best, epoch)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "_save_state", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train(trained.manifest, RECIPE, stopped)
    monkeypatch.undo()
    train(trained.manifest, RECIPE, stopped)
    expected = load_file(whole / "model.safetensors")
    found = load_file(stopped / "model.safetensors")
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert (whole / "history.jsonl").read_text() == (stopped / "history.jsonl").read_text()


def test_seed_decides(trained, tmp_path):
    short = replace(RECIPE, train=replace(RECIPE.train, epochs=1))
    runs = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(trained.manifest, replace(short, seed=seed), tmp_path / name)
        runs[name] = load_file(tmp_path / name / "model.safetensors")["prompts.visual"]
    assert torch.equal(runs["a"], runs["b"])
    assert not torch.equal(runs["a"], runs["c"])


def test_frozen_encoder_stays_as_it_was(trained, tmp_path):
    recipe = replace(
        RECIPE,
        encoder=EncoderRecipe(trainable="none"),
        train=replace(RECIPE.train, epochs=1, ema=0.0),
    )
    train(trained.manifest, recipe, tmp_path / "run")
    kept = load_file(tmp_path / "run" / "model.safetensors")
    training.set_seed(recipe.seed)
    fresh = training.encoders.build(recipe.encoder).clip.state_dict()
    assert all(torch.equal(kept[f"clip.{name}"], value) for name, value in fresh.items())


class TestRefusals:
    def test_finished_run_is_not_overwritten(self, trained):
        before = (trained.folder / "model.safetensors").read_bytes()
        with pytest.raises(BadInput, match="holds a finished run"):
            train(trained.manifest, RECIPE, trained.folder)
        assert (trained.folder / "model.safetensors").read_bytes() == before

    def test_another_recipe(self, trained):
        with pytest.raises(BadInput, match="holds a run of another recipe"):
            train(trained.manifest, replace(RECIPE, seed=5), trained.folder)

    @pytest.mark.parametrize("split", ["train", "dev", "test"])
    def test_split_missing(self, trained, tmp_path, split):
        rows = tuple(row for row in trained.manifest if row.split != split)
        manifest = Manifest(trained.manifest.root, rows, name="m.csv")
        with pytest.raises(BadInput, match=f"m.csv: has no rows with split '{split}'"):
            train(manifest, RECIPE, tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_class_missing_in_dev(self, trained, tmp_path):
        rows = tuple(row for row in trained.manifest if row.split != "dev" or row.is_bonafide)
        manifest = Manifest(trained.manifest.root, rows, name="m.csv")
        with pytest.raises(BadInput, match=r"m.csv: split 'dev' has no attack rows"):
            train(manifest, RECIPE, tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_unreadable_image_leaves_no_model(self, trained, tmp_path):
        first = next(row for row in trained.manifest if row.split == "train")
        rows = tuple(
            replace(row, rgb="none.jpg") if row == first else row for row in trained.manifest
        )
        with pytest.raises(BadInput, match=r"none\.jpg: cannot be read"):
            train(Manifest(trained.manifest.root, rows), RECIPE, tmp_path / "run")
        assert not (tmp_path / "run" / "model.safetensors").exists()

    def test_loss_that_is_no_number(self, trained, tmp_path):
        wild = replace(RECIPE, train=replace(RECIPE.train, learning_rate=1e30, warmup=0.0))
        with pytest.raises(BadInput, match=r"the loss is (nan|inf); lower learning_rate"):
            train(trained.manifest, wild, tmp_path / "run")


def test_history_is_json_lines(trained):
    for line in (trained.folder / "history.jsonl").read_text().splitlines():
        assert "NaN" not in line
        json.loads(line)
