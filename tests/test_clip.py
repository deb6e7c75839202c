"""The towers: equal to transformers' CLIP on random weights, and open to hooks."""

import json
from functools import partial

import pytest
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from torch import Tensor

from flexpad.encoders import SMALL, build
from flexpad.encoders.clip import (
    Clip,
    ClipConfig,
    ConvolutionalStem,
    Mlp,
    TowerConfig,
    attend,
    attend_plainly,
    set_trainable,
)
from flexpad.encoders.weights import load_huggingface
from flexpad.recipe import EncoderRecipe
from flexpad.types import BadInput

TINY = ClipConfig(
    vision=TowerConfig(width=32, layers=2, heads=2, mlp_width=64),
    text=TowerConfig(width=24, layers=2, heads=2, mlp_width=48),
    joint_width=16,
    image_size=32,
    patch_size=8,
    vocabulary=12,
    context_length=10,
)
BASE_16 = ClipConfig(  # the widths of ViT-B/16; fewer layers and words, to be quick
    vision=TowerConfig(width=768, layers=3, heads=12, mlp_width=3072),
    text=TowerConfig(width=512, layers=3, heads=8, mlp_width=2048),
    joint_width=512,
    image_size=224,
    patch_size=16,
    vocabulary=1000,
    context_length=77,
)


def in_transformers(config: ClipConfig, activation: str = "quick_gelu") -> transformers.CLIPModel:
    """Make their model of the same size; the end token is the highest id, as in OpenAI's CLIP."""
    tower = {"hidden_act": activation}
    model = transformers.CLIPModel(
        transformers.CLIPConfig(
            vision_config={
                **tower,
                "hidden_size": config.vision.width,
                "num_hidden_layers": config.vision.layers,
                "num_attention_heads": config.vision.heads,
                "intermediate_size": config.vision.mlp_width,
                "image_size": config.image_size,
                "patch_size": config.patch_size,
            },
            text_config={
                **tower,
                "hidden_size": config.text.width,
                "num_hidden_layers": config.text.layers,
                "num_attention_heads": config.text.heads,
                "intermediate_size": config.text.mlp_width,
                "vocab_size": config.vocabulary,
                "max_position_embeddings": config.context_length,
                "bos_token_id": 0,
                "eos_token_id": config.vocabulary - 1,
            },
            projection_dim=config.joint_width,
        )
    )
    with torch.no_grad():  # their biases and norms start at 0 and 1, which would hide a swap
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


def save_huggingface(model: transformers.CLIPModel, folder) -> None:
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()},
        folder / "model.safetensors",
    )
    (folder / "config.json").write_text(json.dumps(model.config.to_dict(), default=str))


@pytest.mark.parametrize(
    ("config", "activation"), [(TINY, "quick_gelu"), (TINY, "gelu"), (BASE_16, "quick_gelu")]
)
def test_equal_to_transformers(config, activation, tmp_path):
    torch.manual_seed(0)
    theirs = in_transformers(config, activation)
    save_huggingface(theirs, tmp_path)
    ours = load_huggingface(tmp_path).eval()
    images = torch.randn(2, 3, config.image_size, config.image_size)
    ids = torch.randint(1, config.vocabulary - 1, (2, 8))
    ids[0, 5], ids[1, 7] = config.vocabulary - 1, config.vocabulary - 1
    with torch.no_grad():
        expected_images = theirs.visual_projection(
            theirs.vision_model(pixel_values=images).pooler_output
        )
        expected_texts = theirs.text_projection(theirs.text_model(input_ids=ids).pooler_output)
        found_images = ours.vision(images).image
        found_texts = ours.text(ours.text.words(ids), torch.tensor([5, 7]))
    assert (found_images - expected_images).abs().max() <= 1e-5
    assert (found_texts - expected_texts).abs().max() <= 1e-5
    assert ours.log_scale.item() == pytest.approx(theirs.logit_scale.item())


@pytest.mark.parametrize("causal", [True, False])
def test_plain_attention_equals_the_fused_kernel(causal):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 4, 7, 8, dtype=torch.float64).unbind(0)
    fused = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    assert torch.allclose(attend_plainly(q, k, v, causal=causal), fused, atol=1e-12)
    for precision, close in ((torch.float32, 1e-6), (torch.bfloat16, 2e-2)):
        found = attend(*(part.to(precision) for part in (q, k, v)), causal=causal)
        assert found.dtype is precision
        assert torch.allclose(found.double(), fused, atol=close)


def test_quick_gelu_and_its_gradient_by_its_definition():
    torch.manual_seed(0)
    mlp = Mlp(width=6, hidden=12, activation="quick_gelu")
    tokens = torch.randn(2, 3, 6, requires_grad=True)
    widened = F.linear(tokens, mlp.widen.weight, mlp.widen.bias)
    expected = mlp.narrow(widened * torch.sigmoid(1.702 * widened))
    assert torch.allclose(mlp(tokens), expected, atol=1e-6)
    weights = [tokens, *mlp.parameters()]
    of_found = torch.autograd.grad(mlp(tokens).square().sum(), weights)
    of_expected = torch.autograd.grad(expected.square().sum(), weights)
    assert all(map(partial(torch.allclose, atol=1e-5), of_found, of_expected))
    with torch.no_grad():
        assert torch.allclose(mlp(tokens), expected, atol=1e-6)


def test_text_does_not_see_what_follows_the_end():
    torch.manual_seed(0)
    clip = Clip(TINY).eval()
    words = torch.randn(1, 6, 24)
    changed = words.clone()
    changed[:, 4:] = 7.0
    ends = torch.tensor([3])
    assert torch.equal(clip.text(words, ends), clip.text(changed, ends))


class Recorder:
    """A hook that puts two tokens behind the class token and adds one beside every MLP."""

    def __init__(self, beside: float) -> None:
        self.value = beside
        self.lengths: list[int] = []

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        self.started = (patches.shape, tokens.shape)

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        if layer == 0:
            tokens = torch.cat([tokens[:, :1], tokens[:, :1], tokens[:, :1], tokens[:, 1:]], 1)
        self.lengths.append(tokens.shape[1])
        return tokens

    def beside(self, layer: int, normed: Tensor) -> Tensor:  # noqa: ARG002
        # A constant would be taken out again by the norms.
        return self.value * torch.arange(normed.shape[-1]).expand_as(normed)


def test_hook_reaches_every_block_and_patches_stay_the_last_tokens():
    torch.manual_seed(0)
    clip = Clip(TINY).eval()
    images = torch.randn(3, 3, 32, 32)
    hook = Recorder(beside=0.0)
    features = clip.vision(images, hook)
    assert hook.started == ((3, 16, 32), (3, 17, 32))
    assert hook.lengths == [19, 19]
    assert features.image.shape == (3, 16)
    assert features.patches.shape == (3, 16, 16)
    other = clip.vision(images, Recorder(beside=0.5))
    assert not torch.allclose(features.image, other.image)


def count_trainable(clip: Clip) -> int:
    return sum(parameter.numel() for parameter in clip.parameters() if parameter.requires_grad)


def test_trainable_all_none_last():
    clip = Clip(TINY)
    everything = sum(parameter.numel() for parameter in clip.parameters())
    set_trainable(clip, "all")
    assert count_trainable(clip) == everything
    set_trainable(clip, "none")
    assert count_trainable(clip) == 0
    set_trainable(clip, "last_1")
    trained = {name for name, parameter in clip.named_parameters() if parameter.requires_grad}
    assert "vision.blocks.1.mlp.widen.weight" in trained
    assert "text.projection" in trained
    assert not any(name.startswith(("vision.blocks.0", "vision.patchify")) for name in trained)


@pytest.mark.parametrize("trainable", ["some", "last_x", "last_9", "last", ""])
def test_trainable_refuses(trainable):
    with pytest.raises(BadInput, match="trainable"):
        set_trainable(Clip(TINY), trainable)


def test_small_encoder_has_the_size_it_says():
    encoder = build(EncoderRecipe())
    features = encoder.clip.vision(torch.randn(1, 3, SMALL.image_size, SMALL.image_size))
    assert features.patches.shape == (1, 49, SMALL.joint_width)


class TestConvolutionalStem:
    def test_a_place_for_every_patch(self):
        stem = ConvolutionalStem(width=16, patch_size=8)
        assert stem(torch.randn(2, 3, 32, 40)).shape == (2, 16, 4, 5)

    def test_judges_images_alone_in_evaluation(self):
        stem = ConvolutionalStem(width=16, patch_size=8)
        stem(torch.randn(4, 3, 32, 32))  # so that it remembers something
        stem.eval()
        images = torch.randn(4, 3, 32, 32)
        assert torch.allclose(stem(images)[:1], stem(images[:1]), atol=1e-5)

    def test_what_it_remembers_is_frozen_with_its_weights(self):
        stem = ConvolutionalStem(width=16, patch_size=8).requires_grad_(False)
        stem.train()
        before = {name: value.clone() for name, value in stem.state_dict().items()}
        stem(5 + torch.randn(4, 3, 32, 32))
        assert all(torch.equal(value, before[name]) for name, value in stem.state_dict().items())

    def test_refuses_patches_it_cannot_halve(self):
        with pytest.raises(BadInput, match="patch_size 14 should be a multiple of 4"):
            ConvolutionalStem(width=16, patch_size=14)


def test_unknown_encoder_names_what_there_is():
    with pytest.raises(BadInput, match="'smalll' is neither 'small' nor a folder"):
        build(EncoderRecipe(name="smalll"))


class TestBrokenWeights:
    @pytest.fixture
    def folder(self, tmp_path):
        torch.manual_seed(0)
        save_huggingface(in_transformers(TINY), tmp_path)
        return tmp_path

    def test_missing(self, folder):
        (folder / "model.safetensors").unlink()
        with pytest.raises(BadInput, match=r"model\.safetensors: is missing"):
            load_huggingface(folder)

    def test_truncated(self, folder):
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:1000])
        with pytest.raises(BadInput, match=r"model\.safetensors: does not fit"):
            load_huggingface(folder)

    def test_other_size(self, folder):
        config = json.loads((folder / "config.json").read_text())
        config["vision_config"]["hidden_size"] = 64
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(BadInput, match=r"model\.safetensors: does not fit") as error:
            load_huggingface(folder)
        assert "\n" not in str(error.value)

    def test_no_configuration(self, folder):
        (folder / "config.json").write_text("{}")
        with pytest.raises(BadInput, match="is not a CLIP configuration"):
            load_huggingface(folder)
