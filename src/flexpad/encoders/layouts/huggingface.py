"""The layout of transformers' ``CLIPModel``: ``config.json`` and ``model.safetensors``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from flexpad import config
from flexpad.encoders.clip import ClipConfig, TowerConfig
from flexpad.encoders.layouts.layout import Layout, Place, check_normalisation, read_json, side
from flexpad.types import BadInput

PREPROCESSING = "preprocessor_config.json"
_TOWERS = {"vision": "vision_model", "text": "text_model"}
_NAMES = {
    "vision.patchify.weight": "vision_model.embeddings.patch_embedding.weight",
    "vision.class_token": "vision_model.embeddings.class_embedding",
    "vision.positions": "vision_model.embeddings.position_embedding.weight",
    "vision.norm_before": "vision_model.pre_layrnorm",  # the misspelling is theirs
    "vision.norm_after": "vision_model.post_layernorm",
    "vision.projection": "visual_projection.weight",
    "text.words.weight": "text_model.embeddings.token_embedding.weight",
    "text.positions": "text_model.embeddings.position_embedding.weight",
    "text.norm_after": "text_model.final_layer_norm",
    "text.projection": "text_projection.weight",
    "log_scale": "logit_scale",
}
_NAMES_IN_BLOCK = {
    "norm_attention": "layer_norm1",
    "attention.out": "self_attn.out_proj",
    "norm_mlp": "layer_norm2",
    "mlp.widen": "mlp.fc1",
    "mlp.narrow": "mlp.fc2",
}


@dataclass(frozen=True, slots=True)
class _Vision:
    """``vision_config``; what is left out is as in CLIP ViT-B/32."""

    hidden_size: int = 768
    intermediate_size: int = 3072
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    num_channels: Literal[3] = 3
    image_size: int | tuple[int, int] = 224
    patch_size: int | tuple[int, int] = 32
    hidden_act: Literal["quick_gelu", "gelu"] = "quick_gelu"
    layer_norm_eps: float = 1e-5


@dataclass(frozen=True, slots=True)
class _Text:
    """``text_config``; likewise."""

    hidden_size: int = 512
    intermediate_size: int = 2048
    num_hidden_layers: int = 12
    num_attention_heads: int = 8
    vocab_size: int = 49408
    max_position_embeddings: int = 77
    hidden_act: Literal["quick_gelu", "gelu"] = "quick_gelu"
    layer_norm_eps: float = 1e-5


@dataclass(frozen=True, slots=True)
class _Joint:
    """What is said of both towers; likewise."""

    projection_dim: int = 512


_Part = TypeVar("_Part", _Vision, _Text, _Joint)


def read_config(folder: Path) -> ClipConfig:
    """Read the sizes of a CLIP.

    Raises:
        BadInput: A file is damaged, or describes what is no CLIP of two transformers.
    """
    path = folder / LAYOUT.configuration
    content = read_json(path)
    kind = content.get("model_type", "clip")
    if kind != "clip" or not _described(content, "vision"):
        raise BadInput(
            f"{path}: is not the configuration of a CLIP (model_type {kind!r}; it should be 'clip',"
            " with text_config and vision_config)"
        )
    vision = _build(_Vision, _described(content, "vision"), f"{path}: vision_config")
    text = _build(_Text, _described(content, "text"), f"{path}: text_config")
    joint = _build(_Joint, content, str(path))
    _check_preprocessing(folder / PREPROCESSING)
    try:
        return _sizes(vision, text, joint.projection_dim)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def _described(content: Mapping[str, Any], tower: str) -> dict[str, Any]:
    """Gather what is said of a tower; old files say it once more under ``..._dict``, which wins."""
    parts = (content.get(f"{tower}_config"), content.get(f"{tower}_config_dict"))
    return {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}


def _build(cls: type[_Part], values: Mapping[str, Any], where: str) -> _Part:
    """Read what the towers depend on; the rest of a file, of which there is much, is let be."""
    names = {field.name for field in fields(cls)}
    return config.build(cls, {key: values[key] for key in values if key in names}, where)


def _sizes(vision: _Vision, text: _Text, joint_width: int) -> ClipConfig:
    if vision.hidden_act != text.hidden_act:
        raise BadInput(f"hidden_act is {vision.hidden_act} and {text.hidden_act}; it should be one")
    for tower in (vision, text):
        if tower.layer_norm_eps != 1e-5:
            raise BadInput(f"layer_norm_eps is {tower.layer_norm_eps}; flexpad's norms have 1e-05")
    return ClipConfig(
        vision=_tower(vision),
        text=_tower(text),
        joint_width=joint_width,
        image_size=side(vision.image_size, "image_size"),
        patch_size=side(vision.patch_size, "patch_size"),
        vocabulary=text.vocab_size,
        context_length=text.max_position_embeddings,
        activation=vision.hidden_act,
    )


def _tower(size: _Vision | _Text) -> TowerConfig:
    return TowerConfig(
        width=size.hidden_size,
        layers=size.num_hidden_layers,
        heads=size.num_attention_heads,
        mlp_width=size.intermediate_size,
    )


def _check_preprocessing(path: Path) -> None:
    if path.is_file():
        content = read_json(path)
        check_normalisation(content.get("image_mean"), content.get("image_std"), str(path))


def place(name: str, held: Collection[str]) -> Place:  # noqa: ARG001 - one naming only
    """Say where ``CLIPModel`` keeps a tensor of ours."""
    tower, _, rest = name.partition(".blocks.")
    if rest:
        layer, _, inner = rest.partition(".")
        module, _, kind = inner.rpartition(".")
        block = f"{_TOWERS[tower]}.encoder.layers.{layer}"
        if module == "attention.qkv":
            return Place(tuple(f"{block}.self_attn.{part}_proj.{kind}" for part in "qkv"))
        return Place((f"{block}.{_NAMES_IN_BLOCK[module]}.{kind}",))
    if name in _NAMES:
        return Place((_NAMES[name],), transposed=name.endswith(".projection"))
    module, _, kind = name.rpartition(".")
    return Place((f"{_NAMES[module]}.{kind}",))


LAYOUT = Layout(
    name="Hugging Face",
    configuration="config.json",
    weights=("model.safetensors",),
    pickles=("pytorch_model.bin",),
    read_config=read_config,
    place=place,
    unused=frozenset(f"{tower}.embeddings.position_ids" for tower in _TOWERS.values()),
    antialias=False,
)
