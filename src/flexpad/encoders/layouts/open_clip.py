"""The layout of open_clip: ``open_clip_config.json`` and OpenAI's names for the tensors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from flexpad import config
from flexpad.encoders.clip import ClipConfig, TowerConfig
from flexpad.encoders.layouts.layout import Layout, Place, check_normalisation, read_json, side
from flexpad.types import BadInput

_NAMES = {
    "vision.patchify.weight": "visual.conv1.weight",
    "vision.class_token": "visual.class_embedding",
    "vision.positions": "visual.positional_embedding",
    "vision.norm_before": "visual.ln_pre",
    "vision.norm_after": "visual.ln_post",
    "vision.projection": "visual.proj",
    "text.words.weight": "token_embedding.weight",
    "text.positions": "positional_embedding",
    "text.norm_after": "ln_final",
    "text.projection": "text_projection",
    "log_scale": "logit_scale",
}
_NAMES_IN_BLOCK = {
    "norm_attention.weight": "ln_1.weight",
    "norm_attention.bias": "ln_1.bias",
    "attention.qkv.weight": "attn.in_proj_weight",
    "attention.qkv.bias": "attn.in_proj_bias",
    "attention.out.weight": "attn.out_proj.weight",
    "attention.out.bias": "attn.out_proj.bias",
    "norm_mlp.weight": "ln_2.weight",
    "norm_mlp.bias": "ln_2.bias",
    "mlp.widen.weight": "mlp.c_fc.weight",
    "mlp.widen.bias": "mlp.c_fc.bias",
    "mlp.narrow.weight": "mlp.c_proj.weight",
    "mlp.narrow.bias": "mlp.c_proj.bias",
}


@dataclass(frozen=True, slots=True)
class _Vision:
    """``vision_cfg`` of a vision transformer. Of what has one choice, our towers do no other."""

    layers: int = 12
    width: int = 768
    head_width: int = 64
    mlp_ratio: float = 4.0
    patch_size: int | tuple[int, int] = 16
    image_size: int | tuple[int, int] = 224
    no_ln_pre: bool = False
    final_ln_after_pool: bool = False
    pool_type: Literal["tok", "avg"] = "tok"
    patch_dropout: float = 0.0  # of training only
    output_tokens: bool = False  # of what is returned beside the features
    attn_pooler_queries: int = 256  # of a pooler that is not there
    attn_pooler_heads: int = 8
    attentional_pool: Literal[False] = False
    pos_embed_type: Literal["learnable"] = "learnable"
    ls_init_value: Literal[None] = None
    act_kwargs: Literal[None] = None
    norm_kwargs: Literal[None] = None
    block_type: Literal["default", None] = None
    qk_norm: Literal[False] = False
    scaled_cosine_attn: Literal[False] = False
    scale_heads: Literal[False] = False
    scale_attn_inner: Literal[False] = False
    scale_attn: Literal[False] = False
    scale_fc: Literal[False] = False
    timm_model_name: Literal[None] = None
    timm_model_pretrained: bool = False
    timm_pool: str = "avg"
    timm_proj: str | None = "linear"
    timm_proj_bias: bool = False
    timm_drop: float = 0.0
    timm_drop_path: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.head_width <= self.width:
            raise BadInput(f"key 'head_width' should be 1 to {self.width}, not {self.head_width}")


@dataclass(frozen=True, slots=True)
class _Text:
    """``text_cfg`` of CLIP's own text tower; likewise."""

    context_length: int = 77
    vocab_size: int = 49408
    width: int = 512
    heads: int = 8
    layers: int = 12
    mlp_ratio: float = 4.0
    pool_type: Literal["argmax", "eos"] = "argmax"  # either is the end token
    eos_id: int = 2
    pad_id: int = 0
    output_tokens: bool = False
    hf_tokenizer_name: str | None = None
    tokenizer_mode: str | None = None
    tokenizer_kwargs: Literal[None] = None
    embed_cls: Literal[False] = False
    no_causal_mask: Literal[False] = False
    final_ln_after_pool: bool = False  # open_clip's text tower never reads it
    proj_type: Literal["linear"] = "linear"
    proj_bias: Literal[False] = False
    ls_init_value: Literal[None] = None
    act_kwargs: Literal[None] = None
    norm_kwargs: Literal[None] = None
    block_type: Literal["default", None] = None
    qk_norm: Literal[False] = False
    scaled_cosine_attn: Literal[False] = False
    scale_heads: Literal[False] = False
    scale_attn_inner: Literal[False] = False
    scale_attn: Literal[False] = False
    scale_fc: Literal[False] = False
    hf_model_name: Literal[None] = None
    hf_model_pretrained: bool = True
    hf_proj_type: str = "mlp"
    hf_pooler_type: str = "mean_pooler"


@dataclass(frozen=True, slots=True)
class _Model:
    """``model_cfg``. A bias on the logits changes no feature, and cancels between two classes."""

    embed_dim: int
    vision_cfg: _Vision = field(default_factory=_Vision)
    text_cfg: _Text = field(default_factory=_Text)
    quick_gelu: bool = False
    custom_text: bool = False
    init_logit_scale: float | None = None
    init_logit_bias: float | None = None
    nonscalar_logit_scale: bool = False


def read_config(folder: Path) -> ClipConfig:
    """Read the sizes of a CLIP.

    Raises:
        BadInput: The file is damaged, or describes a model that is no CLIP of two transformers,
            or one that flexpad's towers are not; the key that says so is named.
    """
    path = folder / LAYOUT.configuration
    content = read_json(path)
    described = content.get("model_cfg")
    if not isinstance(described, dict):
        raise BadInput(f"{path}: key 'model_cfg' is missing; it should hold the sizes of the model")
    model = config.build(_Model, described, f"{path}: model_cfg")
    images = content.get("preprocess_cfg")
    if isinstance(images, Mapping):
        check_normalisation(images.get("mean"), images.get("std"), f"{path}: preprocess_cfg")
    try:
        return _sizes(model)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def _sizes(model: _Model) -> ClipConfig:
    vision, text = model.vision_cfg, model.text_cfg
    return ClipConfig(
        vision=_tower(vision, heads=vision.width // vision.head_width),
        text=_tower(text, heads=text.heads),
        joint_width=model.embed_dim,
        image_size=side(vision.image_size, "image_size"),
        patch_size=side(vision.patch_size, "patch_size"),
        vocabulary=text.vocab_size,
        context_length=text.context_length,
        activation="quick_gelu" if model.quick_gelu else "gelu",
        norm_before=not vision.no_ln_pre,
        pooling=_pooling(vision),
    )


def _tower(size: _Vision | _Text, heads: int) -> TowerConfig:
    return TowerConfig(size.width, size.layers, heads, mlp_width=int(size.width * size.mlp_ratio))


def _pooling(vision: _Vision) -> str:
    if vision.pool_type == "tok":
        return "class_token"  # which a norm treats alike, whether patches stand beside it or not
    return "mean_before_norm" if vision.final_ln_after_pool else "mean_after_norm"


def place(name: str, held: Collection[str]) -> Place:
    """Say where open_clip keeps a tensor of ours; some files nest the text tower in ``text.``."""
    nested = "text." if "text.token_embedding.weight" in held else ""
    return Place((_theirs(name, nested if name.startswith("text.") else ""),))


def _theirs(name: str, prefix: str) -> str:
    tower, _, rest = name.partition(".blocks.")
    if rest:
        layer, _, inner = rest.partition(".")
        before = "visual." if tower == "vision" else prefix
        return f"{before}transformer.resblocks.{layer}.{_NAMES_IN_BLOCK[inner]}"
    if name in _NAMES:
        return prefix + _NAMES[name]
    module, _, kind = name.rpartition(".")
    return f"{prefix}{_NAMES[module]}.{kind}"


LAYOUT = Layout(
    name="open_clip",
    configuration="open_clip_config.json",
    weights=("open_clip_model.safetensors", "model.safetensors"),
    pickles=("open_clip_pytorch_model.bin", "pytorch_model.bin"),
    read_config=read_config,
    place=place,
    # The last three stand beside the weights in what OpenAI published.
    unused=frozenset(("logit_bias", "input_resolution", "context_length", "vocab_size")),
    antialias=True,
)
