"""CLIP weights in the Hugging Face layout, renamed to ours. Safetensors only, never a pickle."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from flexpad.encoders.clip import Clip, ClipConfig, TowerConfig
from flexpad.types import BadInput

_RENAMED = {
    "vision_model.embeddings.patch_embedding.weight": "vision.patchify.weight",
    "vision_model.embeddings.class_embedding": "vision.class_token",
    "vision_model.embeddings.position_embedding.weight": "vision.positions",
    "vision_model.pre_layrnorm": "vision.norm_before",  # the misspelling is theirs
    "vision_model.post_layernorm": "vision.norm_after",
    "text_model.embeddings.token_embedding.weight": "text.words.weight",
    "text_model.embeddings.position_embedding.weight": "text.positions",
    "text_model.final_layer_norm": "text.norm_after",
    "logit_scale": "log_scale",
}
_RENAMED_IN_BLOCK = {
    "layer_norm1": "norm_attention",
    "layer_norm2": "norm_mlp",
    "self_attn.out_proj": "attention.out",
    "mlp.fc1": "mlp.widen",
    "mlp.fc2": "mlp.narrow",
}


def load_huggingface(folder: Path) -> Clip:
    """Load a CLIP from ``config.json`` and ``model.safetensors``.

    Raises:
        BadInput: A file is missing or damaged, or the weights do not fit the configuration.
    """
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise BadInput(f"{weights}: is missing; save the weights as safetensors there")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        clip = Clip(config_from_huggingface(config))
        clip.load_state_dict(from_huggingface(load_file(weights)))
    except OSError as error:
        raise BadInput(f"{error.filename}: cannot be read ({error.strerror})") from error
    except (json.JSONDecodeError, KeyError) as error:
        raise BadInput(
            f"{folder / 'config.json'}: is not a CLIP configuration ({error})"
        ) from error
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise BadInput(f"{weights}: does not fit the configuration ({reason})") from error
    return clip


def config_from_huggingface(config: Mapping[str, Any]) -> ClipConfig:
    """Read sizes from a ``config.json``; what it leaves out is as in CLIP ViT-B/32."""
    vision = config["vision_config"]
    text = config["text_config"]
    return ClipConfig(
        vision=_tower(vision, width=768, heads=12, mlp_width=3072),
        text=_tower(text, width=512, heads=8, mlp_width=2048),
        joint_width=config.get("projection_dim", 512),
        image_size=vision.get("image_size", 224),
        patch_size=vision.get("patch_size", 32),
        vocabulary=text.get("vocab_size", 49408),
        context_length=text.get("max_position_embeddings", 77),
        activation=vision.get("hidden_act", "quick_gelu"),
    )


def _tower(config: Mapping[str, Any], width: int, heads: int, mlp_width: int) -> TowerConfig:
    return TowerConfig(
        width=config.get("hidden_size", width),
        layers=config.get("num_hidden_layers", 12),
        heads=config.get("num_attention_heads", heads),
        mlp_width=config.get("intermediate_size", mlp_width),
    )


def from_huggingface(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of transformers' ``CLIPModel`` to those of :class:`Clip`."""
    ours: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.endswith("position_ids") or ".self_attn.k_proj" in name or ".v_proj" in name:
            continue  # position_ids are no weights; k and v travel with q below
        if name.endswith("projection.weight"):  # theirs are (P, D) linear maps without bias
            ours[
                name.removesuffix("_projection.weight").replace("visual", "vision") + ".projection"
            ] = value.T
        elif ".self_attn.q_proj" in name:
            qkv = [state[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            ours[_rename(name).replace("self_attn.q_proj", "attention.qkv")] = torch.cat(qkv)
        else:
            ours[_rename(name)] = value
    return ours


def _rename(name: str) -> str:
    block = re.fullmatch(r"(vision|text)_model\.encoder\.layers\.(\d+)\.(.+)", name)
    if block:
        tower, layer, rest = block.groups()
        for theirs, ours in _RENAMED_IN_BLOCK.items():
            rest = rest.replace(theirs, ours)
        return f"{tower}.blocks.{layer}.{rest}"
    for theirs, ours in _RENAMED.items():
        if name == theirs or name.startswith(theirs + "."):
            return name.replace(theirs, ours, 1)
    return name
