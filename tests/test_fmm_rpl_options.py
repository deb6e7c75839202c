"""What the options of FMM-RPL do that its ablations need."""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from flexpad import config
from flexpad.engine.draws import Draws
from flexpad.methods.fmm_rpl.experts import ExpertMixture, rank_of_one_alone
from flexpad.methods.fmm_rpl.levels import LOCAL_POOLS
from flexpad.methods.fmm_rpl.model import FmmRpl, build
from flexpad.methods.fmm_rpl.options import TERMS, read
from flexpad.methods.fmm_rpl.routers import Clues
from flexpad.types import BadInput, Batch
from tests import tiny
from tests.test_fmm_rpl import make, one_by_one, stir

BENCHES = Path(__file__).resolve().parents[1] / "configs" / "bench"
ARMS = BENCHES / "ablations.yaml"
SPECIFIED = BENCHES / "ablations_specified.yaml"
MODALITY = torch.tensor([0, 1, 2] * 4)  # of the present images of a batch of four, row by row


def names(method: FmmRpl, prefix: str) -> list[str]:
    return [name for name in method.state_dict() if name.startswith(prefix)]


def trained(method: FmmRpl, batch: Batch, share_done: float = 0.5) -> dict[str, torch.Tensor]:
    """Terms of a training step, with gradients."""
    method.train().before_step(share_done, Draws())
    terms = method.loss(batch, method(batch))
    torch.stack(list(terms.values())).sum().backward()
    return terms


def scaled(batch: Batch) -> Batch:
    """Other images in the same places."""
    return Batch(batch.images * 3 + 1, batch.present, batch.target, batch.ids)


class TestExperts:
    def test_none_at_all_leaves_the_tower_alone(self):
        method = stir(make(experts=[], shared_expert=False, prompts=0))
        assert not names(method, "experts.")
        batch = tiny.batch(2)
        evidence = method(batch)
        plain = F.normalize(method.clip.vision(batch.images.flatten(0, 1)).image, dim=-1)
        assert torch.equal(evidence.embeddings.flatten(0, 1), plain)
        assert not evidence.gates
        assert set(trained(method, batch)) == {
            "global", "local", "cross_level", "cross_modality", "fusion"
        }  # fmt: skip

    def test_the_shared_one_alone_needs_no_router(self):
        method = stir(make(experts=[], rank=6))
        assert not names(method, "experts.routers")
        assert not names(method, "experts.descriptor")
        assert method.experts.mixtures[0].narrow.out_features == 6
        evidence = method(tiny.batch(2))
        assert not evidence.gates
        assert not {"router_logits", "modality_logits"} & set(evidence.parts)
        with torch.no_grad():
            method.experts.mixtures[1].widen.weight.zero_()
        assert not torch.allclose(evidence.fused, method(tiny.batch(2)).fused)

    @pytest.mark.parametrize("routed", [("linear", "dct"), ("conv",) * 4, ("cdc", "linear") * 3])
    def test_routed_ones_without_the_shared_one(self, routed):
        torch.manual_seed(0)
        alone = ExpertMixture(12, 3, 4, routed, shared=False)
        torch.nn.init.normal_(alone.widen.weight)
        torch.nn.init.normal_(alone.bias)
        tokens, gates = torch.randn(2, 11, 12), torch.rand(2, len(routed))
        both = ExpertMixture(12, 3, 4, routed)
        with torch.no_grad():  # a shared expert that adds nothing, before the same routed ones
            both.widen.weight.zero_()
            both.narrow.weight[4:], both.narrow.bias[4:] = alone.narrow.weight, alone.narrow.bias
            both.widen.weight[:, 4:], both.bias[1:] = alone.widen.weight, alone.bias
        for ours, theirs in zip(list(both.operations)[1:], alone.operations, strict=True):
            ours.load_state_dict(theirs.state_dict())
        expected = one_by_one(both, routed, tokens, gates)
        assert torch.allclose(alone(tokens, gates), expected, atol=1e-5)

    @pytest.mark.parametrize(
        ("width", "grid", "rank", "alone"), [(768, 14, 32, 110), (192, 7, 16, 48), (192, 7, 32, 82)]
    )
    def test_rank_of_one_expert_with_as_many_parameters(self, width, grid, rank, alone):
        kinds = ("linear", "conv", "cdc", "dct")
        assert rank_of_one_alone(width, grid, rank, kinds) == alone
        sizes = [
            sum(p.numel() for p in ExpertMixture(width, grid, *of).parameters())
            for of in ((rank, kinds), (alone, ()))
        ]
        assert sizes[1] == pytest.approx(sizes[0], rel=0.015)


class TestRouters:
    def test_oracle_sends_each_modality_to_its_own_whatever_it_shows(self):
        method = stir(make(router="oracle", oracle_experts=[2, 1, 3]))
        assert not names(method, "experts.routers")
        owned = F.one_hot(torch.tensor([2, 1, 3]), 4).float()[MODALITY]
        for batch in (tiny.batch(4), scaled(tiny.batch(4))):
            for training in (False, True):
                method.train(training)
                for gates in method(batch).gates.values():
                    assert torch.equal(gates, owned)

    def test_oracle_knows_the_modality_of_an_item_with_few(self):
        present = torch.tensor([[False, True, True]])
        gates = stir(make(router="oracle"))(tiny.batch(1, present=present)).gates["layer_0"]
        assert gates.argmax(dim=1).tolist() == [1, 3]

    def test_uniform_weighs_all_alike(self):
        method = stir(make(router="uniform"))
        assert not names(method, "experts.routers")
        for gates in method(tiny.batch(2)).gates.values():
            assert torch.equal(gates, torch.full((6, 4), 0.25))

    def test_random_stays_as_it_was_drawn(self):
        method = make(router="random", tune_class_words=True)
        assert not names(method, "experts.descriptor")
        before = {name: method.state_dict()[name].clone() for name in names(method, "experts.r")}
        assert before
        optimizer = torch.optim.SGD([p for p in method.parameters() if p.requires_grad], 1.0)
        trained(method, tiny.batch(4))
        optimizer.step()
        assert all(torch.equal(method.state_dict()[name], was) for name, was in before.items())
        assert not torch.equal(make(1, router="random").experts.routers[0].gate.weight,
                               method.experts.routers[0].gate.weight)  # fmt: skip

    def test_random_draws_nothing_more_once_made(self):
        method = stir(make(router="random")).train()
        method.before_step(0.5, Draws(0, 1))
        first = method(tiny.batch(2)).gates["layer_0"]
        method.before_step(0.5, Draws(0, 2))
        assert torch.equal(first, method(tiny.batch(2)).gates["layer_0"])
        assert (first > 0).sum(dim=1).tolist() == [2] * 6

    def test_as_many_as_there_are_is_dense(self):
        gates = stir(make(top_k=4))(tiny.batch(2)).gates["layer_1"]
        assert (gates > 0).all()
        assert len(gates.unique()) > 4  # and learned, not uniform

    @pytest.mark.parametrize("router", ["random", "oracle", "uniform"])
    def test_those_that_do_not_learn_have_no_terms(self, router):
        terms = trained(stir(make(router=router)), tiny.batch(4))
        assert not {"balance", "magnitude", "modality"} & set(terms)

    def test_class_token_is_all_that_is_read(self):
        router = make(router_input="class_token").experts.routers[0]
        tokens = torch.randn(2, 19, 32)
        other = tokens.clone()
        other[:, 1:] += 1
        described = torch.randn(2, 64)
        assert torch.equal(route(router, tokens, described), route(router, other, described))
        other[:, 0] = other[:, 0].flip(-1)
        assert not torch.allclose(route(router, tokens, described), route(router, other, described))


class TestTokens:
    def test_patches_of_an_image_go_different_ways(self):
        method = stir(make(router_input="token"), seed=1)
        evidence = method(tiny.batch(2))
        gates = evidence.parts["router_gates"]
        assert gates.shape == (2, 3, 3, 1 + 2 + 16, 4)
        assert torch.allclose(gates.sum(dim=-1), torch.ones(gates.shape[:-1]))
        assert ((gates > 0).sum(dim=-1) == 2).all()
        opened = (gates > 0)[0, 0, 1, -16:]
        assert len(opened.unique(dim=0)) > 1
        of_image = gates[evidence.logits.isfinite()].mean(dim=2)
        assert torch.allclose(evidence.gates["layer_1"], of_image[:, 1])

    def test_a_token_decides_by_itself(self):
        router = make(router_input="token").experts.routers[0]
        tokens, described = torch.randn(1, 19, 32), torch.randn(1, 64)
        before = route(router, tokens, described)
        tokens[0, 5] = torch.randn(32)
        changed = (route(router, tokens, described) != before).any(dim=-1)
        assert changed[0].nonzero().flatten().tolist() == [5]

    def test_gates_of_tokens_weigh_tokens(self):
        torch.manual_seed(0)
        mixture = ExpertMixture(12, 3, 4, ("conv", "dct"))
        torch.nn.init.normal_(mixture.widen.weight)
        torch.nn.init.normal_(mixture.bias)
        tokens, ways = torch.randn(2, 11, 12), torch.rand(2, 2)
        gates = ways[:, None].repeat(1, 11, 1)
        assert torch.allclose(mixture(tokens, gates), mixture(tokens, ways), atol=1e-6)
        gates[:, 4] = 0
        found = mixture(tokens, gates)
        assert torch.allclose(found[:, :4], mixture(tokens, ways)[:, :4], atol=1e-6)
        assert torch.allclose(found[:, 4], mixture(tokens, 0 * ways)[:, 4], atol=1e-6)

    @pytest.mark.parametrize("balance", ["switch", "information"])
    def test_routers_learn(self, balance):
        method = stir(make(router_input="token", balance=balance))
        terms = trained(method, tiny.batch(4))
        assert all(term.isfinite() for term in terms.values())
        assert method.experts.routers[0].gate.weight.grad.abs().sum() > 0


def route(router, tokens, descriptor):
    modality = torch.zeros(len(tokens), dtype=torch.int64)
    return router(tokens, Clues(descriptor, modality, None), 2).logits


class TestPrompts:
    def test_none_have_no_parameters(self):
        method = stir(make(prompts=0))
        assert not names(method, "prompts.")
        assert method.class_text.context == 0
        assert set(trained(method, tiny.batch(4))) >= {"global", "local", "fusion"}

    def test_text_only(self):
        method = stir(make(visual_prompts=False))
        assert names(method, "prompts.") == ["prompts.textual"]
        assert lengths(method) == [17, 17, 17]
        before = method.text_features(None)
        with torch.no_grad():
            method.prompts.textual[1].add_(torch.randn(24))
        assert not torch.allclose(before, method.text_features(None))

    def test_visual_only(self):
        method = stir(make(text_prompts=False))
        assert not {"prompts.textual", "prompts.couple.0.weight"} & set(method.state_dict())
        assert method.class_text.context == 0
        assert lengths(method) == [19, 19, 19]

    def test_not_coupled(self):
        """Then text prompts are seen nowhere in an image."""
        for couple in (True, False):
            method = stir(make(couple=couple))
            before = method(tiny.batch(1)).embeddings
            with torch.no_grad():
                method.prompts.textual.add_(torch.randn(2, 2, 24))
            assert torch.allclose(before, method(tiny.batch(1)).embeddings) is not couple
            assert bool(names(method, "prompts.couple")) is couple

    def test_learned_only(self):
        """Without a reader the same prompts stand in every image."""
        prompts = stir(make(image_prompts=False)).prompts
        assert prompts.of_image is None
        assert prompts.reinjection is None
        tokens = torch.randn(2, 17, 32)
        put = prompts.add_visual(tokens, 0, prompts.read(torch.randn(2, 16, 32)))
        assert put.shape == (2, 19, 32)
        assert torch.equal(put[0, 1:3], put[1, 1:3])
        more = prompts.add_visual(put, 1, None)
        assert torch.equal(more[0, 1:3], more[1, 1:3])
        assert not torch.allclose(more[:, 1:3], put[:, 1:3])

    def test_not_added_again(self):
        prompts = stir(make(reinject=False)).prompts
        assert prompts.reinjection is None
        tokens = torch.randn(2, 19, 32)
        image, other = torch.randn(2, 2, 2, 32)
        assert torch.equal(
            prompts.add_visual(tokens, 1, image), prompts.add_visual(tokens, 1, other)
        )

    @pytest.mark.parametrize(
        "options",
        [
            {"prompts": 0},
            {"visual_prompts": False},
            {"text_prompts": False, "prompt_mode": "replace"},
            {"image_prompts": False, "prompt_mode": "replace"},
            {"couple": False},
            {"reinject": False, "rpl_mode": "R2"},
        ],
    )
    def test_what_is_left_is_used(self, options):
        method = stir(make(**options))
        trained(method, tiny.batch(4), share_done=0.0)
        assert all(p.grad is not None and p.grad.abs().sum() for p in method.parameters()), [
            name
            for name, p in method.named_parameters()
            if p.grad is None or not p.grad.abs().sum()
        ]


def lengths(method: FmmRpl) -> list[int]:
    """How many tokens each block of the image tower gets."""
    seen: list[int] = []
    hooks = [
        block.norm_mlp.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[1]))
        for block in method.clip.vision.blocks
    ]
    method(tiny.batch(1))
    for hook in hooks:
        hook.remove()
    return seen


class TestLoss:
    @pytest.mark.parametrize("term", [term for term in TERMS if term != "plain_head"])
    def test_weight_zero_switches_a_term_off(self, term):
        method = stir(make(weights={term: 0.0}))
        terms = trained(method, tiny.batch(4))
        assert set(terms) == set(TERMS) - {term, "plain_head"}

    def test_what_is_off_is_not_computed(self, monkeypatch):
        off = {"cross_modality": 0.0, "cross_level": 0.0, "fusion": 0.0, "balance": 0.0}
        method = stir(make(weights=off)).train()
        evidence = method(tiny.batch(4))
        for name in ("agreement", "shared_cues", "choose_subsets"):
            monkeypatch.setattr(f"flexpad.methods.fmm_rpl.loss.{name}", None)
        monkeypatch.setattr("flexpad.methods.fmm_rpl.auxiliary.balance_loss", None)
        assert set(method.loss(tiny.batch(4), evidence)) == {
            "global", "local", "magnitude", "modality"
        }  # fmt: skip

    def test_weights_are_factors(self):
        once, twice = (
            trained(stir(make(weights={"global": weight})), tiny.batch(4)) for weight in (1.0, 2.0)
        )
        assert twice["global"].item() == pytest.approx(2 * once["global"].item())
        assert twice["local"].item() == pytest.approx(once["local"].item())

    def test_untrained_fusion_still_answers(self):
        method = stir(make(weights={"fusion": 0.0}))
        trained(method, tiny.batch(4))
        assert method.fusion.inner.weight.grad is None
        assert method.eval()(tiny.batch(4)).fused.isfinite().all()


class TestFusion:
    def test_sum_and_mean_of_logits(self):
        batch = tiny.batch(3, present=torch.tensor([[1, 1, 1], [0, 1, 1], [1, 0, 0]]).bool())
        summed, mean = (stir(make(fusion=rule))(batch) for rule in ("sum", "mean"))
        assert torch.equal(summed.logits.nan_to_num(), mean.logits.nan_to_num())
        assert torch.allclose(summed.fused, summed.logits.nansum(dim=1))
        assert torch.allclose(summed.fused, torch.tensor([3, 2, 1]) * mean.fused)

    @pytest.mark.parametrize("rule", ["sum", "mean"])
    def test_they_have_no_parameters_but_can_be_trained(self, rule):
        method = stir(make(fusion=rule))
        assert not names(method, "fusion")
        terms = trained(method, tiny.batch(4))
        assert terms["fusion"].requires_grad


class TestClasses:
    @pytest.mark.parametrize("mode", ["R1", "R2"])
    def test_separate_classes_stand_opposite_however_alike(self, mode):
        near, far = (make(separate_classes=choice, rpl_mode=mode) for choice in (False, True))
        image = torch.randn(3, 2, 32)
        close, opposite = near.text_features(image), far.text_features(image)
        assert F.cosine_similarity(close[:, 0], close[:, 1], dim=-1).min() > 0.5
        assert torch.allclose(opposite[:, 0], -opposite[:, 1], atol=1e-5)
        assert torch.allclose(opposite.norm(dim=-1), torch.ones(opposite.shape[:2]))
        between = [F.normalize(text[:, 1] - text[:, 0], dim=-1) for text in (close, opposite)]
        assert torch.allclose(*between, atol=1e-3)  # the direction stays, its length grows
        assert (opposite[:, 1] - opposite[:, 0]).norm(dim=-1).tolist() == pytest.approx(
            [2.0] * len(opposite)
        )

    def test_residual_starts_at_nothing_and_is_learned(self):
        method, plain = make(class_residual=True), make()
        batch = tiny.batch(4)
        assert method.class_text.residual.shape == (2, 16)
        assert torch.allclose(method(batch).fused, plain(batch).fused, atol=1e-5)
        trained(method, batch)
        assert method.class_text.residual.grad.abs().sum() > 0
        with torch.no_grad():
            method.class_text.residual[1, 0] = 3.0
        text = method.eval().text_features(torch.zeros(1, 2, 32))
        assert text[0, 1, 0] > 0.8
        assert torch.allclose(text.norm(dim=-1), torch.ones(1, 2))

    def test_scale_starts_where_it_is_told(self):
        encoder = tiny.encoder()
        build(encoder, {**tiny.OPTIONS, "logit_scale": 50.0})
        assert encoder.clip.log_scale.item() == pytest.approx(math.log(50))


class TestLevels:
    def test_mean_patch_joins_the_class_token(self):
        method = stir(
            make(global_pool="with_mean_patch", experts=[], shared_expert=False, prompts=0)
        )
        batch = tiny.batch(2)
        features = method.clip.vision(batch.images.flatten(0, 1))
        expected = F.normalize(features.image + features.patches.mean(dim=1), dim=-1)
        assert torch.allclose(method(batch).embeddings.flatten(0, 1), expected, atol=1e-6)

    def test_plain_head_is_taught_and_joins_the_score_if_asked(self):
        weights = {"plain_head": 1.0}
        taught, joined, alone = (
            stir(make(weights=weights, score=score)) for score in ("both", "all", "plain_head")
        )
        batch = tiny.batch(4)
        assert "plain_head" in trained(taught, batch)
        assert taught.plain_head.head.weight.grad.abs().sum() > 0
        assert not names(make(), "plain_head")
        evidence = joined(batch)
        levels = [evidence.parts[name].sigmoid() for name in ("global", "local", "plain_head")]
        mean = torch.stack(levels).mean(dim=0)
        assert torch.allclose(evidence.logits.sigmoid(), mean, atol=1e-5)
        assert torch.equal(alone(batch).logits, evidence.parts["plain_head"])
        with torch.no_grad():
            taught.plain_head.head.bias.add_(5.0)
            joined.plain_head.head.bias.add_(5.0)
        before = stir(make(weights=weights)).eval()(batch).fused
        assert torch.equal(taught.eval()(batch).fused, before)
        assert (joined(batch).fused > evidence.fused).all()

    @pytest.mark.parametrize("score", ["all", "plain_head"])
    def test_plain_head_of_one_modality_is_fused_as_itself(self, score):
        method = stir(make(weights={"plain_head": 1.0}, score=score))
        present = torch.eye(3, dtype=torch.bool)
        evidence = method(tiny.batch(3, present=present))
        assert torch.allclose(evidence.fused, evidence.logits[present], atol=1e-4)

    def test_style_is_read_off_the_stem_and_off_the_other_shallow_layers(self):
        method = stir(make(style_regions=2))  # of a grid of 4
        batch, seen, entered = tiny.batch(2), [], []
        method.style.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        for block in method.clip.vision.blocks:
            block.register_forward_pre_hook(lambda _, given: entered.append(given[0][:, -16:]))
        method(batch)
        stem = method.clip.vision.patchify(batch.images.flatten(0, 1)).flatten(2).transpose(1, 2)
        expected = []
        for patches in (stem, entered[1]):  # two of three layers are shallow
            cells = patches.unflatten(1, (2, 2, 2, 2)).permute(0, 1, 3, 2, 4, 5).flatten(3, 4)
            mean, deviation = cells.mean(dim=3), cells.std(dim=3, correction=0)
            expected.append(torch.cat([mean, deviation], dim=3).permute(0, 3, 1, 2).flatten(1))
        assert torch.allclose(seen[0], torch.cat(expected, dim=1), atol=1e-5)

    def test_style_starts_as_nothing_and_is_learned_as_a_part_of_the_global_answer(self):
        batch = tiny.batch(4)
        plain = make()(batch)
        method = make(style_regions=3)
        assert torch.equal(method(batch).parts["global"], plain.parts["global"])
        trained(method, batch)
        assert method.style.judge.weight.grad.abs().sum() > 0
        with torch.no_grad():
            method.eval().style.judge.bias.add_(2.0)
        moved = method(batch)
        assert torch.allclose(moved.parts["style"], torch.full((4, 3), 2.0))
        assert (moved.parts["global"] > plain.parts["global"] + 1).all()
        assert (moved.fused > plain.fused).all()

    def test_judges_weigh_alike_where_nothing_describes_images(self):
        method = make(style_regions=1, router="oracle")
        assert method.style.weigh is None
        assert method(tiny.batch(2)).fused.isfinite().all()

    @pytest.mark.parametrize("score", ["both", "global"])
    def test_style_of_one_modality_is_fused_as_itself(self, score):
        method = stir(make(style_regions=3, score=score))
        evidence = method(tiny.batch(3, present=torch.eye(3, dtype=torch.bool)))
        assert torch.allclose(
            evidence.fused, evidence.logits[torch.eye(3, dtype=torch.bool)], atol=1e-4
        )

    def test_every_pool_of_patches_is_a_choice(self):
        for pool in LOCAL_POOLS:
            assert make(local=pool)(tiny.batch(1)).fused.isfinite().all()


class TestTold:
    def test_label_is_withheld_unless_told(self):
        method = stir(make())
        batch = tiny.batch(2)
        answers = {}
        for told in ("withheld", "right", "wrong"):
            method.tell_modality(told)
            answers[told] = method(batch)
        fresh = stir(make())(batch)
        assert torch.equal(answers["withheld"].fused, fresh.fused)
        gates = [evidence.gates["layer_0"] for evidence in answers.values()]
        assert not torch.allclose(gates[0], gates[1])
        assert not torch.allclose(gates[1], gates[2])

    def test_label_acts_only_through_its_table(self):
        method = stir(make())
        with torch.no_grad():
            method.experts.descriptor.label.weight.zero_()
        batch = tiny.batch(2)
        found = []
        for told in ("withheld", "right", "wrong"):
            method.tell_modality(told)
            found.append(method(batch).fused)
        assert torch.equal(found[0], found[1])
        assert torch.equal(found[1], found[2])

    def test_wrong_is_what_the_next_modality_would_be_told(self):
        method = stir(make())
        table = method.experts.descriptor.label.weight
        batch = tiny.batch(2)
        method.tell_modality("wrong")
        wrong = method(batch)
        with torch.no_grad():
            table[:3] = table[:3].roll(-1, dims=0)
        method.tell_modality("right")
        assert torch.equal(wrong.fused, method(batch).fused)
        guesses = wrong.parts["modality_logits"]
        assert torch.equal(guesses, method(batch).parts["modality_logits"])

    def test_training_draws_whom_to_tell_whatever_is_told_at_test(self):
        method = stir(make()).train()
        method.before_step(0.5, Draws())
        before = method(tiny.batch(4)).fused
        method.tell_modality("wrong")
        assert torch.equal(before, method(tiny.batch(4)).fused)

    def test_other_words_are_refused(self):
        with pytest.raises(BadInput, match="cannot be told 'rihgt'; did you mean 'right'"):
            make().tell_modality("rihgt")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"router": "soft"}, "'router' should be learned or random or oracle or uniform"),
        ({"router_input": "tokens"}, "'router_input' should be statistics or class_token or token"),
        ({"router": "oracle", "experts": ["conv", "cdc"]}, "'oracle_experts' should be places in"),
        ({"oracle_experts": [0, 1]}, "'oracle_experts' should have 3 values, not 2"),
        ({"router": "oracle", "experts": []}, "'oracle_experts' should be places in the 0"),
        ({"prompts": -1}, "'prompts' should be at least 0, not -1"),
        ({"prompts": 8}, "'prompts' should be at most 7 with this encoder, whose text"),
        ({"depth": 0}, "'depth' should be at least 1"),
        ({"rpl_mode": "R2", "text_prompts": False}, "'text_prompts' should be true with rpl_mode"),
        ({"rpl_mode": "R2", "image_prompts": False}, "'image_prompts' should be true with"),
        ({"fusion": "max"}, "'fusion' should be attention or sum or mean"),
        ({"global_pool": "mean"}, "'global_pool' should be class_token or with_mean_patch"),
        ({"logit_scale": 0}, "'logit_scale' should be more than 0"),
        ({"weights": {"local": -1}}, "weights: key 'local' should be at least 0, not -1.0"),
        ({"weights": {"global": 0, "local": 0, "fusion": 0}}, "nothing else sees the labels"),
        ({"style_regions": -1}, "'style_regions' should be at least 0, not -1"),
        ({"style_regions": 5}, "'style_regions' should be at most 4"),
        ({"score": "all"}, "'score': all wants a plain head; give weights.plain_head"),
    ],
)  # fmt: skip
def test_bad_options(option, message):
    with pytest.raises(BadInput, match=message):
        build(tiny.encoder(), {**tiny.OPTIONS, **option})


def test_no_prompts_are_made_for_layers_that_the_tower_does_not_have():
    layers = tiny.encoder().clip.config.vision.layers
    deep = build(tiny.encoder(), {**tiny.OPTIONS, "depth": layers + 5})
    assert deep.prompts.depth == deep.prompts.visual.shape[0] == layers
    trained(stir(deep), tiny.batch(2))
    assert (deep.prompts.visual.grad.abs().sum(dim=(1, 2)) > 0).all()


def every_arm(path=ARMS):
    """Name and options of every arm of the ablations."""
    return {k: v for part in config.read_mapping(path)["arms"].values() for k, v in part.items()}


def test_arms_differ_from_each_other():
    arms = every_arm()
    base = config.read_mapping(ARMS)["systems"]["base"]["method"]["options"]
    assert len(arms) > 40
    told = {repr(read({**base, **options})) for options in ({}, *arms.values())}
    assert len(told) >= len(arms)


def test_arms_without_style_are_those_of_the_ablations_and_change_no_style():
    with_style, without = config.read_mapping(ARMS), config.read_mapping(SPECIFIED)
    base = with_style["systems"]["base"]["method"]["options"]
    plain = without["systems"]["as specified"]["method"]["options"]
    assert {**plain, "style_regions": 3, "score": "global"} == base
    own = ("name", "systems", "arms_of", "arms")
    assert {k: v for k, v in with_style.items() if k not in own} == {
        k: v for k, v in without.items() if k not in own
    }
    assert every_arm(SPECIFIED).items() <= every_arm().items()
    for options in every_arm(SPECIFIED).values():
        assert read({**plain, **options}).style_regions == 0


def test_every_arm_takes_a_step_and_answers_in_bf16():
    present = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 1, 0], [1, 1, 1]]).bool()
    batch = tiny.batch(4, present=present)
    for name, options in every_arm().items():
        fitting = {
            **options,
            "prompts": min(options.get("prompts", 2), 4),
        }  # the tiny text is short
        method = stir(build(tiny.encoder(), {**tiny.OPTIONS, **fitting})).train()
        method.before_step(0.5, Draws())
        with torch.autocast("cpu", torch.bfloat16):
            evidence = method(batch)
        loss = torch.stack(list(method.loss(batch, evidence).values())).sum()
        loss.backward()
        assert loss.isfinite(), name
        assert all(p.grad.isfinite().all() for p in method.parameters() if p.grad is not None), name
