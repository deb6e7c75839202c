"""Folders of encoders that are incomplete, damaged, or of something else: one line says which."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from . import clips
from .clips import TINY, load, refusal


@pytest.fixture
def folder(tmp_path):
    return clips.save_huggingface(clips.in_transformers(TINY), tmp_path)


def change(path, **values):
    """Change keys of a JSON file; a key such as ``vision_config__width`` is one in a part of it."""
    content = json.loads(path.read_text())
    for name, value in values.items():
        *parents, key = name.split("__")
        part = content
        for parent in parents:
            part = part[parent]
        part[key] = value
    path.write_text(json.dumps(content))


def test_an_empty_folder(tmp_path):
    assert "holds no CLIP; it should have one of encoder.yaml" in refusal(tmp_path)


def test_missing_weights(folder):
    (folder / "model.safetensors").unlink()
    assert f"{folder}/model.safetensors: is missing" in refusal(folder)


def test_truncated_weights(folder):
    weights = folder / "model.safetensors"
    for length in (1000, weights.stat().st_size - 4, 0):
        weights.write_bytes(weights.read_bytes()[:length])
        assert "model.safetensors: is damaged or cut short" in refusal(folder)


def test_another_shape(folder):
    change(folder / "config.json", vision_config__intermediate_size=96)
    told = refusal(folder)
    assert "tensor 'vision_model.encoder.layers.0.mlp.fc1.weight' has shape [64, 32]" in told
    assert "by config.json it should be [96, 32]" in told


def test_another_shape_of_what_is_laid_together_or_turned(folder):
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    name = "text_model.encoder.layers.1.self_attn.v_proj.bias"
    save_file({**tensors, name: torch.zeros(23)}, weights)
    told = refusal(folder)
    assert f"tensor '{name}' has shape [23], but by config.json it should be [24]" in told
    save_file({**tensors, "visual.ls_1.gamma": torch.ones(3)}, weights)
    assert "holds tensor 'visual.ls_1.gamma', which a CLIP" in refusal(folder)


def test_a_pickle_is_refused_and_the_line_converts_it(folder, monkeypatch):
    weights = folder / "model.safetensors"
    expected = load(folder).clip.state_dict()
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()
    told = refusal(folder)
    assert "pytorch_model.bin: is a pickle, which could run any program" in told
    command = re.search(r'python -c "(.+)"', told)[1]
    monkeypatch.chdir(folder)
    exec(command, {})  # it is what python -c would do
    for name, value in load(folder).clip.state_dict().items():
        assert torch.equal(value, expected[name])


def test_files_of_an_index(tmp_path):
    clips.save_huggingface(clips.in_transformers(TINY), tmp_path, max_shard_size="20KB")
    part = next(tmp_path.glob("model-00002*"))
    part.rename(tmp_path / "elsewhere")
    assert f"{part.name}: is missing, though the index names it" in refusal(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    for held in ({}, {"a": "../model.safetensors"}, {"a": 3}, []):
        change(index, weight_map=held)
        assert "should name the files of weights under 'weight_map'" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model_type": "siglip"}, "is not the configuration of a CLIP (model_type 'siglip'"),
        ({"vision_config": None}, "is not the configuration of a CLIP"),
        ({"vision_config__hidden_act": "gelu_new"}, "key 'hidden_act' should be one of quick"),
        ({"vision_config__hidden_act": "gelu"}, "hidden_act is gelu and quick_gelu"),
        ({"text_config__layer_norm_eps": 1e-6}, "layer_norm_eps is 1e-06"),
        ({"vision_config__num_channels": 1}, "key 'num_channels' should be one of 3, not 1"),
        ({"vision_config__image_size": [32, 40]}, "image_size 32 x 40 is not square"),
        ({"vision_config__num_attention_heads": 3}, "3 heads do not divide a width of 32"),
        ({"vision_config__num_hidden_layers": 0}, "every size of a tower should be at least 1"),
        ({"text_config__hidden_size": "wide"}, "text_config: key 'hidden_size' should be int"),
        ({"projection_dim": None}, "key 'projection_dim' should be int, not None"),
    ],
)
def test_a_configuration_of_something_else(values, message, folder):
    change(folder / "config.json", **values)
    told = refusal(folder)
    assert told.startswith(f"{folder}/config.json: ")
    assert message in told


def test_images_of_another_mean(folder):
    preprocessing = folder / "preprocessor_config.json"
    preprocessing.write_text('{"image_mean": [0.48145466, 0.4578275, 0.40821073]}')
    load(folder)
    preprocessing.write_text('{"image_mean": [0.5, 0.5, 0.5]}')
    assert "says [0.5, 0.5, 0.5]; flexpad normalises" in refusal(folder)


@pytest.mark.parametrize("content", ["", "[]", "{", "\udcff"])
def test_a_configuration_that_is_none(content, folder):
    (folder / "config.json").write_bytes(content.encode(errors="surrogateescape"))
    assert refusal(folder).startswith(f"{folder}/config.json: ")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"vision_cfg__timm_model_name": "vit_base"}, "vision_cfg: key 'timm_model_name'"),
        ({"vision_cfg__layers": [3, 4, 6, 3]}, "vision_cfg: key 'layers' should be int"),
        ({"vision_cfg__attentional_pool": True}, "vision_cfg: key 'attentional_pool'"),
        ({"vision_cfg__pool_type": "none"}, "key 'pool_type' should be one of tok, avg"),
        ({"vision_cfg__ls_init_value": 0.1}, "vision_cfg: key 'ls_init_value'"),
        ({"vision_cfg__head_width": 0}, "key 'head_width' should be 1 to 32, not 0"),
        ({"vision_cfg__no_such": 1}, "vision_cfg: key 'no_such' is unknown"),
        ({"text_cfg__embed_cls": True}, "text_cfg: key 'embed_cls' should be one of False"),
        ({"text_cfg__no_causal_mask": True}, "text_cfg: key 'no_causal_mask'"),
        ({"text_cfg__pool_type": "last"}, "key 'pool_type' should be one of argmax, eos"),
        ({"text_cfg__hf_model_name": "bert"}, "text_cfg: key 'hf_model_name'"),
        ({"multimodal_cfg": {}}, "model_cfg: key 'multimodal_cfg' is unknown"),
    ],
)
def test_what_of_open_clip_our_towers_are_not(values, message, tmp_path):
    clips.save_open_clip(clips.openai_clip(TINY).tensors(), TINY, tmp_path)
    path = tmp_path / "open_clip_config.json"
    change(path, **{f"model_cfg__{name}": value for name, value in values.items()})
    told = refusal(tmp_path)
    assert told.startswith(f"{path}: model_cfg")
    assert message in told


def test_open_clip_with_images_of_another_mean(tmp_path):
    clips.save_open_clip(clips.openai_clip(TINY).tensors(), TINY, tmp_path)
    change(tmp_path / "open_clip_config.json", preprocess_cfg__std=[0.5, 0.5, 0.5])
    assert "open_clip_config.json: preprocess_cfg: says [0.5, 0.5, 0.5]" in refusal(tmp_path)
    change(tmp_path / "open_clip_config.json", model_cfg=None)
    assert "key 'model_cfg' is missing" in refusal(tmp_path)
