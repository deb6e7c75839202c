"""What methods with a branch a modality share: the copies, the attention across, the key sets."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from flexpad import checkpoint, methods
from flexpad.components import branches as branches_module
from flexpad.components.branches import Branches
from flexpad.components.cross_modal import CrossModalAttention
from flexpad.components.presence import mean_of_present, shown_in_training, visible
from flexpad.components.terms import by_modality
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, set_trainable
from flexpad.encoders.text import small_tokenizer
from flexpad.engine.draws import Draws
from flexpad.recipe import MethodRecipe, Recipe, TrainRecipe
from flexpad.train import parameter_groups
from flexpad.types import MODALITIES, BadInput
from tests import base16, tiny

NAMES = ("multi_branch", "fm_vit")
both = pytest.mark.parametrize("name", NAMES)
PRESENT = torch.tensor([[1, 1, 1], [1, 0, 0], [0, 1, 1], [0, 0, 1]]).bool()


def make(name: str, trainable: str = "all", **options) -> methods.Method:
    encoder = tiny.encoder()
    set_trainable(encoder.clip, trainable)
    return methods.build(MethodRecipe(name, options), encoder)


def stir(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Move every weight off its start, so that nothing hides behind a zero or a twin."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return module


def towers(method) -> tuple:
    return (method.clip.vision, *method.copies)


def in_heads(tokens: torch.Tensor, heads: int) -> list[torch.Tensor]:
    """(L, D) to heads of (L, d), by slicing."""
    each = tokens.shape[-1] // heads
    return [tokens[:, head * each : (head + 1) * each] for head in range(heads)]


def attended(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int) -> torch.Tensor:
    """Attention by its definition: one query after the other, (Q, D), (K, D), (K, D) to (Q, D)."""
    rows = []
    for query in q:
        mixed = []
        split = (in_heads(query[None], heads), in_heads(k, heads), in_heads(v, heads))
        for one, keys, values in zip(*split, strict=True):
            match = torch.stack([(one[0] * key).sum() / math.sqrt(len(key)) for key in keys])
            share = match.exp() / match.exp().sum()
            mixed.append(sum(part * value for part, value in zip(share, values, strict=True)))
        rows.append(torch.cat(mixed))
    return torch.stack(rows)


def crossed(layer: CrossModalAttention, asking, seen) -> torch.Tensor:
    """What one class token (D,) gathers from tokens (K, D), by hand."""
    keys, values = layer.key_value(layer.norm(seen)).chunk(2, dim=-1)
    query = layer.query(layer.norm(asking))[None]
    return layer.out(attended(query, keys, values, layer.heads)[0])


class TestCrossModalAttention:
    @torch.no_grad()
    def test_against_loops_by_hand(self):
        layer = stir(CrossModalAttention(width=12, heads=3))
        tokens = torch.randn(4, 3, 5, 12)
        tokens[~PRESENT] = torch.nan
        asking = torch.randn(4, 3, 12)
        shown = PRESENT.clone()
        shown[0, 1] = False  # depth of the first item is there, but others do not see it
        found = layer(asking, tokens, PRESENT, visible(shown))
        for item, modality in PRESENT.nonzero().tolist():
            seen = [m for m in range(3) if shown[item, m] or m == modality]
            by_hand = crossed(layer, asking[item, modality], torch.cat(list(tokens[item, seen])))
            assert torch.allclose(found[item, modality], by_hand, atol=1e-6)

    def test_adds_nothing_at_the_start(self):
        layer = CrossModalAttention(width=12, heads=3)
        tokens = torch.randn(4, 3, 5, 12)
        assert not layer(tokens[:, :, 0], tokens, PRESENT, visible(PRESENT)).any()


class TestPresence:
    def test_draws_hide_a_share_of_what_is_present(self):
        present = PRESENT.repeat(500, 1)
        shown = shown_in_training(present, 0.3, Draws(0, 7))
        assert not (shown & ~present).any()
        hidden = (present & ~shown).sum() / present.sum()
        assert hidden == pytest.approx(0.3, abs=0.03)
        assert torch.equal(shown, shown_in_training(present, 0.3, Draws(0, 7)))
        assert torch.equal(shown_in_training(present, 0.0, Draws()), present)
        assert not shown_in_training(present, 1.0, Draws()).any()

    def test_mean_is_of_what_is_present(self):
        values = torch.tensor([[1.0, 3.0, torch.nan], [torch.nan, torch.nan, 5.0]])
        present = torch.tensor([[True, True, False], [False, False, True]])
        assert mean_of_present(values, present).tolist() == [2.0, 5.0]
        wide = values[..., None].expand(-1, -1, 4)
        assert mean_of_present(wide, present).tolist() == [[2.0] * 4, [5.0] * 4]

    def test_terms_by_hand(self):
        odds = torch.tensor([[0.3, -1.0, torch.nan], [torch.nan, 2.0, torch.nan]])
        present = odds.isfinite()
        terms = by_modality(odds, present, torch.tensor([1, 0]))
        found = [terms[modality].item() for modality in MODALITIES]
        of = [math.log1p(math.exp(-0.3)), math.log1p(math.exp(1.0)), math.log1p(math.exp(2.0))]
        assert found == pytest.approx([of[0] / 2, (of[1] + of[2]) / 2, 0.0], rel=1e-5)


class TestBranches:
    def test_each_modality_has_its_tower_and_copies_begin_as_the_encoder(self):
        method = make("multi_branch")
        assert list(method.branches) == ["depth", "ir"]
        for copy in method.copies:
            weights = method.clip.vision.state_dict()
            assert all(torch.equal(weights[n], value) for n, value in copy.state_dict().items())

    def test_asks_each_branch_of_its_own_modality(self):
        branches = Branches(tiny.encoder().clip.vision)
        first = tiny.encoder().clip.vision
        factor = dict(zip((first, *branches.copies()), (1, 10, 100), strict=True))
        given = torch.arange(12.0).reshape(4, 3, 1)
        given[~PRESENT] = torch.nan
        found = branches.ask(first, lambda tower, shown: factor[tower] * shown, given, PRESENT)
        expected = given * torch.tensor([1.0, 10.0, 100.0])[:, None]
        assert torch.equal(found, expected.nan_to_num(0.0))

    def test_batch_norms_that_are_trained_are_not_shared_by_processes_on_gpus(self, monkeypatch):
        monkeypatch.setattr(branches_module.processes, "count", lambda: 2)
        monkeypatch.setattr(branches_module.processes, "on_cpu", lambda: False)
        linear = Clip(tiny.CONFIG).vision
        Branches(linear)
        stem = Clip(replace(tiny.CONFIG, stem="light_convolutions")).vision
        with pytest.raises(BadInput, match="batch norm that is trained cannot be shared"):
            Branches(stem)
        Branches(stem.requires_grad_(False))


@both
class TestBothMethods:
    def test_gradient_reaches_all_branches_and_no_text(self, name):
        method = stir(make(name)).train()
        batch = tiny.batch(4)
        sum(method.loss(batch, method(batch)).values()).backward()
        for tower in towers(method):
            for weight, parameter in tower.named_parameters():
                assert parameter.grad is not None, weight
                assert parameter.grad.abs().sum() > 0, weight
        reached = [n for n, p in method.named_parameters() if p.grad is not None and p.grad.any()]
        trained = [n for n, p in method.named_parameters() if p.requires_grad]
        assert reached == trained
        assert not any(weight.startswith("clip.text") for weight in trained)

    @pytest.mark.parametrize("trainable", ["none", "last_1"])
    def test_copies_are_frozen_where_the_encoder_is(self, name, trainable):
        method = make(name, trainable)
        expected = [p.requires_grad for p in method.clip.vision.parameters()]
        assert any(expected) == (trainable == "last_1")
        for copy in method.copies:
            assert [p.requires_grad for p in copy.parameters()] == expected

    def test_branches_learn_at_the_rate_of_the_encoder(self, name):
        method = make(name)
        settings = TrainRecipe(learning_rate=1.0, encoder_rate=0.1)
        rate = {
            id(weight): group["lr"]
            for group in parameter_groups(method, settings)
            for weight in group["params"]
        }
        for tower in towers(method):
            assert {rate.pop(id(weight)) for weight in tower.parameters()} == {0.1}
        assert set(rate.values()) == {1.0}

    def test_all_branches_recompute_when_asked(self, name):
        method = make(name).train()
        batch = tiny.batch(2)
        expected = method(batch).fused
        method.recompute_blocks(True)
        assert all(tower.blocks.recompute for tower in towers(method))
        again = method(batch).fused
        assert torch.equal(again, expected)
        again.sum().backward()

    def test_a_branch_that_is_not_needed_is_not_asked(self, name):
        method = stir(make(name)).eval()
        present = torch.tensor([True, False, True]).expand(3, -1)
        expected = method(tiny.batch(3, present=present))
        with torch.no_grad():
            for parameter in method.copies[0].parameters():
                parameter.fill_(torch.nan)
        found = method(tiny.batch(3, present=present))
        assert torch.equal(found.fused, expected.fused)
        assert torch.equal(found.embeddings, expected.embeddings)

    def test_modalities_may_change_places_with_their_branches(self, name):
        method, other = stir(make(name)).eval(), make(name).eval()
        weights = method.state_dict()
        order = {"clip.vision.": "branches.ir.", "branches.ir.": "clip.vision."}

        def moved(weight: str) -> str:
            for before, after in order.items():
                if weight.startswith(before):
                    return after + weight.removeprefix(before)
            return weight

        other.load_state_dict({moved(weight): value for weight, value in weights.items()})
        batch = tiny.batch(4, present=PRESENT)
        turned = tiny.batch(4, present=PRESENT.flip(1))
        turned.images.copy_(batch.images.flip(1))
        assert torch.allclose(other(turned).fused, method(batch).fused, atol=1e-5)

    def test_hidden_in_training_is_what_a_single_modality_is_in_evaluation(self, name):
        """With everything hidden, each branch answers as if it were alone."""
        method = stir(make(name, hidden=1.0)).train()
        logits = method(tiny.batch(3)).logits
        method.eval()
        for place in range(3):
            present = F.one_hot(torch.tensor(place), 3).bool().expand(3, -1)
            alone = method(tiny.batch(3, present=present))
            assert torch.allclose(alone.logits[:, place], logits[:, place], atol=1e-5)
            assert torch.allclose(alone.fused, logits[:, place], atol=1e-5)
        assert not torch.allclose(method(tiny.batch(3)).logits, logits, atol=1e-4)

    def test_nothing_hidden_is_evaluation(self, name):
        method = stir(make(name, hidden=0.0)).train()
        batch = tiny.batch(3)
        fused = method(batch).fused
        assert torch.equal(fused, method.eval()(batch).fused)

    def test_comes_back_from_disk(self, name, tmp_path):
        recipe = Recipe(method=MethodRecipe(name))
        method = stir(make(name)).eval()
        encoder = Encoder(method.clip, small_tokenizer())
        checkpoint.save_recipe(tmp_path, recipe, encoder)
        checkpoint.save_weights(tmp_path / checkpoint.WEIGHTS, method, recipe)
        loaded = checkpoint.load(tmp_path).method
        batch = tiny.batch(2)
        assert torch.equal(loaded(batch).fused, method(batch).fused)

    def test_hidden_is_a_probability(self, name):
        with pytest.raises(BadInput, match=f"options of {name}: key 'hidden' should be 0 to 1"):
            make(name, hidden=1.5)


def trained(method, *prefixes: str) -> int:
    return sum(
        parameter.numel()
        for name, parameter in method.named_parameters()
        if parameter.requires_grad and name.startswith(prefixes or "")
    )


@pytest.mark.parametrize(
    ("name", "crossing", "everything"),
    [("multi_branch", 1_051_648, 259_631_105), ("fm_vit", 18_911_232, 277_490_689)],
)
def test_parameters_at_vit_b16_are_those_of_the_specification(name, crossing, everything):
    method = methods.build(MethodRecipe(name), base16.encoder("all"))
    assert trained(method, "clip.", "branches.") == 258_577_920
    assert trained(method, "crossing") == crossing
    assert trained(method) == everything
    assert 258_577_920 + crossing + trained(method, "head.") == everything
