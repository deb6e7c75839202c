"""What holds of the linear probe and of both methods with adapters beyond what holds of all."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from flexpad import encoders
from flexpad.components.conv_pass import ConvPass
from flexpad.components.heads import LinearJudge, TextJudge
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, ClipConfig, TowerConfig, set_trainable
from flexpad.encoders.feature_cache import frozen_part
from flexpad.encoders.text import small_tokenizer, word_tokenizer, written_sentences
from flexpad.methods import Method, build
from flexpad.recipe import EncoderRecipe, MethodRecipe
from flexpad.types import BadInput, Batch
from tests import tiny

adapters = pytest.mark.parametrize("name", ["clip_adapter", "per_modality_adapter"])
heads = pytest.mark.parametrize("head", ["text", "linear"])


def make(name: str, encoder: Encoder | None = None, trainable: str = "none", **options) -> Method:
    encoder = encoder or tiny.encoder()
    set_trainable(encoder.clip, trainable)
    return build(MethodRecipe(name, options), encoder).eval()


@torch.no_grad()
def stir(module: nn.Module, seed: int = 0) -> nn.Module:
    """Move what is trained off its start, so that nothing hides behind a zero."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.requires_grad:
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return module


def trained(method: Method) -> int:
    return sum(p.numel() for p in method.parameters() if p.requires_grad)


def base_16() -> Encoder:
    """The shape of CLIP ViT-B/16, without memory for its weights and with few words."""
    config = ClipConfig(
        vision=TowerConfig(768, 12, 12, 3072),
        text=TowerConfig(512, 1, 8, 2048),
        joint_width=512,
        image_size=224,
        patch_size=16,
        vocabulary=small_tokenizer().get_vocab_size(),
        context_length=16,
    )
    with torch.device("meta"):
        clip = Clip(config)
    return Encoder(clip, small_tokenizer())


class TestConvPass:
    def test_start_adds_nothing_and_convolves_nothing(self):
        adapter = ConvPass(12, grid=3, rank=4)
        assert torch.equal(adapter(torch.randn(2, 10, 12)), torch.zeros(2, 10, 12))
        maps = torch.randn(2, 4, 3, 3)
        assert torch.equal(adapter.convolution(maps), maps)

    @pytest.mark.parametrize("ahead", [0, 1, 4])
    def test_equals_convolutions_on_maps(self, ahead):
        """Two 1x1 convolutions with a 3x3 one between, on the patches and on every other token."""
        torch.manual_seed(0)
        adapter = stir(ConvPass(12, grid=3, rank=4))
        tokens = torch.randn(2, ahead + 9, 12)
        narrow, widen = nn.Conv2d(12, 4, 1), nn.Conv2d(4, 12, 1)
        for plain, ours in ((narrow, adapter.narrow), (widen, adapter.widen)):
            plain.weight.data = ours.weight.data[:, :, None, None]
            plain.bias.data = ours.bias.data

        def activation(x):
            return x * torch.sigmoid(1.702 * x)

        def on_map(maps):
            return widen(activation(adapter.convolution(activation(narrow(maps)))))

        patches = on_map(tokens[:, ahead:].transpose(1, 2).reshape(2, 12, 3, 3))
        expected = [on_map(tokens[:, i, :, None, None]).flatten(1)[:, None] for i in range(ahead)]
        expected.append(patches.flatten(2).transpose(1, 2))
        assert torch.allclose(adapter(tokens), torch.cat(expected, dim=1), atol=1e-5)

    def test_drops_in_training_only(self):
        torch.manual_seed(0)
        adapter, tokens = stir(ConvPass(12, grid=3, rank=4, dropout=0.5)), torch.randn(2, 10, 12)
        assert not torch.equal(adapter(tokens), adapter(tokens))
        adapter.eval()
        assert torch.equal(adapter(tokens), adapter(tokens))


@adapters
class TestBothAdapters:
    def test_start_leaves_clip_as_it_is(self, name):
        method, batch = make(name), tiny.batch(2)
        plain = F.normalize(method.clip.vision(batch.images.flatten(0, 1)).image, dim=-1)
        assert torch.allclose(method(batch).embeddings.flatten(0, 1), plain, atol=1e-6)

    def test_text_head_by_hand(self, name):
        method, batch = stir(make(name)), tiny.batch(2)
        evidence = method(batch)
        assert isinstance(method.head, TextJudge)
        clip, pieces = method.clip, [tiny.encoder().tokenizer.encode(w) for w in
                                     ("fake face.", "live face.")]  # fmt: skip
        ids = torch.tensor([piece.ids for piece in pieces])
        text = F.normalize(clip.text(clip.text.words(ids), torch.tensor([4, 4])), dim=-1)
        logits = clip.log_scale.exp() * evidence.embeddings @ text.T  # attack, bona fide
        assert torch.allclose(evidence.logits, logits[..., 1] - logits[..., 0], atol=1e-4)

    def test_subset_is_the_mean_of_its_logits(self, name):
        evidence = stir(make(name))(tiny.batch(2))
        present = torch.tensor([[True, False, True], [False, True, False]])
        logits = evidence.logits
        expected = torch.stack([(logits[0, 0] + logits[0, 2]) / 2, logits[1, 1]])
        assert torch.allclose(make(name).fuse(evidence, present), expected)

    def test_frozen_clip_trains_the_adapter_alone(self, name):
        method = make(name)
        learned = {n for n, p in method.named_parameters() if p.requires_grad}
        assert learned
        assert all(n.startswith("adapter") for n in learned)

    def test_linear_head_trains_no_text(self, name):
        method = make(name, trainable="all", head="linear")
        assert isinstance(method.head, LinearJudge)
        assert not any(p.requires_grad for p in method.clip.text.parameters())
        assert not method.clip.log_scale.requires_grad
        with_text = make(name)
        assert trained(make(name, head="linear")) - trained(with_text) == 16 + 1

    def test_class_words_and_scale_can_be_learned(self, name):
        method = make(name, tune_class_words=True, learn_scale=True)
        assert trained(method) - trained(make(name)) == 2 * 24 + 1
        method.train()
        sum(method.loss(tiny.batch(4), method(tiny.batch(4))).values()).backward()
        assert method.head.class_text.class_words.grad.abs().sum() > 0
        assert method.clip.log_scale.grad.abs() > 0

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"head": "both"}, "key 'head' should be text or linear, not 'both'"),
            ({"rank": 0}, "key 'rank' should be at least 1, not 0"),
            ({"dropout": 1.0}, "key 'dropout' should be at least 0 and below 1, not 1.0"),
            ({"head": "linear", "tune_class_words": True}, "key 'tune_class_words' is for"),
            ({"sentences": ["a face"]}, "sentence 'a face' should have one {} for the class word"),
            ({"sentences": []}, "there should be at least one sentence"),
            ({"sentences": ["This {}."]}, "the tokenizer does not know every word"),
        ],
    )
    def test_bad_options_are_refused(self, name, options, message):
        with pytest.raises(BadInput) as caught:
            make(name, **options)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


class TestClipAdapter:
    def test_one_instance_has_as_many_weights_as_published(self):
        method = make("clip_adapter", base_16())
        found = [module for module in method.modules() if isinstance(module, ConvPass)]
        assert len(found) == 1
        assert trained(method) == 13_648
        narrow, convolution, widen = 768 * 8 + 8, 8 * 8 * 9 + 8, 8 * 768 + 768
        assert narrow + convolution + widen == 13_648

    def test_is_added_to_both_halves_of_every_block(self):
        """Against the formula of a block, the MLP half with the norm of the attention, too."""
        method, batch = stir(make("clip_adapter")), tiny.batch(2)
        tower, adapter = method.clip.vision, method.adapter
        images = batch.images.flatten(0, 1)
        patches = tower.patchify(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([tower.class_token.expand(len(images), 1, -1), patches], dim=1)
        x = tower.norm_before(tokens + tower.positions)
        for block in tower.blocks:
            normed = block.norm_attention(x)
            x = x + block.attention(normed) + adapter(normed)
            x = x + block.mlp(block.norm_mlp(x)) + adapter(block.norm_attention(x))
        features = tower.norm_after(x[:, 0]) @ tower.projection
        found = method(batch).embeddings.flatten(0, 1)
        assert torch.allclose(found, F.normalize(features, dim=-1), atol=1e-5)
        assert not torch.allclose(found, F.normalize(tower(images).image, dim=-1), atol=1e-2)

    def test_memory_saved_on_the_way_back_changes_no_gradient(self):
        gradients = []
        for recompute in (False, True):
            method = stir(make("clip_adapter", dropout=0.0)).train()
            method.recompute_blocks(recompute)
            method.loss(tiny.batch(2), method(tiny.batch(2)))["image"].backward()
            gradients.append(method.adapter.narrow.weight.grad)
        assert torch.allclose(*gradients, atol=1e-6)
        assert gradients[0].abs().sum() > 0


class TestPerModalityAdapter:
    @pytest.mark.parametrize(
        ("rank", "count"), [(8, 491_328), (16, 996_480), (32, 2_131_200), (64, 4_898_304)]
    )
    def test_counts_of_the_specification(self, rank, count):
        assert trained(make("per_modality_adapter", base_16(), rank=rank)) == count

    @pytest.mark.parametrize("modality", [0, 1, 2])
    def test_modality_changes_only_with_its_own_adapters(self, modality):
        method, batch = stir(make("per_modality_adapter", rank=4)), tiny.batch(3)
        before = method(batch).logits
        stir(method.adapters[modality], seed=1)
        changed = (method(batch).logits - before).abs() > 1e-5
        assert changed[:, modality].all()
        others = [m for m in range(3) if m != modality]
        assert not changed[:, others].any()

    def test_slot_alone_decides(self):
        """The same picture in every slot is judged by three adapters, in any other company."""
        method, batch = stir(make("per_modality_adapter", rank=4)), tiny.batch(2)
        images = batch.images[:, :1].expand(-1, 3, -1, -1, -1)
        logits = method(Batch(images, batch.present, batch.target, batch.ids)).logits
        assert len({round(value, 4) for value in logits[0].tolist()}) == 3
        for modality in range(3):
            adapted = method.adapters[modality]

            class Alone:
                def start(self, patches, tokens): ...

                def before(self, layer, tokens):  # noqa: ARG002
                    return tokens

                def beside(self, layer, normed, adapted=adapted):
                    return adapted[layer](normed)

            features = method.clip.vision(images[:, modality], Alone())
            expected = method.head(features, method.clip).image
            assert torch.allclose(logits[:, modality], expected, atol=1e-5)

    def test_items_may_have_different_modalities(self):
        method = stir(make("per_modality_adapter", rank=4))
        present = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 1, 1]]).bool()
        everything = method(tiny.batch(3))
        found = method(tiny.batch(3, present=present))
        for of_all, of_some in (
            (everything.logits, found.logits),
            (everything.patches, found.patches),
            (everything.embeddings, found.embeddings),
        ):
            assert torch.allclose(of_all[present], of_some[present], atol=1e-5)


class TestLinearProbe:
    def test_encoder_is_frozen_whatever_is_asked(self):
        method = make("linear_probe", trainable="all")
        learned = {n for n, p in method.named_parameters() if p.requires_grad}
        assert learned == {"head.weight", "head.bias"}

    def test_features_can_be_kept(self):
        method, batch = make("linear_probe", trainable="all"), tiny.batch(2)
        part = frozen_part(method.clip, whole=not method.reaches_into_tower)
        assert part.module is method.clip.vision
        kept = part.answer(batch.images.flatten(0, 1)).unflatten(0, (2, 3))
        with part.skipped():
            found = method(Batch(kept, batch.present, batch.target, batch.ids))
        assert torch.equal(found.fused, method(batch).fused)

    @pytest.mark.parametrize("chosen", [["class"], ["deviation", "mean"], ["class", "mean"]])
    def test_by_hand(self, chosen):
        """What training saw is the mean over all of it, however it was cut into batches."""
        method = make("linear_probe", features=chosen).train()
        shown = [tiny.batch(4, seed=seed) for seed in (1, 2, 3)]
        for batch in shown:
            method(batch)
        method.eval()

        def read(batch):
            image, patches = method.clip.vision(batch.images.flatten(0, 1))
            said = {"class": image, "mean": patches.mean(1), "deviation": patches.std(1, False)}
            return torch.cat([said[name] for name in chosen], dim=1)

        with torch.no_grad():
            seen = torch.stack([read(batch) for batch in shown])
            mean, deviation = seen.mean((0, 1)), (seen.var(1).mean(0) + 1e-5).sqrt()
            expected = method.head((read(tiny.batch(2)) - mean) / deviation).view(2, 3)
            assert torch.allclose(method(tiny.batch(2)).logits, expected, atol=1e-4)

    def test_patches_add_up_to_the_answer(self):
        method = make("linear_probe").train()
        method(tiny.batch(4))
        evidence = method.eval()(tiny.batch(2))
        assert torch.allclose(evidence.patches.mean((2, 3)), evidence.logits, atol=1e-5)
        assert evidence.patches.std(dim=(2, 3)).min() > 0
        alike = make("linear_probe", features=["class"])(tiny.batch(2)).patches
        assert alike.std(dim=(2, 3)).max() == 0

    def test_image_whose_patches_are_alike_is_judged(self):
        batch = tiny.batch(2)
        flat = Batch(torch.zeros_like(batch.images), batch.present, batch.target, batch.ids)
        method = make("linear_probe").train()
        method.loss(flat, method(flat))["image"].backward()
        assert torch.isfinite(method.head.weight.grad).all()

    @pytest.mark.parametrize("chosen", [[], ["class", "class"], ["median"]])
    def test_bad_features_are_refused(self, chosen):
        with pytest.raises(BadInput, match="key 'features'"):
            make("linear_probe", features=chosen)


class TestSentences:
    WORDS = ("this", "is", "an", "image", "of", "live", "fake", "face", ".")

    def test_first_whose_words_are_known_is_taken(self):
        templates = ("This is an image of {} face.", "{} face.")
        knows_all = written_sentences(word_tokenizer(self.WORDS), templates)
        assert knows_all.context == 5
        assert knows_all.ids.shape == (2, 10)  # start, five words, class, face, stop, end
        differs = (knows_all.ids[0] != knows_all.ids[1]).nonzero().flatten()
        assert differs.tolist() == [1 + knows_all.context]
        few = written_sentences(small_tokenizer(), templates)
        assert few.context == 0
        assert few.ends.tolist() == [4, 4]

    @heads
    def test_clip_nano_is_judged_by_default(self, head):
        encoder = encoders.build(EncoderRecipe("builtin:clip-nano"))
        method = make("clip_adapter", encoder, head=head)
        images = torch.zeros(1, 3, 3, 112, 112)
        batch = Batch(images, torch.tensor([[True, False, False]]), torch.tensor([1]), ("one",))
        assert method(batch).fused.isfinite().all()
