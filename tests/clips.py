"""CLIPs of other libraries, with random weights, in the folders those libraries write."""

import json
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn

from flexpad.encoders import Encoder, build
from flexpad.encoders.clip import ClipConfig, TowerConfig
from flexpad.encoders.text import small_tokenizer
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

VARIANTS = {
    "OpenAI's": TINY,
    "gelu": replace(TINY, activation="gelu"),
    "narrow heads, slim mlp": replace(
        TINY, vision=TowerConfig(width=32, layers=1, heads=4, mlp_width=40)
    ),
    "mean of normed patches": replace(TINY, pooling="mean_after_norm"),
    "norm of the mean patch": replace(TINY, pooling="mean_before_norm", norm_before=False),
}


def load(folder: Path, **settings: object) -> Encoder:
    """Make the encoder of a folder the way a recipe does."""
    return build(EncoderRecipe(str(folder), trainable="none", **settings))


def refusal(folder: Path, **settings: object) -> str:
    """Give the one line that says why there is no encoder."""
    with pytest.raises(BadInput) as caught:
        load(folder, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@torch.no_grad()
def stir(model: nn.Module) -> nn.Module:
    """Move norms and biases from where they start, 1 and 0, which would hide a swap."""
    for parameter in model.parameters():
        if parameter.ndim <= 1:
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


# -- transformers -----------------------------------------------------------------------------


def in_transformers(config: ClipConfig, activation: str = "quick_gelu") -> transformers.CLIPModel:
    """Make their model of the same size; the end token is the highest id, as in OpenAI's CLIP."""

    def tower(size: TowerConfig) -> dict[str, object]:
        return {
            "hidden_act": activation,
            "hidden_size": size.width,
            "num_hidden_layers": size.layers,
            "num_attention_heads": size.heads,
            "intermediate_size": size.mlp_width,
        }

    torch.manual_seed(0)
    model = transformers.CLIPModel(
        transformers.CLIPConfig(
            vision_config={
                **tower(config.vision),
                "image_size": config.image_size,
                "patch_size": config.patch_size,
            },
            text_config={
                **tower(config.text),
                "vocab_size": config.vocabulary,
                "max_position_embeddings": config.context_length,
                "bos_token_id": 0,
                "eos_token_id": config.vocabulary - 1,
            },
            projection_dim=config.joint_width,
        )
    )
    return stir(model)


def save_huggingface(model: transformers.CLIPModel, folder: Path, **options: object) -> Path:
    """Write what a repository of transformers holds."""
    model.save_pretrained(folder, **options)
    small_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


# -- OpenAI's and open_clip's -----------------------------------------------------------------


class _QuickGelu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, mlp_width: int, *, quick: bool) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width)
        parts = {
            "c_fc": nn.Linear(width, mlp_width),
            "gelu": _QuickGelu() if quick else nn.GELU(),
            "c_proj": nn.Linear(mlp_width, width),
        }
        self.mlp = nn.Sequential(OrderedDict(parts))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class _Transformer(nn.Module):
    def __init__(self, size: TowerConfig, *, quick: bool) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(
            _Block(size.width, size.heads, size.mlp_width, quick=quick) for _ in range(size.layers)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        for block in self.resblocks:
            x = block(x, mask)
        return x


class _Visual(nn.Module):
    def __init__(self, config: ClipConfig, *, quick: bool) -> None:
        super().__init__()
        width = config.vision.width
        self.pooling = config.pooling
        self.conv1 = nn.Conv2d(3, width, config.patch_size, config.patch_size, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width))
        self.positional_embedding = nn.Parameter(torch.randn(1 + config.grid**2, width))
        self.ln_pre = nn.LayerNorm(width) if config.norm_before else nn.Identity()
        self.transformer = _Transformer(config.vision, quick=quick)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(width**-0.5 * torch.randn(width, config.joint_width))

    def forward(self, images: Tensor) -> Tensor:
        patches = self.conv1(images).flatten(2).mT
        first = self.class_embedding.expand(len(images), 1, -1)
        x = self.ln_pre(torch.cat([first, patches], dim=1) + self.positional_embedding)
        x = self.transformer(x)
        if self.pooling == "class_token":
            pooled = self.ln_post(x[:, 0])
        elif self.pooling == "mean_before_norm":
            pooled = self.ln_post(x[:, 1:].mean(dim=1))
        else:
            pooled = self.ln_post(x)[:, 1:].mean(dim=1)
        return pooled @ self.proj


class _Text(nn.Module):
    def __init__(self, config: ClipConfig, *, quick: bool) -> None:
        super().__init__()
        width = config.text.width
        self.token_embedding = nn.Embedding(config.vocabulary, width)
        self.positional_embedding = nn.Parameter(torch.randn(config.context_length, width))
        self.transformer = _Transformer(config.text, quick=quick)
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(width**-0.5 * torch.randn(width, config.joint_width))

    def forward(self, ids: Tensor) -> Tensor:
        x = self.token_embedding(ids) + self.positional_embedding[: ids.shape[1]]
        mask = torch.full((ids.shape[1], ids.shape[1]), -torch.inf).triu(1)
        x = self.ln_final(self.transformer(x, mask))
        return x[torch.arange(len(x)), ids.argmax(dim=-1)] @ self.text_projection


class OpenAiClip(nn.Module):
    """The CLIP of OpenAI's paper, written anew on torch's own attention, with OpenAI's names."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        quick = config.activation == "quick_gelu"
        self.visual = _Visual(config, quick=quick)
        self.text = _Text(config, quick=quick)
        self.logit_scale = nn.Parameter(torch.tensor(2.5))

    def tensors(self, *, nested: bool = False) -> dict[str, Tensor]:
        """Give the weights by name; OpenAI's text tower stands beside the other, not in one."""
        held = {name: value.contiguous() for name, value in self.state_dict().items()}
        return held if nested else {name.removeprefix("text."): held[name] for name in held}


def openai_clip(config: ClipConfig) -> OpenAiClip:
    torch.manual_seed(0)
    return stir(OpenAiClip(config))


def model_cfg(config: ClipConfig) -> dict[str, object]:
    """Describe sizes the way open_clip does."""
    vision, text = config.vision, config.text
    return {
        "embed_dim": config.joint_width,
        "quick_gelu": config.activation == "quick_gelu",
        "vision_cfg": {
            "image_size": config.image_size,
            "patch_size": config.patch_size,
            "layers": vision.layers,
            "width": vision.width,
            "head_width": vision.width // vision.heads,
            "mlp_ratio": vision.mlp_width / vision.width,
            "no_ln_pre": not config.norm_before,
            "pool_type": "tok" if config.pooling == "class_token" else "avg",
            "final_ln_after_pool": config.pooling == "mean_before_norm",
        },
        "text_cfg": {
            "context_length": config.context_length,
            "vocab_size": config.vocabulary,
            "layers": text.layers,
            "width": text.width,
            "heads": text.heads,
            "mlp_ratio": text.mlp_width / text.width,
        },
    }


def save_open_clip(tensors: dict[str, Tensor], config: ClipConfig, folder: Path) -> Path:
    """Write what a repository of open_clip holds."""
    save_file(tensors, folder / "open_clip_model.safetensors")
    described = {
        "model_cfg": model_cfg(config),
        "preprocess_cfg": {
            "mean": [0.48145466, 0.4578275, 0.40821073],
            "std": [0.26862954, 0.26130258, 0.27577711],
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps(described))
    small_tokenizer().save(str(folder / "tokenizer.json"))
    return folder
