"""What holds of FMM-RPL beyond what holds of every method."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.fft import dctn, idctn

from flexpad.components.levels import mean_probability
from flexpad.components.spectrum import cosine_transform
from flexpad.encoders.clip import set_trainable
from flexpad.engine.draws import Draws
from flexpad.methods.fmm_rpl import loss as terms
from flexpad.methods.fmm_rpl.auxiliary import balance_loss, information_loss, magnitude_loss
from flexpad.methods.fmm_rpl.experts import ExpertMixture
from flexpad.methods.fmm_rpl.levels import clearest
from flexpad.methods.fmm_rpl.model import FmmRpl, build
from flexpad.methods.fmm_rpl.operations import CentralDifference, SpectralGate
from flexpad.methods.fmm_rpl.routers import Routing, patch_statistics
from flexpad.types import BadInput, Batch
from tests import base16, tiny


def make(seed: int = 0, **options) -> FmmRpl:
    return build(tiny.encoder(seed), {**tiny.OPTIONS, **options}).eval()


def stir(method: FmmRpl, seed: int = 0) -> FmmRpl:
    """Move every weight off its start, so that nothing hides behind a zero."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return method


def one_by_one(mixture, routed, tokens, gates):
    """The formula of the mixture, an expert at a time."""
    rank, grid = mixture.rank, 3
    total = torch.zeros_like(tokens)
    for index, kind in enumerate(("conv", *routed)):
        part = slice(index * rank, (index + 1) * rank)
        narrow, bias = mixture.narrow.weight[part], mixture.narrow.bias[part]
        hidden = F.gelu(F.linear(tokens, narrow, bias))
        maps = hidden[:, -(grid**2) :].transpose(1, 2).reshape(-1, rank, grid, grid)
        maps = work_on_map(kind, mixture.operations[index], maps)
        patches = maps.flatten(2).transpose(1, 2)
        hidden = F.gelu(torch.cat([hidden[:, : -(grid**2)], patches], dim=1))
        added = F.linear(hidden, mixture.widen.weight[:, part], mixture.bias[index])
        gate = torch.ones(len(gates)) if index == 0 else gates[:, index - 1]
        total = total + gate[:, None, None] * added
    return total


def work_on_map(kind, operation, maps):
    """What an expert does, by its definition: (n, r, h, w) to the same shape."""
    if kind == "dct":
        transform = cosine_transform(maps.shape[-1])
        spectrum = transform @ maps @ transform.T
        return transform.T @ (operation.gate(spectrum).sigmoid() * spectrum) @ transform
    if kind == "linear":
        return maps
    convolved = F.conv2d(maps, operation.weight, operation.bias, padding=1)
    if kind == "conv":
        return convolved
    return convolved - 0.7 * F.conv2d(maps, operation.weight.sum((2, 3), keepdim=True))


class TestExperts:
    def test_start_leaves_clip_as_it_is(self):
        method = make(prompts=0)
        batch = tiny.batch(2)
        plain = F.normalize(method.clip.vision(batch.images.flatten(0, 1)).image, dim=-1)
        assert torch.allclose(method(batch).embeddings.flatten(0, 1), plain, atol=1e-6)

    @pytest.mark.parametrize(
        "routed", [("linear", "conv", "cdc", "dct"), ("dct", "dct", "cdc"), ("linear",)]
    )
    def test_one_mixture_equals_its_experts_one_by_one(self, routed):
        """Values and gradients, against experts written separately, each with its own matrices."""
        torch.manual_seed(0)
        mixture = ExpertMixture(width=12, grid=3, rank=4, routed=routed)
        torch.nn.init.normal_(mixture.widen.weight)
        torch.nn.init.normal_(mixture.bias)
        tokens = torch.randn(2, 1 + 5 + 9, 12, requires_grad=True)
        gates = torch.rand(2, len(routed), requires_grad=True)
        weights = [tokens, gates, *mixture.parameters()]
        toward = torch.randn(2, 15, 12)
        found, expected = mixture(tokens, gates), one_by_one(mixture, routed, tokens, gates)
        assert torch.allclose(found, expected, atol=1e-5)
        of_found = torch.autograd.grad((found * toward).sum(), weights)
        of_expected = torch.autograd.grad((expected * toward).sum(), weights)
        for ours, plain in zip(of_found, of_expected, strict=True):
            assert torch.allclose(ours, plain, atol=1e-5, rtol=1e-5)

    def test_spectral_gate_against_scipy(self):
        torch.manual_seed(0)
        expert = SpectralGate(rank=2, grid=4)
        maps = torch.randn(1, 2, 4, 4)
        spectrum = dctn(maps.numpy(), axes=(2, 3), norm="ortho")
        with torch.no_grad():
            gate = expert.gate(torch.from_numpy(spectrum)).sigmoid().numpy()
            expected = idctn(gate * spectrum, axes=(2, 3), norm="ortho")
            found = expert(maps.flatten(2).mT).mT.unflatten(2, (4, 4))
        assert np.allclose(found.numpy(), expected, atol=1e-5)

    def test_low_precision_reaches_neither_spectra_nor_central_differences(self):
        torch.manual_seed(0)
        gate, difference = SpectralGate(2, 4), CentralDifference(2, 4)
        patches = torch.randn(1, 16, 2)
        expected = gate(patches), difference.kernel()
        with torch.autocast("cpu", torch.bfloat16):
            found = gate(patches), difference.kernel()
        assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


class TestRouting:
    def test_statistics_by_hand(self):
        patches = 3 + torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0))
        by_hand = torch.cat([patches.mean(dim=1), patches.std(dim=1)], dim=1)
        expected = F.layer_norm(by_hand, (8,))
        assert torch.allclose(patch_statistics(patches), expected, atol=1e-6)

    def test_patches_that_are_all_alike_have_a_gradient(self):
        patches = torch.ones(1, 9, 4, requires_grad=True)
        patch_statistics(patches)[0, 0].backward()
        assert torch.isfinite(patches.grad).all()

    def test_gates_sum_to_one_with_k_open(self):
        evidence = stir(make())(tiny.batch(4))
        assert len(evidence.gates) == tiny.CONFIG.vision.layers
        for gates in evidence.gates.values():
            assert gates.shape == (12, 4)
            assert torch.allclose(gates.sum(dim=1), torch.ones(12))
            assert (gates > 0).sum(dim=1).tolist() == [2] * 12

    def test_all_are_open_at_first_and_in_training_only(self):
        method = make(dense_share=0.1).train()
        method.before_step(0.05, Draws())
        assert (method(tiny.batch(2)).gates["layer_0"] > 0).all()
        method.eval()
        assert ((method(tiny.batch(2)).gates["layer_0"] > 0).sum(dim=1) == 2).all()
        method.train()
        method.before_step(0.1, Draws())
        assert ((method(tiny.batch(2)).gates["layer_0"] > 0).sum(dim=1) == 2).all()

    def test_modality_is_never_told_in_evaluation(self):
        method = stir(make(label_share=1.0))
        batch = tiny.batch(2)
        swapped = Batch(batch.images.flip(1), batch.present, batch.target, batch.ids)
        assert torch.allclose(
            method(batch).logits, method(swapped).logits.flip(1), atol=1e-5
        )  # an image is judged alike wherever it stands

    def test_routing_is_for_whole_images_by_their_patches(self):
        method = stir(make())
        batch = tiny.batch(1)
        gates = method(batch).gates["layer_1"]
        other = Batch(batch.images * 3 + 1, batch.present, batch.target, batch.ids)
        assert not torch.allclose(gates, method(other).gates["layer_1"])

    def test_balance_by_hand(self):
        even = torch.full((4, 2), 0.5)
        one = torch.tensor([[1.0, 0.0]] * 4)
        assert balance_loss(Routing(even, even, even)).item() == pytest.approx(1.0)
        assert balance_loss(Routing(one, one, one)).item() == pytest.approx(2.0)
        gates = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        likely = torch.tensor([[0.8, 0.2], [0.6, 0.4], [0.7, 0.3], [0.3, 0.7]])
        # 2 * (3/4 * 0.6 + 1/4 * 0.4)
        assert balance_loss(Routing(gates, likely, likely)).item() == pytest.approx(1.1)

    def test_magnitude_by_hand(self):
        logits = torch.zeros(3, 4)
        assert magnitude_loss(Routing(logits, logits, logits)).item() == pytest.approx(
            math.log(4) ** 2
        )

    def test_information_by_hand(self):
        modality = torch.tensor([0, 0, 1, 1])
        owned = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        even = torch.full((4, 2), 0.5)
        assert information_loss(Routing(owned, owned, owned), modality).item() == pytest.approx(
            -math.log(2), abs=1e-6
        )
        assert information_loss(Routing(even, even, even), modality).item() == pytest.approx(0.0)


class TestPrompts:
    @pytest.mark.parametrize("prompts", [0, 1, 4])
    def test_any_number_runs(self, prompts):
        """A path that looked for a fixed length would switch experts off without a word."""
        method = stir(make(prompts=prompts))
        before = method(tiny.batch(2)).fused
        with torch.no_grad():
            for mixture in method.experts.mixtures:
                mixture.widen.weight.zero_()
                mixture.bias.zero_()
        assert not torch.allclose(before, method(tiny.batch(2)).fused)

    def test_accumulating_keeps_what_a_block_made(self):
        keeps = stir(make(prompt_mode="accumulate"))
        replaces = stir(make(prompt_mode="replace"))
        batch = tiny.batch(2)
        assert not torch.allclose(keeps(batch).fused, replaces(batch).fused)

    def test_accumulation_by_hand(self):
        prompts = make(depth=2, prompts=2).prompts
        torch.manual_seed(0)
        tokens, image = torch.randn(1, 5, 32), torch.randn(1, 2, 32)
        coupled = [prompts.couple(prompts.textual[layer].mean(dim=0)) for layer in (0, 1)]
        first = prompts.add_visual(tokens, 0, image)
        assert torch.equal(first[:, :1], tokens[:, :1])
        assert torch.equal(first[:, 3:], tokens[:, 1:])
        assert torch.allclose(first[:, 1:3], image + prompts.visual[0] + coupled[0])
        with torch.no_grad():
            prompts.reinjection[1] = 0.5
        second = prompts.add_visual(first, 1, image)
        added = prompts.visual[1] + coupled[1] + 0.5 * image
        assert torch.allclose(second[:, 1:3], first[:, 1:3] + added, atol=1e-6)
        assert torch.equal(prompts.add_visual(second, 2, image), second)

    def test_text_kept_for_evaluation_equals_the_one_made_anew(self):
        method = stir(make())
        batch = tiny.batch(2)
        with torch.no_grad():
            first, kept = method(batch), method(batch)
        on_line = method(batch)  # with gradients on, text is encoded again
        assert torch.equal(first.fused, kept.fused)
        assert torch.allclose(first.fused, on_line.fused, atol=1e-6)

    def test_kept_text_is_forgotten_when_weights_change(self):
        method, other = stir(make(0), 0), stir(make(1), 1)
        batch = tiny.batch(2)
        with torch.no_grad():
            method(batch)
            method.load_state_dict(other.state_dict())
            assert torch.equal(method(batch).fused, other(batch).fused)

    def test_text_of_each_image_in_r2_only(self):
        assert make().text_features(torch.randn(3, 2, 32)).shape == (1, 2, 16)
        method = stir(make(rpl_mode="R2"))
        of_images = method.text_features(torch.randn(3, 2, 32))
        assert of_images.shape == (3, 2, 16)
        assert not torch.allclose(of_images[0], of_images[1])

    def test_class_words_can_be_tuned(self):
        method = make(tune_class_words=True)
        before = method.text_features(torch.zeros(1, 2, 32))
        with torch.no_grad():
            method.class_text.class_words.add_(torch.randn_like(method.class_text.class_words))
        assert not torch.allclose(before, method.text_features(torch.zeros(1, 2, 32)))


class TestFusion:
    def test_alone_is_the_modality_itself(self):
        method = stir(make())
        present = torch.eye(3, dtype=torch.bool)
        evidence = method(tiny.batch(3, present=present))
        assert torch.allclose(evidence.fused, evidence.logits[present], atol=1e-4)

    def test_order_of_modalities_does_not_matter(self):
        method = stir(make())
        batch = tiny.batch(3)
        turned = Batch(batch.images.roll(1, dims=1), batch.present, batch.target, batch.ids)
        assert torch.allclose(method(batch).fused, method(turned).fused, atol=1e-4)

    def test_nan_in_evidence_of_an_absent_modality_is_harmless(self):
        method = stir(make())
        evidence = method(tiny.batch(2))
        present = torch.tensor([[True, True, False]] * 2)
        expected = method.fuse(evidence, present)
        evidence.embeddings[:, 2] = torch.nan
        evidence.parts["local"][:, 2] = torch.nan
        evidence.parts["text"][:, 2] = torch.nan
        assert torch.equal(method.fuse(evidence, present), expected)

    def test_attention_weighs_only_what_is_present(self):
        method = stir(make())
        present = torch.tensor([[True, False, True], [False, True, False]])
        weights = method.fusion(torch.randn(2, 3, 16), present)
        assert torch.equal(weights > 0, present)
        assert torch.allclose(weights.sum(dim=1), torch.ones(2))


class TestScore:
    def test_mean_of_two_probabilities(self):
        a, b = torch.tensor([2.0, -30.0, 80.0]), torch.tensor([-1.0, -40.0, 90.0])
        mean = (a.double().sigmoid() + b.double().sigmoid()) / 2
        assert torch.allclose(mean_probability([a, b]).double().sigmoid(), mean, rtol=1e-5)
        assert torch.isfinite(mean_probability([a, b])).all()

    @pytest.mark.parametrize("score", ["global", "local"])
    def test_one_level_alone(self, score):
        method = stir(make(score=score))
        evidence = method(tiny.batch(2))
        assert torch.equal(evidence.logits, evidence.parts[score])

    def test_clearest_patches_by_hand(self):
        odds = torch.tensor([[5.0, -1.0, -4.0, 0.5]])
        assert clearest(odds, 0.5).item() == pytest.approx(0.5)

    @pytest.mark.parametrize("local", ["aligned", "attention"])
    def test_other_ways_to_pool_patches_run(self, local):
        evidence = stir(make(local=local))(tiny.batch(2))
        assert torch.isfinite(evidence.fused).all()


class TestLoss:
    def test_agreement_is_zero_only_where_levels_agree(self):
        odds = torch.tensor([0.3, -2.0])
        assert terms.agreement(odds, odds).item() == pytest.approx(0.0, abs=1e-6)
        assert terms.agreement(odds, odds + 1).item() > 0

    def test_agreement_by_hand(self):
        def divergence(p, q):
            return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))

        p, q = 0.8, 0.3
        a, b = (torch.tensor([math.log(x / (1 - x))]) for x in (p, q))
        expected = 0.5 * (divergence(p, q) + divergence(q, p))
        assert terms.agreement(a, b).item() == pytest.approx(expected, rel=1e-5)

    def test_shared_cues_by_hand(self):
        """Two bona fide images of different items and one attack: the attack has no positive."""
        embeddings = F.normalize(torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), dim=1)
        target, item = torch.tensor([1, 1, 0]), torch.tensor([0, 1, 2])
        cos = embeddings @ embeddings.T / 0.5
        first = -(cos[0, 1] - torch.logsumexp(cos[0, [1, 2]], 0))
        second = -(cos[1, 0] - torch.logsumexp(cos[1, [0, 2]], 0))
        found = terms.shared_cues(embeddings, target, item, 0.5)
        assert found.item() == pytest.approx((first + second).item() / 2, rel=1e-5)

    def test_attacks_are_only_held_to_their_own_item(self):
        embeddings = F.normalize(torch.randn(4, 8), dim=1)
        target, item = torch.zeros(4), torch.tensor([0, 0, 1, 1])
        near = terms.shared_cues(embeddings, target, item, 0.1)
        embeddings = embeddings[[0, 0, 2, 2]]  # both images of an item alike
        assert terms.shared_cues(embeddings, target, item, 0.1) < near

    def test_subsets_are_the_four_with_two_or_more(self):
        torch.manual_seed(0)
        drawn = terms.choose_subsets(torch.ones(400, 3, dtype=torch.bool), torch.rand(400))
        kinds, counts = drawn.unique(dim=0, return_counts=True)
        assert kinds.tolist() == [
            [False, True, True],
            [True, False, True],
            [True, True, False],
            [True, True, True],
        ]
        assert (counts > 60).all()

    def test_subsets_stay_within_what_is_present(self):
        present = torch.tensor([[True, False, True]] * 50 + [[False, True, False]] * 50)
        drawn = terms.choose_subsets(present, torch.rand(len(present)))
        assert not (drawn & ~present).any()
        assert drawn.any(dim=1).all()


class TestTraining:
    def test_no_gradient_reaches_a_frozen_clip(self):
        encoder = tiny.encoder()
        set_trainable(encoder.clip, "none")
        method = stir(build(encoder, tiny.OPTIONS)).train()
        batch = tiny.batch(4)
        torch.stack(list(method.loss(batch, method(batch)).values())).sum().backward()
        assert all(parameter.grad is None for parameter in method.clip.parameters())
        assert method.prompts.textual.grad.abs().sum() > 0
        assert method.prompts.of_image.queries.grad.abs().sum() > 0

    def test_scale_can_be_learned_beside_a_frozen_clip(self):
        encoder = tiny.encoder()
        set_trainable(encoder.clip, "none")
        build(encoder, {**tiny.OPTIONS, "learn_scale": True})
        assert encoder.clip.log_scale.requires_grad

    def test_every_part_gets_a_gradient_once_it_has_left_zero(self):
        method = stir(make()).train()
        method.before_step(0.0, Draws())
        batch = tiny.batch(6)
        torch.stack(list(method.loss(batch, method(batch)).values())).sum().backward()
        dead = [
            name
            for name, parameter in method.named_parameters()
            if parameter.grad is None or not parameter.grad.abs().sum()
        ]
        assert dead == []

    def test_parameters_at_vit_b16_are_those_of_the_specification(self):
        method = build(base16.encoder("none"), {})

        def count(*prefixes: str) -> int:
            return sum(
                parameter.numel()
                for name, parameter in method.named_parameters()
                if parameter.requires_grad and name.startswith(prefixes)
            )

        assert count("experts.mixtures") == 3_355_392
        assert count("experts.routers", "experts.descriptor") == 175_667
        assert count("prompts") == 459_337
        assert count("fusion") == 32_896
        assert count("") == 4_023_292
        assert all(
            method.is_router(name) == name.startswith(("experts.routers", "experts.descriptor"))
            for name, _ in method.named_parameters()
        )


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"top_k": 5}, "'top_k' should be 1 to 4"),
        ({"experts": ["linear", "fft"]}, "'fft' should be one of"),
        ({"balance": "none"}, "'balance' should be switch or information"),
        ({"weights": {"locale": 1.0}}, "did you mean 'local'"),
        ({"rank": "big"}, "'rank' should be int"),
        ({"rpl_mode": "R2", "prompts": 0}, "'prompts' should be at least 1"),
    ],
)
def test_bad_options(option, message):
    with pytest.raises(BadInput, match=message):
        build(tiny.encoder(), {**tiny.OPTIONS, **option})


def test_given_weights_keep_the_other_defaults():
    weights = build(tiny.encoder(), {**tiny.OPTIONS, "weights": {"fusion": 2.0}}).options.weights
    assert (weights["fusion"], weights["local"]) == (2.0, 1.0)
