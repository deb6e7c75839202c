"""The towers, and what hooks can do in them. What other libraries make of the same weights is
compared in ``test_encoder_layouts.py``.
"""

from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from flexpad.encoders.clip import (
    BetweenHalves,
    Clip,
    ConvolutionalStem,
    Mlp,
    attend,
    attend_plainly,
    set_trainable,
)
from flexpad.types import BadInput

from .clips import TINY


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


class Between(Recorder, BetweenHalves):
    """The same hook, which also takes what attention adds away again."""

    def before(self, layer: int, tokens: Tensor) -> Tensor:  # noqa: ARG002
        self.entered = tokens
        return tokens

    def between(self, layer: int, tokens: Tensor) -> Tensor:
        self.lengths.append(layer)
        assert not torch.equal(tokens, self.entered)  # attention has been
        return self.entered


def test_hook_that_wants_to_stands_between_attention_and_mlp():
    torch.manual_seed(0)
    clip = Clip(TINY).eval()
    hook = Between(beside=0.0)
    found = clip.vision(images := torch.randn(2, 3, 32, 32), hook)
    assert hook.lengths == [0, 1]
    for block in clip.vision.blocks:  # without attention's answer it is as if there were none
        torch.nn.init.zeros_(block.attention.out.weight)
        torch.nn.init.zeros_(block.attention.out.bias)
    assert torch.allclose(found.patches, clip.vision(images).patches, atol=1e-6)


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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"activation": "relu"}, "key 'activation' should be quick_gelu or gelu, not 'relu'"),
        ({"pooling": "max"}, "key 'pooling' should be class_token or mean_after_norm or mean_be"),
        ({"stem": "deep"}, "key 'stem' should be linear or convolutions or light_convolutions, n"),
        ({"image_size": 4}, "images of 4 pixels hold no patch of 8"),
    ],
)
def test_sizes_that_make_no_clip(values, message):
    with pytest.raises(BadInput, match=message):
        replace(TINY, **values)


def test_what_stands_for_an_image_is_the_mean_of_its_patches_alone():
    """Prompts that a hook puts between class token and patches are no part of it."""
    torch.manual_seed(0)
    clip = Clip(replace(TINY, pooling="mean_after_norm")).eval()
    features = clip.vision(torch.randn(2, 3, 32, 32), Recorder(beside=0.0))
    assert torch.allclose(features.image, features.patches.mean(dim=1), atol=1e-6)
