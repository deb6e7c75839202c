"""The loop: what it trains, what it writes, and what it refuses."""

import csv
import json
import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from flexpad import checkpoint, methods
from flexpad.data import manifest as manifests
from flexpad.data.manifest import Manifest
from flexpad.encoders.clip import Clip, set_trainable
from flexpad.engine import diary, state
from flexpad.engine.draws import Draws
from flexpad.methods.fmm_rpl.model import FmmRpl
from flexpad.recipe import AugmentRecipe, EncoderRecipe, MethodRecipe, TrainRecipe
from flexpad.score import score
from flexpad.train import Objective, parameter_groups, train
from flexpad.types import CONDITIONS, BadInput
from tests import noise, tiny
from tests.noise import RECIPE

pytestmark = pytest.mark.usefixtures("tiny_encoder")


@pytest.fixture(scope="module")
def rows(noise_set):
    return manifests.read(noise_set)


def with_settings(**settings):
    return replace(RECIPE, train=replace(RECIPE.train, **settings))


def weights_of(run):
    return load_file(run / checkpoint.WEIGHTS)


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_only_matrices_decay_and_routers_have_their_rate():
    method = methods.build(MethodRecipe(options=tiny.OPTIONS), tiny.encoder())
    settings = TrainRecipe(learning_rate=1.0, router_rate=0.5, encoder_rate=0.1, weight_decay=0.3)
    name_of = {id(parameter): name for name, parameter in method.named_parameters()}
    found = {
        name_of[id(parameter)]: (group["name"], group["lr"], group["weight_decay"])
        for group in parameter_groups(method, settings)
        for parameter in group["params"]
    }
    assert len(found) == len(name_of)
    assert found["experts.routers.0.gate.weight"] == ("router", 0.5, 0.3)
    assert found["experts.routers.0.gate.bias"] == ("router", 0.5, 0.0)
    assert found["prompts.visual"] == ("method", 1.0, 0.0)
    assert found["experts.mixtures.0.widen.weight"] == ("method", 1.0, 0.3)
    assert found["clip.vision.blocks.0.mlp.widen.weight"] == ("encoder", 0.1, 0.3)
    assert found["clip.vision.norm_after.weight"] == ("encoder", 0.1, 0.0)
    assert found["clip.text.words.weight"] == ("encoder", 0.1, 0.0)


@pytest.mark.parametrize("method", ["fmm_rpl", "shared_vit"])
def test_features_that_are_kept_change_nothing(method, rows, tmp_path, monkeypatch):
    def frozen_encoder(_):
        encoder = tiny.encoder()
        set_trainable(encoder.clip, "none")
        return encoder

    monkeypatch.setattr("flexpad.encoders.build", frozen_encoder)
    frozen = replace(
        RECIPE,
        method=RECIPE.method if method == RECIPE.method.name else MethodRecipe(method),
        augment=AugmentRecipe(enlarge=1, rotation=0, flip=0.5, colour=0, infrared=0),
    )
    found = []
    for kept in (False, True):
        recipe = replace(frozen, train=replace(frozen.train, keep_features=kept))
        train(rows, recipe, tmp_path / str(kept))
        found.append([line["loss"] for line in diary.read(tmp_path / str(kept)) if "loss" in line])
        assert not list((tmp_path / str(kept)).rglob("features-*"))
    plain, with_kept = ([value for line in lines for value in line.values()] for lines in found)
    assert with_kept == pytest.approx(plain, rel=1e-4)


def test_a_method_that_does_not_train_is_judged_and_written_at_once(rows, tmp_path):
    recipe = replace(RECIPE, method=MethodRecipe("zero_shot"))
    best = train(rows, recipe, tmp_path)
    assert [(line["step"], line["epoch"]) for line in diary.read(tmp_path)] == [(0, 0)]
    assert best.epoch == 0
    assert best.error == pytest.approx(
        sum(next(diary.read(tmp_path))["dev"]["eer"][condition] for condition in "RDI") / 3
    )
    before = methods.build(recipe.method, tiny.encoder()).state_dict()
    assert equal(weights_of(tmp_path), before)
    assert not (tmp_path / state.FOLDER).exists()
    with pytest.raises(BadInput, match="holds a finished run"):
        train(rows, recipe, tmp_path, resume=True)


def test_what_a_run_leaves(noise_run):
    assert {path.name for path in noise_run.iterdir()} == {
        "model.safetensors",
        "recipe.yaml",
        "encoder.yaml",
        "weights.yaml",
        "tokenizer.json",
        "metrics.jsonl",
        "metrics.csv",
        "curves.png",
        "experts.png",
    }


class TestDiary:
    def test_says_what_was_trained_and_what_dev_reaches(self, noise_run):
        lines = list(diary.read(noise_run))
        trained = [line for line in lines if "loss" in line]
        assert [line["step"] for line in trained] == [2, 4, 5, 6, 8, 10]
        assert [line["epoch"] for line in trained] == [1, 1, 1, 2, 2, 2]
        for line in trained:
            assert set(line["loss"]) >= {"global", "local", "fusion", "balance"}
            assert set(line["learning_rate"]) == {"encoder", "router", "method"}
            assert line["learning_rate"]["router"] == pytest.approx(
                line["learning_rate"]["method"] / 2, rel=1e-4
            )
            assert line["gradient_norm"] > 0
        judged = [line for line in lines if "dev" in line]
        assert [(line["step"], line["epoch"]) for line in judged] == [(5, 1), (10, 2)]
        assert set(judged[0]["dev"]["eer"]) == set(CONDITIONS)

    def test_expert_usage_is_of_every_modality_and_layer(self, noise_run):
        usage = next(diary.read(noise_run))["expert_usage"]
        assert set(usage) == {"rgb", "depth", "ir"}
        for layers in usage.values():
            assert len(layers) == tiny.CONFIG.vision.layers
            for experts in layers:
                assert sum(experts) == pytest.approx(1.0, abs=1e-4)

    def test_the_table_holds_the_same_numbers(self, noise_run):
        lines = list(diary.read(noise_run))
        with (noise_run / diary.TABLE).open(encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file))
        assert len(table) == len(lines)
        assert float(table[0]["loss/global"]) == lines[0]["loss"]["global"]
        assert float(table[1]["expert_usage/ir/2/3"]) == lines[1]["expert_usage"]["ir"][2][3]
        judged = next(row for row in table if row["dev/eer/RD"])
        assert float(judged["dev/eer/RD"]) == lines[3]["dev"]["eer"]["RD"]
        assert judged["loss/global"] == ""

    def test_is_strict_json(self, noise_run):
        def refuse(constant):
            raise AssertionError(constant)

        for line in (noise_run / diary.LINES).read_text().splitlines():
            json.loads(line, parse_constant=refuse)

    def test_tensorboard_is_told_the_same(self, rows, tmp_path):
        accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
        train(rows, with_settings(epochs=1, tensorboard=True), tmp_path / "run")
        board = accumulator.EventAccumulator(str(tmp_path / "run" / diary.BOARD)).Reload()
        told = {event.step: event.value for event in board.Scalars("loss/fusion")}
        lines = [line for line in diary.read(tmp_path / "run") if "loss" in line]
        assert told == pytest.approx({line["step"]: line["loss"]["fusion"] for line in lines})
        assert len(board.Scalars("dev/eer/RDI")) == 1

    def test_tensorboard_that_is_not_installed(self, rows, tmp_path, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
        with pytest.raises(BadInput, match=r"pip install 'flexpad\[tensorboard\]'"):
            train(rows, with_settings(tensorboard=True), tmp_path / "run")


class TestResult:
    def test_equal_seeds_give_equal_score_tables(self, noise_run, rows, tmp_path):
        train(rows, RECIPE, tmp_path / "again")
        tables = []
        for run in (noise_run, tmp_path / "again"):
            score(checkpoint.load(run), rows, "test", tmp_path / "test.csv")
            tables.append((tmp_path / "test.csv").read_text())
        assert tables[0] == tables[1]
        lines = [(run / diary.LINES).read_text() for run in (noise_run, tmp_path / "again")]
        assert lines[0] == lines[1]

    def test_another_seed_gives_another(self, noise_run, rows, tmp_path):
        train(rows, replace(RECIPE, seed=1), tmp_path / "other")
        name = "prompts.visual"
        assert not torch.equal(weights_of(noise_run)[name], weights_of(tmp_path / "other")[name])

    def test_readers_change_nothing(self, noise_run, rows, tmp_path):
        train(rows, RECIPE, tmp_path / "run", workers=2)
        assert equal(weights_of(noise_run), weights_of(tmp_path / "run"))

    def test_parts_of_a_batch_add_up(self, rows, tmp_path):
        """A loss that is a mean over items does not see that they came one part after another."""
        whole = Manifest(rows.root, [row for row in rows if row.depth], name=rows.name)
        recipe = replace(with_settings(epochs=1, ema=0.0), method=MethodRecipe("shared_vit"))
        runs = {}
        for parts in (1, 2):
            settings = replace(recipe.train, accumulate=parts)
            train(whole, replace(recipe, train=settings), tmp_path / str(parts))
            runs[parts] = weights_of(tmp_path / str(parts))
        keys = slice(tiny.CONFIG.vision.width, 2 * tiny.CONFIG.vision.width)
        for name, value in runs[1].items():
            other = runs[2][name]
            if name.endswith("qkv.bias"):  # that of the keys has no gradient but rounding
                value[keys], other[keys] = 0, 0
            assert torch.allclose(value, other, atol=1e-5), name

    def test_frozen_encoder_stays_as_it_was(self, rows, tmp_path, monkeypatch):
        built = []
        build = noise.encoders.build

        def frozen(recipe):
            encoder = build(recipe)
            encoder.clip.requires_grad_(False)
            built.append({name: value.clone() for name, value in encoder.clip.state_dict().items()})
            return encoder

        monkeypatch.setattr(noise.encoders, "build", frozen)
        recipe = replace(with_settings(epochs=1), encoder=EncoderRecipe(trainable="none"))
        train(rows, recipe, tmp_path / "run")
        kept = weights_of(tmp_path / "run")
        assert all(torch.equal(kept[f"clip.{name}"], value) for name, value in built[0].items())

    def test_blocks_that_are_computed_twice_train_the_same(self, noise_run, rows, tmp_path):
        train(rows, with_settings(checkpoint_activations=True), tmp_path / "run")
        found = weights_of(tmp_path / "run")
        for name, value in weights_of(noise_run).items():
            assert torch.allclose(value, found[name], atol=1e-6), name
        assert (noise_run / diary.LINES).read_text() == (tmp_path / "run" / diary.LINES).read_text()


def test_bf16_leaves_routers_losses_and_norms_in_fp32():
    method = methods.build(MethodRecipe(options=tiny.OPTIONS), tiny.encoder()).train()
    inputs = {}
    for name, module in method.named_modules():
        if isinstance(module, torch.nn.LayerNorm) and name.startswith("clip.vision"):
            module.register_forward_hook(
                lambda _, given, out, name=name: inputs.update({name: (given[0].dtype, out.dtype)})
            )
    halves = []
    method.clip.vision.blocks[0].mlp.register_forward_hook(
        lambda _, __, out: halves.append(out.dtype)
    )
    method.before_step(0.5, Draws())
    objective = Objective(method, TrainRecipe(mixed_precision="bf16"), torch.device("cpu"))
    sums = objective(tiny.batch(4))
    assert halves == [torch.bfloat16]  # otherwise nothing is shown here
    assert all(dtypes == (torch.float32, torch.float32) for dtypes in inputs.values())
    assert len(inputs) == 2 + 2 * tiny.CONFIG.vision.layers
    assert {total.dtype for name, (total, _) in sums.items() if name.startswith("loss/")} == {
        torch.float32
    }
    with objective.autocast():
        evidence = method(tiny.batch(4))
    assert evidence.parts["router_logits"].dtype == torch.float32
    assert evidence.parts["modality_logits"].dtype == torch.float32
    assert evidence.embeddings.dtype == torch.float32


def test_recomputing_blocks_keeps_less():
    method = methods.build(MethodRecipe(options=tiny.OPTIONS), tiny.encoder()).train()
    batch = tiny.batch(8)
    kept = {}
    for recompute in (False, True):
        method.recompute_blocks(recompute)
        sizes = []

        def note(tensor, sizes=sizes):
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            torch.stack(list(method.loss(batch, method(batch)).values())).sum()
        kept[recompute] = sum(sizes)
    assert kept[True] < 0.5 * kept[False]


class TestRefusals:
    def test_finished_run_is_not_overwritten(self, noise_run, rows):
        before = (noise_run / "model.safetensors").read_bytes()
        for resume in (False, True):
            with pytest.raises(BadInput, match="holds a finished run"):
                train(rows, RECIPE, noise_run, resume=resume)
        assert (noise_run / "model.safetensors").read_bytes() == before

    @pytest.mark.parametrize("split", ["train", "dev", "test"])
    def test_split_missing(self, rows, tmp_path, split):
        manifest = Manifest(rows.root, [row for row in rows if row.split != split], name="m.csv")
        with pytest.raises(BadInput, match=f"m.csv: has no rows with split '{split}'"):
            train(manifest, RECIPE, tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_class_missing_in_dev(self, rows, tmp_path):
        kept = [row for row in rows if row.split != "dev" or row.is_bonafide]
        with pytest.raises(BadInput, match=r"m.csv: split 'dev' has no attack rows"):
            train(Manifest(rows.root, kept, name="m.csv"), RECIPE, tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_unreadable_image_leaves_no_model(self, rows, tmp_path):
        first = next(row for row in rows if row.split == "train")
        changed = [replace(row, rgb="none.jpg") if row == first else row for row in rows]
        with pytest.raises(BadInput, match=r"none\.jpg: cannot be read"):
            train(Manifest(rows.root, changed), RECIPE, tmp_path / "run")
        assert not (tmp_path / "run" / "model.safetensors").exists()

    def test_a_term_that_is_no_number_is_named_and_what_was_saved_stays(
        self, rows, tmp_path, monkeypatch
    ):
        loss = FmmRpl.loss
        taken = []

        def spoil(method, batch, evidence):
            taken.append(1)
            terms = loss(method, batch, evidence)
            return {**terms, "fusion": terms["fusion"] * (math.nan if len(taken) == 7 else 1)}

        monkeypatch.setattr(FmmRpl, "loss", spoil)
        with pytest.raises(
            BadInput, match=r"^epoch 2, step 7: the term 'fusion' of the loss is nan; try a lower"
        ):
            train(rows, with_settings(checkpoint_steps=2), tmp_path / "run")
        saved = state.load(tmp_path / "run")
        assert saved["step"] == 6
        assert all(value.isfinite().all() for value in saved["weights"].values())
        assert not (tmp_path / "run" / "model.safetensors").exists()

    def test_a_gradient_that_is_no_number(self, rows, tmp_path, monkeypatch):
        monkeypatch.setattr(
            torch.nn.utils, "clip_grad_norm_", lambda *_, **__: torch.tensor(math.inf)
        )
        with pytest.raises(BadInput, match="epoch 1, step 1: the gradient is inf"):
            train(rows, RECIPE, tmp_path / "run")

    def test_parts_that_are_not_equal(self):
        with pytest.raises(BadInput, match="4 pairs cannot be divided into 3 equal parts"):
            replace(RECIPE.train, accumulate=3)

    @pytest.mark.parametrize(
        "setting", [{"ema": 1.0}, {"log_steps": 0}, {"checkpoint_minutes": -1}]
    )
    def test_settings_out_of_range(self, setting):
        with pytest.raises(BadInput, match=f"key '{next(iter(setting))}' should be at least"):
            replace(RECIPE.train, **setting)


def test_recompute_is_off_unless_asked():
    clip = Clip(tiny.CONFIG)
    assert not clip.vision.blocks.recompute
