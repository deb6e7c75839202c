"""What holds of FM-CLIP, CMS-Enhancer and zero-shot CLIP beyond what holds of every method."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.fft import dctn

from flexpad.components.alignment import align_with_text
from flexpad.components.cms_enhancer import Enhancer, Exchange
from flexpad.components.fusion import fuse_logits
from flexpad.components.levels import mean_probability
from flexpad.encoders.clip import set_trainable
from flexpad.encoders.text import CLASS_WORDS, small_tokenizer, template_sentences
from flexpad.engine.draws import Draws
from flexpad.methods import Method
from flexpad.methods.cms_enhancer import model as cms_enhancer
from flexpad.methods.fm_clip import model as fm_clip
from flexpad.methods.zero_shot import model as zero_shot
from flexpad.types import BadInput, Batch
from tests import base16, tiny

BOTH = pytest.mark.parametrize("module", [fm_clip, cms_enhancer], ids=["fm_clip", "cms_enhancer"])
WIDTH, GRID = 12, 3


def make(module=fm_clip, seed: int = 0, trainable: str = "all", **options) -> Method:
    encoder = tiny.encoder(seed)
    set_trainable(encoder.clip, trainable)
    return module.build(encoder, {"prompts": 2, "width": 4, **options}).eval()


def stir(module, seed: int = 0):
    """Move every weight off its start, so that nothing hides behind a zero."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module


def an_enhancer() -> Enhancer:
    torch.manual_seed(0)
    return stir(Enhancer(WIDTH, width=4, grid=GRID))


def alone(method, batch):
    """What is said of every modality when it is the only one, (B, M)."""
    only = torch.eye(3, dtype=torch.bool)
    said = [
        method(Batch(batch.images, only[[m] * len(batch.ids)], batch.target, batch.ids)).logits
        for m in range(3)
    ]
    return torch.stack(said, dim=-1).diagonal(dim1=1, dim2=2)


def loss_of(method, batch):
    return torch.stack(list(method.loss(batch, method(batch)).values())).sum()


# -- the formulas, written as they stand in the note ---------------------------------------------


def as_maps(patches):
    return patches.mT.reshape(len(patches), -1, GRID, GRID)


def conv1(maps, linear):
    return F.conv2d(maps, linear.weight[:, :, None, None], linear.bias)


def frequency_and_mask(enhancer, patches):
    """Fq and M of the formulas, for patches (n, N, D) of any images."""
    norm = enhancer.norm
    maps = as_maps(F.layer_norm(patches, (WIDTH,), norm.weight, norm.bias))
    spectrum = torch.from_numpy(dctn(maps.detach().numpy(), axes=(2, 3), norm="ortho"))
    gate = conv1(F.gelu(conv1(spectrum, enhancer.frequency.narrow)), enhancer.frequency.widen)
    frequency = gate.sigmoid() * maps
    kernel = enhancer.interactor.convolution
    mask = F.conv2d(frequency, kernel.weight, kernel.bias, padding=1, groups=WIDTH).sigmoid()
    return frequency, mask


def spatial(enhancer, patches):
    norm, part = enhancer.norm, enhancer.spatial
    maps = as_maps(F.layer_norm(patches, (WIDTH,), norm.weight, norm.bias))
    middle = F.gelu(part.convolution(F.gelu(conv1(maps, part.narrow))))
    return conv1(middle, part.widen)


def added(enhancer, patches, crossed):
    """What an enhancer adds, given E of the formulas."""
    maps = spatial(enhancer, patches) + enhancer.gain[:, None, None] * crossed
    return maps.flatten(2).mT


class TestEnhancer:
    def test_of_one_modality_is_its_single_modality_definition(self):
        enhancer, patches = an_enhancer(), torch.randn(4, GRID**2, WIDTH)
        present = torch.tensor([[True, False, False]] * 2 + [[False, False, True]] * 2)
        frequency, mask = frequency_and_mask(enhancer, patches)
        expected = added(enhancer, patches, frequency + mask * frequency)
        found = enhancer(patches, Exchange(present))
        assert torch.allclose(found, expected, atol=1e-5)

    def test_supplement_of_two_modalities(self):
        enhancer, patches = an_enhancer(), torch.randn(2, GRID**2, WIDTH)
        (frequency_r, frequency_d), (mask_r, mask_d) = frequency_and_mask(enhancer, patches)
        enhanced_r, enhanced_d = mask_r * frequency_r, mask_d * frequency_d
        crossed_r = frequency_r + enhanced_r + (1 - mask_r) * enhanced_d
        crossed_d = frequency_d + enhanced_d + (1 - mask_d) * enhanced_r
        expected = added(enhancer, patches, torch.stack([crossed_r, crossed_d]))
        found = enhancer(patches, Exchange(torch.tensor([[True, True, False]])))
        assert torch.allclose(found, expected, atol=1e-5)

    def test_of_three_the_others_count_by_their_mean(self):
        present = torch.tensor([[True, True, True], [False, True, False], [True, False, True]])
        maps = torch.randn(6, 4, 2)
        found = Exchange(present).mean_of_others(maps)
        expected = [maps[[1, 2]], maps[[0, 2]], maps[[0, 1]], None, maps[[5]], maps[[4]]]
        for place, others in enumerate(expected):
            mean = torch.zeros(4, 2) if others is None else others.mean(dim=0)
            assert torch.allclose(found[place], mean, atol=1e-6)

    def test_an_item_that_is_not_supplemented(self):
        maps, present = torch.randn(4, 4, 2), torch.tensor([[True, True, False]] * 2)
        found = Exchange(present, torch.tensor([False, True])).mean_of_others(maps)
        assert torch.equal(found, torch.stack([maps[0] * 0, maps[1] * 0, maps[3], maps[2]]))

    def test_a_broken_image_breaks_its_own_item_only(self):
        maps, present = torch.randn(4, 4, 2), torch.tensor([[True, True, False]] * 2)
        maps[0] = torch.nan
        found = Exchange(present).mean_of_others(maps)
        assert torch.equal(found[2:], maps[[3, 2]])

    def test_low_precision_does_not_reach_the_spectrum(self):
        """What it is computed from and what is made of it is rounded, but not the transform."""
        extractor, seen = an_enhancer().frequency, []
        extractor.widen.register_forward_pre_hook(lambda _, given: seen.append(given[0].dtype))
        with torch.autocast("cpu", torch.bfloat16):
            extractor(torch.randn(2, GRID**2, WIDTH))
        assert seen == [torch.float32]


class TestStart:
    @BOTH
    def test_leaves_clip_as_it_is(self, module):
        method, batch = make(module), tiny.batch(2)
        plain = F.normalize(method.clip.vision(batch.images.flatten(0, 1)).image, dim=-1)
        assert torch.allclose(method(batch).embeddings.flatten(0, 1), plain, atol=1e-6)

    @BOTH
    def test_every_part_can_leave_it(self, module):
        """Each part gets a gradient, if not at the first step then when others have moved."""
        method = stir(make(module, class_residual=True, tune_class_words=True, learn_scale=True))
        method.train()
        loss_of(method, tiny.batch(6)).backward()
        dead = [
            name
            for name, parameter in method.named_parameters()
            if parameter.grad is None or not parameter.grad.abs().sum()
        ]
        assert dead == []

    def test_residual_starts_at_zero_and_moves_the_classes(self):
        plain, method = make(), make(class_residual=True)
        batch = tiny.batch(2)
        assert torch.allclose(plain(batch).fused, method(batch).fused, atol=1e-5)
        with torch.no_grad():
            method.enhanced.class_text.residual.add_(1.0)
            assert not torch.allclose(plain(batch).fused, method(batch).fused, atol=1e-3)
            text = method.enhanced.class_text(method.clip.text, method.enhanced.context)
        assert torch.allclose(text.norm(dim=-1), torch.ones(1, 2))


class TestExchangeBetweenModalities:
    @BOTH
    def test_modalities_supplement_each_other_in_evaluation(self, module):
        method, batch = stir(make(module)), tiny.batch(2)
        alone = Batch(
            batch.images, torch.tensor([[True, False, False]] * 2), batch.target, ("", "")
        )
        assert not torch.allclose(method(batch).logits[:, 0], method(alone).logits[:, 0])

    def test_nothing_but_the_exchange_crosses_modalities(self):
        """Always dropped, every modality is judged in training as if it were alone."""
        method, batch = stir(make(supplement_dropped=1.0)), tiny.batch(2)
        alone = Batch(
            batch.images, torch.tensor([[True, False, False]] * 2), batch.target, ("", "")
        )
        expected = method(alone).logits[:, 0]
        assert torch.allclose(method.train()(batch).logits[:, 0], expected, atol=1e-5)

    def test_half_of_the_items_go_without_in_training(self):
        method, batch = stir(make()), tiny.batch(8)
        whole = method(batch).logits
        each = alone(method, batch)
        method.train().before_step(0.0, Draws(seed=1))
        found = method(batch).logits
        dropped = Draws(seed=1).uniform("supplement", 8) < 0.5
        assert 0 < dropped.sum() < 8
        assert torch.allclose(found, torch.where(dropped[:, None], each, whole), atol=1e-5)

    @BOTH
    def test_what_is_absent_is_not_read(self, module):
        method = stir(make(module))
        present = torch.tensor([[True, False, True], [False, True, False]])
        batch = tiny.batch(2, present=present)
        images = batch.images.masked_fill(~present[..., None, None, None], torch.nan)
        spoilt = Batch(images, present, batch.target, batch.ids)
        for mode in (False, True):
            method.train(mode)
            assert torch.equal(method(batch).fused, method(spoilt).fused)
            assert torch.isfinite(loss_of(method, spoilt))

    def test_computing_a_block_again_draws_the_same(self):
        batch, gradients = tiny.batch(4), []
        for recompute in (False, True):
            method = stir(make(trainable="none")).train()
            method.recompute_blocks(recompute)
            loss_of(method, batch).backward()
            gradients.append(method.enhanced.enhancers[0].gain.grad)
        assert torch.allclose(*gradients, atol=1e-6)


class TestAlignment:
    def test_against_patches_that_are_shifted_one_by_one(self):
        torch.manual_seed(0)
        patches, text = F.normalize(torch.randn(2, 5, 8), dim=-1), F.normalize(torch.randn(2, 8))
        scale = torch.tensor(7.0)
        of_patches = scale * patches @ (text[1] - text[0])
        expected = torch.empty(2, 5)
        for image in range(2):
            for place in range(5):
                patch = patches[image, place]
                resembles = torch.softmax(
                    scale * torch.stack([patch @ text[0], patch @ text[1]]), 0
                )
                shifted = patch + resembles[0] * text[0] + resembles[1] * text[1]
                expected[image, place] = scale * (shifted @ text[1]) - scale * (shifted @ text[0])
        assert torch.allclose(align_with_text(of_patches, text[None], scale), expected, atol=1e-5)

    def test_text_of_each_image(self):
        torch.manual_seed(0)
        of_patches, text = torch.randn(3, 5), F.normalize(torch.randn(3, 2, 8), dim=-1)
        scale = torch.tensor(7.0)
        found = align_with_text(of_patches, text, scale)
        for image in range(3):
            alone = align_with_text(of_patches[[image]], text[[image]], scale)
            assert torch.equal(found[[image]], alone)

    def test_patches_are_asked_without_the_label(self):
        method, batch = stir(make()), tiny.batch(3)
        other = Batch(batch.images, batch.present, 1 - batch.target, batch.ids)
        for key in ("global", "local"):
            assert torch.equal(method(batch).parts[key], method(other).parts[key])

    def test_local_answer_is_the_mean_of_the_evidence(self):
        evidence = stir(make())(tiny.batch(2))
        assert torch.allclose(evidence.parts["local"], evidence.patches.mean(dim=(2, 3)), atol=1e-5)

    def test_loss_is_of_both_levels_equally(self):
        method = stir(make())
        present = torch.tensor([[True, True, False], [False, True, True]])
        batch = tiny.batch(2, present=present)
        evidence = method(batch)
        terms = method.loss(batch, evidence)
        assert terms.keys() == {"global", "local"}
        for level, term in terms.items():
            said = evidence.parts[level].detach()
            by_hand = [
                -math.log(torch.sigmoid(said[item, m] * (1 if batch.target[item] else -1)))
                for item, m in present.nonzero().tolist()
            ]
            assert term.item() == pytest.approx(np.mean(by_hand), rel=1e-5)

    def test_cms_enhancer_is_what_is_left_without_it(self):
        method, rest = stir(make()), make(cms_enhancer, seed=1)
        rest.load_state_dict(method.state_dict())
        batch = tiny.batch(3, present=torch.tensor([[1, 1, 1], [1, 0, 1], [0, 1, 0]]).bool())
        whole, evidence = method(batch), rest(batch)
        of_image = evidence.logits.nan_to_num()
        assert torch.equal(of_image, whole.parts["global"])
        assert torch.equal(evidence.embeddings, whole.embeddings)
        assert rest.loss(batch, evidence) == {"global": method.loss(batch, whole)["global"]}
        assert not torch.allclose(evidence.patches, whole.patches, equal_nan=True)


class TestAnswers:
    @pytest.mark.parametrize("score", ["global", "local"])
    def test_one_level_alone(self, score):
        evidence = stir(make(score=score))(tiny.batch(2))
        assert torch.equal(evidence.logits, evidence.parts[score])

    def test_both_levels_by_the_mean_of_their_probabilities(self):
        one, other = torch.tensor([2.0, -30.0, 80.0]), torch.tensor([-1.0, -40.0, 90.0])
        mean = (one.double().sigmoid() + other.double().sigmoid()) / 2
        found = mean_probability([one, other])
        assert torch.allclose(found.double().sigmoid(), mean, rtol=1e-5)
        assert torch.isfinite(found).all()
        evidence = stir(make())(tiny.batch(2))
        expected = mean_probability([evidence.parts["global"], evidence.parts["local"]])
        assert torch.equal(evidence.logits, expected)

    def test_mean_and_sum_of_a_subset_by_hand(self):
        logits = torch.tensor([[1.0, torch.nan, 4.0], [torch.nan, -3.0, torch.nan]])
        present = logits.isfinite()
        assert fuse_logits(logits, present, "mean").tolist() == [2.5, -3.0]
        assert fuse_logits(logits, present, "sum").tolist() == [5.0, -3.0]

    @pytest.mark.parametrize("module", [fm_clip, cms_enhancer, zero_shot])
    def test_log_odds_are_not_rounded_in_low_precision(self, module):
        method = module.build(tiny.encoder(), {} if module is zero_shot else {"prompts": 2}).eval()
        with torch.autocast("cpu", torch.bfloat16):
            evidence = method(tiny.batch(2))
        for said in (evidence.logits, evidence.fused, evidence.patches):
            assert said.dtype == torch.float32

    @BOTH
    @pytest.mark.parametrize(("fusion", "parts"), [("mean", 3), ("sum", 1)])
    def test_fused_answer_is_of_the_same_pass(self, module, fusion, parts):
        evidence = stir(make(module, fusion=fusion))(tiny.batch(2))
        assert torch.allclose(evidence.fused, evidence.logits.sum(dim=1) / parts)


class TestTraining:
    @BOTH
    def test_no_gradient_reaches_a_frozen_clip(self, module):
        method = stir(make(module, trainable="none")).train()
        loss_of(method, tiny.batch(4)).backward()
        assert all(parameter.grad is None for parameter in method.clip.parameters())
        assert method.enhanced.context.grad.abs().sum() > 0

    def test_scale_can_be_learned_beside_a_frozen_clip(self):
        assert make(trainable="none", learn_scale=True).clip.log_scale.requires_grad
        assert not make(trainable="none").clip.log_scale.requires_grad

    def test_bare_class_words(self):
        method = make(prompts=0)
        assert method.enhanced.context is None
        assert torch.isfinite(method(tiny.batch(2)).fused).all()

    @BOTH
    def test_parameters_at_vit_b16(self, module):
        method = module.build(base16.encoder("none"), {})
        bottleneck = 768 * 16 + 16 + 16 * 768 + 768
        of_block = 2 * 768 + (bottleneck + 9 * 16 * 16 + 16) + bottleneck + 10 * 768 + 768
        trained = [p for p in method.parameters() if p.requires_grad]
        assert sum(p.numel() for p in method.enhanced.enhancers.parameters()) == 12 * of_block
        assert 12 * of_block == 756_288
        assert sum(p.numel() for p in trained) == 756_288 + 16 * 512 == 764_480


class TestZeroShot:
    def of_sentence(self, encoder, sentence):
        ids = torch.tensor([encoder.tokenizer.encode(sentence).ids])
        ends = torch.tensor([ids.shape[1] - 1])
        return F.normalize(encoder.clip.text(encoder.clip.text.words(ids), ends)[0], dim=-1)

    def test_cosines_by_hand(self):
        encoder, batch = tiny.encoder(), tiny.batch(2)
        method = zero_shot.build(encoder, {}).eval()
        attack, bonafide = (self.of_sentence(encoder, f"{word} face.") for word in CLASS_WORDS)
        evidence = method(batch)
        for item in range(2):
            for m in range(3):
                features = encoder.clip.vision(batch.images[item, m][None])
                image = features.image[0] / features.image[0].norm()
                expected = 20 * (image @ bonafide - image @ attack)
                assert evidence.logits[item, m].item() == pytest.approx(expected.item(), abs=1e-4)
        assert torch.allclose(evidence.fused, evidence.logits.mean(dim=1))

    def test_an_ensemble_is_the_mean_of_its_sentences(self):
        encoder = tiny.encoder()
        templates = ["{} face.", "a face of a {} x", "{}"]
        method = zero_shot.build(encoder, {"template": templates}).eval()
        for index, word in enumerate(CLASS_WORDS):
            said = [self.of_sentence(encoder, template.format(word)) for template in templates]
            expected = F.normalize(torch.stack(said).mean(dim=0), dim=-1)
            assert torch.allclose(method.text_features()[index], expected, atol=1e-6)

    def test_sentences_of_a_template_stand_side_by_side(self):
        sentences = template_sentences(small_tokenizer(), ["a {}", "a {} face."])
        words = [small_tokenizer().id_to_token(ids[2]) for ids in sentences.ids.tolist()]
        assert words == ["fake", "live", "fake", "live"]
        assert sentences.ends.tolist() == [3, 3, 5, 5]

    def test_the_encoder_stays_as_it_is(self):
        method = zero_shot.build(tiny.encoder(), {}).train()
        assert not any(parameter.requires_grad for parameter in method.parameters())


@pytest.mark.parametrize(
    ("module", "option", "message"),
    [
        (fm_clip, {"score": "patches"}, "'score' should be both or global or local"),
        (fm_clip, {"fusion": "max"}, "'fusion' should be mean or sum"),
        (fm_clip, {"width": 0}, "'width' should be at least 1"),
        (fm_clip, {"prompts": 30}, "35 word pieces, but the encoder reads 12"),
        (cms_enhancer, {"supplement_dropped": 1.5}, "'supplement_dropped' should be 0 to 1"),
        (cms_enhancer, {"score": "both"}, "'score' is unknown"),
        (zero_shot, {"template": "a face."}, "'a face.' should have one {}"),
        (zero_shot, {"template": []}, "'template' should be a sentence or a list"),
        (zero_shot, {"template": 3}, "'template' should be a list, not 3"),
        (zero_shot, {"template": "a photo of a {} face."}, "not know every word"),
        (zero_shot, {"template": "{} " + "face " * 12}, "15 word pieces"),
    ],
)
def test_bad_options(module, option, message):
    with pytest.raises(BadInput, match=message):
        module.build(tiny.encoder(), option)
