"""The two towers of CLIP, any size, with a hook for tokens before, in and beside every block.

Nothing here belongs to a paper on presentation attacks: a method reaches into the towers only
through a :class:`TokenHook`. The architecture is that of Radford et al., "Learning Transferable
Visual Models From Natural Language Supervision", 2021 (arXiv 2103.00020); a test holds both towers
equal to the ones in transformers.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from flexpad.types import BadInput

STEMS = ("linear", "convolutions", "light_convolutions")
POOLINGS = ("class_token", "mean_after_norm", "mean_before_norm")


@dataclass(frozen=True, slots=True)
class TowerConfig:
    """The size of one tower."""

    width: int
    layers: int
    heads: int
    mlp_width: int

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.heads, self.mlp_width) < 1:
            raise BadInput(f"every size of a tower should be at least 1, but {self} has less")
        if self.width % self.heads:
            raise BadInput(f"{self.heads} heads do not divide a width of {self.width}")


@dataclass(frozen=True, slots=True)
class ClipConfig:
    """The size of a CLIP.

    Attributes:
        vision: Tower over patches.
        text: Tower over words.
        joint_width: Length P of the space both towers end in.
        image_size: Height and width of an image in pixels.
        patch_size: Height and width of a patch in pixels.
        vocabulary: Number of word pieces.
        context_length: Longest sentence in word pieces.
        activation: ``quick_gelu`` (OpenAI's weights) or ``gelu``.
        logit_scale: Start of the factor on cosines.
        stem: How patches are embedded: ``linear`` as in CLIP, or ``convolutions``, which learn
            from few images; ``light_convolutions`` are those without residual steps, a quarter of
            the work.
        norm_before: Whether image tokens are normalised before the first block.
        pooling: What stands for an image: ``class_token``; or the mean of its patches, taken
            after the last norm (``mean_after_norm``) or before it (``mean_before_norm``).
    """

    vision: TowerConfig
    text: TowerConfig
    joint_width: int
    image_size: int
    patch_size: int
    vocabulary: int
    context_length: int
    activation: str = "quick_gelu"
    logit_scale: float = 1 / 0.07
    stem: str = "linear"
    norm_before: bool = True
    pooling: str = "class_token"

    def __post_init__(self) -> None:
        for key, known in (("activation", _ACTIVATIONS), ("stem", STEMS), ("pooling", POOLINGS)):
            value = getattr(self, key)
            if value not in known:
                raise BadInput(f"key {key!r} should be {' or '.join(known)}, not {value!r}")
        if self.image_size < self.patch_size:
            raise BadInput(f"images of {self.image_size} pixels hold no patch of {self.patch_size}")

    @property
    def grid(self) -> int:
        """Patches along a side of an image."""
        return self.image_size // self.patch_size


class TokenHook(Protocol):
    """What a method may do inside a tower. One object serves one pass."""

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """See the input of a vision tower.

        Args:
            patches: Patch embeddings before class token and positions, (n, N, D).
            tokens: What enters the first block, (n, 1 + N, D).
        """

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Change the tokens, or their number, before a block; patches stay the last N."""

    def beside(self, layer: int, normed: Tensor) -> Tensor | None:
        """Give what is added in parallel with the MLP, computed from its normalised input."""


class BetweenHalves(ABC):
    """What a :class:`TokenHook` may do beyond that; one that does inherits from this."""

    @abstractmethod
    def between(self, layer: int, tokens: Tensor) -> Tensor:
        """Change the tokens (n, T, D) between the attention and the MLP of a block."""


class VisionFeatures(NamedTuple):
    """What the vision tower says of n images, in the joint space but not normalised.

    Attributes:
        image: (n, P), from the class token or, as the weights want it, from the mean patch.
        patches: (n, N, P), from every patch token.
    """

    image: Tensor
    patches: Tensor


def _quick_gelu(x: Tensor) -> Tensor:
    """Give x * sigmoid(1.702 x), in the memory of x, which is a linear map's output.

    It is SiLU at another scale, whose kernel and gradient torch has in one piece; no fresh memory
    is asked for, and gradients keep one tensor less.
    """
    scaled = x.mul_(1.702)
    return F.silu(scaled, inplace=not scaled.requires_grad).mul_(1 / 1.702)


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"quick_gelu": _quick_gelu, "gelu": F.gelu}


def attend(q: Tensor, k: Tensor, v: Tensor, *, causal: bool) -> Tensor:
    """Mix values by how queries match keys, each (n, heads, N, d).

    On a CPU the fused kernel is for fp32 alone, where it takes up to 40 % less time in evaluation;
    its bf16 backward takes 2 to 7 times as long as plain products at the lengths of image patches.
    """
    if q.device.type != "cpu" or q.dtype == torch.float32:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return attend_plainly(q, k, v, causal=causal)


def attend_plainly(q: Tensor, k: Tensor, v: Tensor, *, causal: bool) -> Tensor:
    """Do the same as two products with a softmax between."""
    match = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    if causal:
        later = torch.ones(match.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
        match = match.masked_fill(later, -torch.inf)
    mixed: Tensor = match.softmax(dim=-1).to(v.dtype) @ v
    return mixed


class Attention(nn.Module):
    """Self-attention over tokens (n, N, D)."""

    def __init__(self, width: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Mix tokens; with ``causal`` each sees only itself and those before it."""
        n, length, width = tokens.shape
        split = self.qkv(tokens).view(n, length, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v, causal=self.causal)
        mixed = mixed.transpose(1, 2).reshape(n, length, width)
        out: Tensor = self.out(mixed)
        return out


class Mlp(nn.Module):
    """Two linear maps with an activation between."""

    def __init__(self, width: int, hidden: int, activation: str) -> None:
        super().__init__()
        self.widen = nn.Linear(width, hidden)
        self.narrow = nn.Linear(hidden, width)
        self.activation = _ACTIVATIONS[activation]

    def forward(self, tokens: Tensor) -> Tensor:
        """Map each token alone, (n, N, D) to (n, N, D)."""
        return self.narrow(self.activation(self.widen(tokens)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Pre-norm transformer block with room between its halves and beside its MLP."""

    def __init__(self, size: TowerConfig, activation: str, *, causal: bool) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(size.width)
        self.attention = Attention(size.width, size.heads, causal=causal)
        self.norm_mlp = nn.LayerNorm(size.width)
        self.mlp = Mlp(size.width, size.mlp_width, activation)

    def reset(self, of_layers: int) -> None:
        """Draw random weights; what adds to the residual stream starts smaller in deep towers."""
        width = self.norm_mlp.normalized_shape[0]
        residual = width**-0.5 * (2 * of_layers) ** -0.5
        nn.init.normal_(self.attention.qkv.weight, std=width**-0.5)
        nn.init.normal_(self.attention.out.weight, std=residual)
        nn.init.normal_(self.mlp.widen.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(self.mlp.narrow.weight, std=residual)

    def forward(self, tokens: Tensor, layer: int, hook: TokenHook | None) -> Tensor:
        """Run the block on tokens (n, N, D)."""
        if hook is not None:
            tokens = hook.before(layer, tokens)
        tokens = tokens + self.attention(self.norm_attention(tokens))
        if isinstance(hook, BetweenHalves):
            tokens = hook.between(layer, tokens)
        normed = self.norm_mlp(tokens)
        tokens = tokens + self.mlp(normed)
        beside = None if hook is None else hook.beside(layer, normed)
        return tokens if beside is None else tokens + beside


class Blocks(nn.ModuleList):
    """The blocks of a tower.

    Attributes:
        recompute: Whether the way back computes the inside of each block again instead of keeping
            it. Hooks are then asked twice for the same, and should answer the same.
    """

    recompute = False

    def run(self, tokens: Tensor, hook: TokenHook | None) -> Tensor:
        """Run one block after another on tokens (n, N, D)."""
        for layer, block in enumerate(self):
            if self.recompute and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, layer, hook, use_reentrant=False)
            else:
                tokens = block(tokens, layer, hook)
        return tokens


class Residual(nn.Module):
    """Two 3x3 convolutions that add to what they are given, (n, C, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            *_convolution(channels, channels, 3, stride=1),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Give maps of the same shape."""
        return F.relu(maps + self.change(maps))


def _convolution(before: int, after: int, kernel: int, stride: int) -> list[nn.Module]:
    padding = 1 if kernel == 3 else 0
    convolution = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU()]


class ConvolutionalStem(nn.Sequential):
    """Images (n, 3, H, W) to patch embeddings (n, D, h, w), by convolutions that overlap.

    After Xiao et al., "Early Convolutions Help Transformers See Better", NeurIPS 2021. The first
    step is a coarse one, since steps of two cost twice as much on a CPU.
    """

    def __init__(self, width: int, patch_size: int, *, residual: bool = True) -> None:
        if patch_size % 4:
            raise BadInput(f"patch_size {patch_size} should be a multiple of 4 with convolutions")
        quarter, half = width // 4, width // 2
        super().__init__(
            *_convolution(3, quarter, patch_size // 4, stride=patch_size // 4),
            *_convolution(quarter, half, 3, stride=2),
            *([Residual(half)] if residual else []),
            *_convolution(half, width, 3, stride=2),
            *([Residual(width)] if residual else []),
            nn.Conv2d(width, width, 1),
        )

    def train(self, mode: bool = True) -> ConvolutionalStem:
        """Switch mode; what batch norm remembers of images is frozen with the weights."""
        trained = any(parameter.requires_grad for parameter in self.parameters())
        super().train(mode and trained)
        return self


def _stem(config: ClipConfig) -> nn.Module:
    """Make what embeds patches."""
    width, patch = config.vision.width, config.patch_size
    if config.stem == "linear":
        return nn.Conv2d(3, width, patch, patch, bias=False)
    return ConvolutionalStem(width, patch, residual=config.stem == "convolutions")


class VisionTower(nn.Module):
    """Images to features."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        size = config.vision
        self.patchify = _stem(config)
        self.class_token = nn.Parameter(torch.empty(size.width))
        self.positions = nn.Parameter(torch.empty(1 + config.grid**2, size.width))
        self.norm_before = nn.LayerNorm(size.width) if config.norm_before else nn.Identity()
        self.blocks = Blocks(
            Block(size, config.activation, causal=False) for _ in range(size.layers)
        )
        self.norm_after = nn.LayerNorm(size.width)
        self.projection = nn.Parameter(torch.empty(size.width, config.joint_width))
        self.patch_count = config.grid**2
        self.pooling = config.pooling

    def forward(self, images: Tensor, hook: TokenHook | None = None) -> VisionFeatures:
        """Encode normalised images (n, 3, H, W)."""
        patches = self.patchify(images).flatten(2).transpose(1, 2)
        class_tokens = self.class_token.to(patches.dtype).expand(len(images), 1, -1)
        tokens = torch.cat([class_tokens, patches], dim=1) + self.positions
        tokens = self.norm_before(tokens)
        if hook is not None:
            hook.start(patches, tokens)
        tokens = self.blocks.run(tokens, hook)
        # A hook may have put tokens between the class token and the patches.
        kept = torch.cat([tokens[:, :1], tokens[:, -self.patch_count :]], dim=1)
        features = self._pool(kept) @ self.projection
        return VisionFeatures(features[:, 0], features[:, 1:])

    def _pool(self, tokens: Tensor) -> Tensor:
        """Normalise class token and patches (n, 1 + N, D); the first becomes that of the image."""
        patches = tokens[:, 1:]
        if self.pooling == "mean_before_norm":
            tokens = torch.cat([patches.mean(dim=1, keepdim=True), patches], dim=1)
        normed: Tensor = self.norm_after(tokens)
        if self.pooling == "mean_after_norm":
            patches = normed[:, 1:]
            normed = torch.cat([patches.mean(dim=1, keepdim=True), patches], dim=1)
        return normed


class TextTower(nn.Module):
    """Sentences to features."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        size = config.text
        self.words = nn.Embedding(config.vocabulary, size.width)
        self.positions = nn.Parameter(torch.empty(config.context_length, size.width))
        self.blocks = Blocks(
            Block(size, config.activation, causal=True) for _ in range(size.layers)
        )
        self.norm_after = nn.LayerNorm(size.width)
        self.projection = nn.Parameter(torch.empty(size.width, config.joint_width))

    def forward(self, words: Tensor, ends: Tensor, hook: TokenHook | None = None) -> Tensor:
        """Encode sentences given as word embeddings.

        Args:
            words: Rows of :attr:`words`, or what a method puts in their place, (K, L, D).
            ends: Place of each sentence's end token, (K,) int64. What follows it is never seen.
            hook: Reaches between the blocks; ``start`` is not called.

        Returns:
            Features in the joint space, not normalised, (K, P).
        """
        tokens = self.blocks.run(words + self.positions[: words.shape[1]], hook)
        at_end = tokens[torch.arange(len(tokens), device=tokens.device), ends]
        return self.norm_after(at_end) @ self.projection  # type: ignore[no-any-return]


class Clip(nn.Module):
    """Both towers and the factor on their cosines."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        self.vision = VisionTower(config)
        self.text = TextTower(config)
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.logit_scale)))
        self.reset()

    def recompute_blocks(self, recompute: bool) -> None:
        """Choose whether training keeps less and computes more, see :class:`Blocks`."""
        self.vision.blocks.recompute = self.text.blocks.recompute = recompute

    def compile_vision(self, compiled: bool) -> None:
        """Choose whether torch compiles the image tower, with what hooks into it."""
        if compiled:
            self.vision.compile()

    @torch.no_grad()
    def reset(self) -> None:
        """Draw random weights the way OpenAI's CLIP does."""
        for tower in (self.vision, self.text):
            width = tower.projection.shape[0]
            nn.init.normal_(tower.projection, std=width**-0.5)
            for block in tower.blocks:
                if isinstance(block, Block):
                    block.reset(of_layers=len(tower.blocks))
        nn.init.normal_(self.vision.class_token, std=self.vision.class_token.shape[0] ** -0.5)
        nn.init.normal_(self.vision.positions, std=self.vision.positions.shape[1] ** -0.5)
        nn.init.normal_(self.text.words.weight, std=0.02)
        nn.init.normal_(self.text.positions, std=0.01)


def set_trainable(clip: Clip, trainable: str) -> None:
    """Choose which weights of a CLIP are trained.

    Args:
        clip: Changed in place.
        trainable: ``all``, ``none``, or ``last_k`` for the last k blocks of either tower with what
            comes after them.

    Raises:
        BadInput: It is none of these, or k is larger than the number of blocks.
    """
    clip.requires_grad_(trainable == "all")
    if trainable in ("all", "none"):
        return
    prefix, _, count = trainable.rpartition("_")
    if prefix != "last" or not count.isdecimal():
        raise BadInput(f"trainable {trainable!r} should be all, none or last_k such as last_2")
    if int(count) > len(clip.vision.blocks):
        raise BadInput(f"trainable {trainable!r}: there are {len(clip.vision.blocks)} blocks")
    for tower in (clip.vision, clip.text):
        for block in tower.blocks[max(0, len(tower.blocks) - int(count)) :]:
            block.requires_grad_(True)
        tower.norm_after.requires_grad_(True)
        tower.projection.requires_grad_(True)
