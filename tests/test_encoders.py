"""From the name of an encoder to towers: equal to what other libraries make of the same files."""

import hashlib
import json
import re
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from flexpad import checkpoint, config, encoders, methods
from flexpad.encoders import SMALL, Encoder, build, builtin
from flexpad.encoders.clip import Clip, TowerConfig
from flexpad.encoders.positions import interpolate
from flexpad.encoders.provenance import Provenance
from flexpad.encoders.text import class_sentences, small_tokenizer
from flexpad.recipe import EncoderRecipe, MethodRecipe, Recipe
from flexpad.types import BadInput, Batch

from . import clips
from .clips import BASE_16, TINY


def load(folder, **settings):
    return build(EncoderRecipe(str(folder), trainable="none", **settings))


def encode(clip, images, ids):
    """Features of images and of sentences, whose end is the highest id."""
    with torch.no_grad():
        return clip.vision(images).image, clip.text(clip.text.words(ids), ids.argmax(dim=-1))


def draw(size, vocabulary):
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, 3, size, size, generator=generator)
    ids = torch.randint(1, vocabulary - 1, (2, 8), generator=generator)
    ids[0, 5], ids[1, 7] = vocabulary - 1, vocabulary - 1
    return images, ids


def assert_close(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).abs().max() <= 1e-5


@torch.no_grad()
def by_transformers(model, images, ids, **options):
    seen = model.vision_model(pixel_values=images, **options).pooler_output
    read = model.text_model(input_ids=ids).pooler_output
    return model.visual_projection(seen), model.text_projection(read)


@torch.no_grad()
def by_openai(model, images, ids):
    return model.visual(images), model.text(ids)


class TestHuggingFace:
    @pytest.mark.parametrize(
        ("sizes", "activation"), [(TINY, "quick_gelu"), (TINY, "gelu"), (BASE_16, "quick_gelu")]
    )
    def test_equal_to_transformers(self, sizes, activation, tmp_path):
        theirs = clips.in_transformers(sizes, activation)
        ours = load(clips.save_huggingface(theirs, tmp_path)).clip
        seen = draw(sizes.image_size, sizes.vocabulary)
        assert_close(encode(ours, *seen), by_transformers(theirs, *seen))
        assert ours.log_scale.item() == pytest.approx(theirs.logit_scale.item())

    def test_in_several_files(self, tmp_path):
        theirs = clips.in_transformers(TINY)
        clips.save_huggingface(theirs, tmp_path, max_shard_size="20KB")
        assert not (tmp_path / "model.safetensors").exists()
        encoder = load(tmp_path)
        seen = draw(32, 12)
        assert_close(encode(encoder.clip, *seen), by_transformers(theirs, *seen))
        hashes = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(tmp_path.glob("*.safetensors"))
        }
        printed = "".join(f"{value}  {name}\n" for name, value in hashes.items())
        assert len(hashes) > 1
        assert encoder.provenance.files == hashes
        assert encoder.provenance.sha256 == hashlib.sha256(printed.encode()).hexdigest()

    def test_what_is_stored_in_half_is_float32_here(self, tmp_path):
        clips.save_huggingface(clips.in_transformers(TINY).half(), tmp_path)
        assert {p.dtype for p in load(tmp_path).clip.parameters()} == {torch.float32}

    @pytest.mark.parametrize("size", [16, 48, 56])
    def test_other_image_sizes_are_interpolated_as_by_transformers(self, size, tmp_path):
        theirs = clips.in_transformers(TINY)
        ours = load(clips.save_huggingface(theirs, tmp_path), image_size=size).clip
        assert ours.config == replace(TINY, image_size=size)
        seen = draw(size, 12)
        expected = by_transformers(theirs, *seen, interpolate_pos_encoding=True)
        assert_close(encode(ours, *seen), expected)

    def test_old_files_say_sizes_twice(self, tmp_path):
        clips.save_huggingface(clips.in_transformers(TINY), tmp_path)
        path = tmp_path / "config.json"
        content = json.loads(path.read_text())
        content["vision_config_dict"] = {"hidden_size": content["vision_config"]["hidden_size"]}
        content["text_config_dict"] = None
        content["vision_config"]["hidden_size"] = 768
        path.write_text(json.dumps(content))
        assert load(tmp_path).clip.config == TINY


VARIANTS = {
    "OpenAI's": TINY,
    "gelu": replace(TINY, activation="gelu"),
    "narrow heads, slim mlp": replace(
        TINY, vision=TowerConfig(width=32, layers=1, heads=4, mlp_width=40)
    ),
    "mean of normed patches": replace(TINY, pooling="mean_after_norm"),
    "norm of the mean patch": replace(TINY, pooling="mean_before_norm", norm_before=False),
}


def import_open_clip():
    """Without torchvision it cannot be imported, and torchvision not beside torch for CPUs."""
    try:
        import open_clip
    except Exception as error:  # torchvision's own failure is a RuntimeError
        pytest.skip(f"open_clip cannot be imported ({type(error).__name__}: {error})")
    return open_clip


class TestOpenClip:
    @pytest.mark.parametrize("sizes", VARIANTS.values(), ids=VARIANTS)
    @pytest.mark.parametrize("nested", [False, True], ids=["beside", "nested"])
    def test_equal_to_openais_towers(self, sizes, nested, tmp_path):
        theirs = clips.openai_clip(sizes)
        clips.save_open_clip(theirs.tensors(nested=nested), sizes, tmp_path)
        ours = load(tmp_path).clip
        assert ours.config == sizes
        seen = draw(sizes.image_size, sizes.vocabulary)
        assert_close(encode(ours, *seen), by_openai(theirs, *seen))
        assert ours.log_scale.item() == theirs.logit_scale.item()

    @pytest.mark.parametrize("sizes", [*VARIANTS.values(), BASE_16], ids=[*VARIANTS, "B/16"])
    @pytest.mark.parametrize("size", [1, 0.5, 2], ids=["own size", "half", "double"])
    def test_equal_to_open_clip(self, sizes, size, tmp_path):
        open_clip = import_open_clip()
        tensors = clips.openai_clip(sizes).tensors()
        clips.save_open_clip(tensors, sizes, tmp_path)
        wanted = replace(sizes, image_size=int(size * sizes.image_size))
        theirs = open_clip.model.CLIP(**clips.model_cfg(wanted)).eval()
        open_clip.model.resize_pos_embed(tensors, theirs)
        theirs.load_state_dict(tensors)
        ours = load(tmp_path, image_size=wanted.image_size).clip
        images, ids = draw(wanted.image_size, wanted.vocabulary)
        ids = torch.nn.functional.pad(ids, (0, wanted.context_length - ids.shape[1]))
        with torch.no_grad():
            expected = theirs.encode_image(images), theirs.encode_text(ids)
        assert_close(encode(ours, images, ids), expected)

    def test_what_no_feature_depends_on_may_stand_beside(self, tmp_path):
        tensors = clips.openai_clip(TINY).tensors()
        extra = {"logit_bias": torch.zeros(1), "vocab_size": torch.tensor(12)}
        scale = {"logit_scale": tensors["logit_scale"].reshape(1)}
        clips.save_open_clip(tensors | extra | scale, TINY, tmp_path)
        assert load(tmp_path).clip.log_scale.shape == ()


class TestOurOwnLayout:
    def test_what_is_saved_loads_back_the_same(self, tmp_path):
        torch.manual_seed(0)
        ours = clips.stir(Clip(SMALL))  # it has convolutions, with what they remember of images
        encoders.save(tmp_path / "new" / "folder", Encoder(ours, small_tokenizer()))
        encoder = load(tmp_path / "new" / "folder")
        assert encoder.clip.config == SMALL
        assert encoder.tokenizer.to_str() == small_tokenizer().to_str()
        for name, value in encoder.clip.state_dict().items():
            assert torch.equal(value, ours.state_dict()[name]), name

    def test_half_rounds_matrices_alone(self, tmp_path):
        torch.manual_seed(0)
        ours = clips.stir(Clip(TINY))
        encoders.save(tmp_path, Encoder(ours, small_tokenizer()), half=True)
        stored = load_file(tmp_path / "model.safetensors")
        assert {value.dtype for value in stored.values() if value.ndim > 1} == {torch.float16}
        for name, value in load(tmp_path).clip.state_dict().items():
            before = ours.state_dict()[name]
            assert value.dtype == torch.float32
            assert torch.equal(value, before.half().float() if before.ndim > 1 else before), name

    def test_other_files_of_the_folder_stay(self, tmp_path):
        (tmp_path / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# A card\n")
        encoders.save(tmp_path, Encoder(Clip(TINY), small_tokenizer()))
        encoders.save(tmp_path, Encoder(Clip(TINY), small_tokenizer()))
        assert load(tmp_path).provenance.licence == "cc0-1.0"
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "README.md",
            "encoder.yaml",
            "model.safetensors",
            "tokenizer.json",
        ]

    def test_a_run_of_a_method_is_no_encoder(self, tmp_path):
        encoders.save(tmp_path, Encoder(Clip(TINY), small_tokenizer()))
        weights = tmp_path / "model.safetensors"
        save_file({f"clip.{name}": value for name, value in load_file(weights).items()}, weights)
        with pytest.raises(BadInput, match=r"model\.safetensors: holds a trained method"):
            load(tmp_path)


class TestBuiltIn:
    def test_a_name_is_a_folder_of_the_assets(self, tmp_path, monkeypatch):
        monkeypatch.setattr(builtin, "ASSETS", tmp_path)
        encoders.save(tmp_path / "clip_tiny", Encoder(Clip(TINY), small_tokenizer()), half=True)
        encoder = build(EncoderRecipe("builtin:clip-tiny"))
        assert encoder.clip.config == TINY
        assert encoder.provenance.name == "builtin:clip-tiny"
        with pytest.raises(BadInput, match="not built in; did you mean 'builtin:clip-tiny'"):
            build(EncoderRecipe("builtin:clip-tyni"))

    def test_small_is_random_and_of_any_size_that_patches_tile(self):
        torch.manual_seed(0)
        encoder = build(EncoderRecipe(image_size=64))
        assert encoder.clip.vision(torch.randn(1, 3, 64, 64)).patches.shape == (1, 16, 128)
        assert encoder.provenance.sha256 == ""
        assert encoder.provenance.licence == "none, the weights are random"
        with pytest.raises(BadInput, match="no file of weights that 'sha256' could be of"):
            build(EncoderRecipe(sha256="0" * 64))

    @pytest.mark.parametrize("name", ["small", "smalll", "Small"])
    def test_its_old_name_leads_to_the_new_one(self, name):
        with pytest.raises(BadInput, match=f"'{name}' is neither a folder .* 'builtin:small'"):
            build(EncoderRecipe(name))

    @pytest.mark.parametrize("name", ["no/such/folder", "/nowhere", "./a", "a b/c", "hf-hub:a"])
    def test_a_name_that_means_nothing(self, name):
        with pytest.raises(BadInput, match=re.escape(name)):
            build(EncoderRecipe(name))


@pytest.fixture
def folder(tmp_path):
    return clips.save_huggingface(clips.in_transformers(TINY), tmp_path)


class TestSettings:
    def test_random_weights_need_no_file_and_keep_sizes_and_words(self, folder):
        loaded = load(folder)
        (folder / "model.safetensors").unlink()
        torch.manual_seed(0)
        encoder = load(folder, random=True, image_size=48)
        assert encoder.clip.config == replace(loaded.clip.config, image_size=48)
        assert encoder.tokenizer.to_str() == loaded.tokenizer.to_str()
        assert not torch.equal(encoder.clip.text.words.weight, loaded.clip.text.words.weight)
        assert encoder.provenance == Provenance(
            str(folder), "Hugging Face", licence="none, the weights are random"
        )

    def test_loading_draws_no_random_numbers(self, folder):
        torch.manual_seed(0)
        expected = torch.rand(3)
        torch.manual_seed(0)
        load(folder)
        assert torch.equal(torch.rand(3), expected)

    def test_weights_do_not_depend_on_their_file_any_more(self, folder):
        clip = load(folder).clip
        before = {name: value.clone() for name, value in clip.state_dict().items()}
        weights = folder / "model.safetensors"
        with weights.open("r+b") as file:
            file.write(b"\0" * weights.stat().st_size)
        assert all(torch.equal(value, before[name]) for name, value in clip.state_dict().items())

    def test_trainable_is_obeyed(self, folder):
        def count(trainable):
            clip = build(EncoderRecipe(str(folder), trainable)).clip
            return sum(parameter.requires_grad for parameter in clip.parameters())

        assert count("all") > count("last_1") > count("none") == 0

    def test_the_hash_is_checked_and_kept(self, folder):
        found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        provenance = load(folder, sha256=found).provenance
        assert provenance.sha256 == found
        assert provenance.files == {"model.safetensors": found}
        with pytest.raises(BadInput, match=f"model.safetensors: sha256 is {found}, but the recipe"):
            load(folder, sha256="0" * 64)

    def test_the_run_keeps_where_weights_came_from(self, folder, tmp_path):
        (folder / "LICENSE").write_text("\nMIT License\n\nCopyright\n")
        encoder = load(folder)
        checkpoint.save_recipe(tmp_path / "run", Recipe(), encoder)
        kept = config.load(Provenance, tmp_path / "run" / "weights.yaml")
        assert kept == encoder.provenance
        assert kept.licence == "LICENSE: MIT License"
        assert kept.layout == "Hugging Face"

    @pytest.mark.parametrize(
        ("card", "licence"),
        [
            ("---\nlicense: mit\n---\n", "mit"),
            ("---\nlicense: other\nlicense_name: own\n---\n", "other (own)"),
            ("---\ntags: [clip]\n---\n", "unknown"),
            ("---\n- a list\n---\n", "unknown"),
            ("no front matter", "unknown"),
        ],
    )
    def test_the_licence_is_that_of_the_card(self, card, licence, folder):
        (folder / "README.md").write_text(card)
        assert load(folder).provenance.licence == licence

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("encoder: {image_size: 0}", "encoder: key 'image_size' should be at least 1, not 0"),
            ("encoder: {sha256: abc}", "key 'sha256' should be 64 digits 0-9 and a-f, not 'abc'"),
            (f"encoder: {{random: true, sha256: '{'a' * 64}'}}", "does not read"),
            ("encoder: 3", "encoder: key 'name' should be str, not 3"),
            ("encoder: {names: x}", "key 'names' is unknown; did you mean 'name'?"),
        ],
    )
    def test_a_recipe_stays_strict(self, text, message, tmp_path):
        (tmp_path / "r.yaml").write_text(text)
        with pytest.raises(BadInput) as caught:
            config.load(Recipe, tmp_path / "r.yaml")
        assert message in str(caught.value)

    def test_the_name_may_stand_alone(self, tmp_path):
        (tmp_path / "r.yaml").write_text("encoder: openai/clip-vit-base-patch16\n")
        recipe = config.load(Recipe, tmp_path / "r.yaml")
        assert recipe.encoder == EncoderRecipe("openai/clip-vit-base-patch16")


@pytest.mark.parametrize("method", ["shared_vit", "fmm_rpl"])
def test_a_run_needs_the_files_of_its_encoder_no_more(method, tmp_path):
    sizes = replace(VARIANTS["norm of the mean patch"], context_length=20)
    folder = tmp_path / "encoder"
    folder.mkdir()
    clips.save_open_clip(clips.openai_clip(sizes).tensors(), sizes, folder)
    options = {"rank": 4, "depth": 1} if method == "fmm_rpl" else {}
    recipe = Recipe(
        encoder=EncoderRecipe(str(folder), image_size=48), method=MethodRecipe(method, options)
    )
    encoder = build(recipe.encoder)
    trained = methods.build(recipe.method, encoder).eval()
    checkpoint.save_recipe(tmp_path / "run", recipe, encoder)
    checkpoint.save_weights(tmp_path / "run", trained, recipe)
    shutil.rmtree(folder)
    loaded = checkpoint.load(tmp_path / "run")
    assert loaded.image_size == 48
    images = torch.randn(2, 3, 3, 48, 48)
    present = torch.ones(2, 3, dtype=torch.bool)
    batch = Batch(images, present, torch.tensor([0, 1]), ("a", "b"))
    with torch.no_grad():
        assert torch.equal(loaded.method(batch).fused, trained(batch).fused)


class TestPositions:
    def test_what_is_the_same_everywhere_stays_so(self):
        positions = torch.cat([torch.full((1, 4), 7.0), torch.full((9, 4), 2.0)])
        for grid in (2, 5):
            found = interpolate(positions, grid, antialias=True)
            assert found.shape == (1 + grid**2, 4)
            assert torch.allclose(found[0], positions[0])
            assert torch.allclose(found[1:], torch.tensor(2.0), atol=1e-5)

    def test_rows_stay_rows(self):
        of_patches = torch.arange(4.0).repeat_interleave(4)[:, None]  # the row of each patch
        found = interpolate(torch.cat([torch.zeros(1, 1), of_patches]), 8, antialias=False)
        grid = found[1:].reshape(8, 8)
        assert torch.allclose(grid, grid[:, :1].expand(8, 8), atol=1e-5)
        assert (grid[1:, 0] > grid[:-1, 0]).all()

    @pytest.mark.parametrize(("size", "such_as"), [(30, "24 or 32"), (5, "8 or 8")])
    def test_patches_have_to_tile_an_image(self, size, such_as, folder):
        told = refusal(folder, image_size=size)
        assert f"{size} should be a multiple of the patch size 8, such as {such_as}" in told


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


def refusal(folder, **settings):
    with pytest.raises(BadInput) as caught:
        load(folder, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestBadInput:
    def test_an_empty_folder(self, tmp_path):
        assert "holds no CLIP; it should have one of encoder.yaml" in refusal(tmp_path)

    def test_missing_weights(self, folder):
        (folder / "model.safetensors").unlink()
        assert f"{folder}/model.safetensors: is missing" in refusal(folder)

    def test_truncated_weights(self, folder):
        weights = folder / "model.safetensors"
        for length in (1000, weights.stat().st_size - 4, 0):
            weights.write_bytes(weights.read_bytes()[:length])
            assert "model.safetensors: is damaged or cut short" in refusal(folder)

    def test_another_shape(self, folder):
        change(folder / "config.json", vision_config__intermediate_size=96)
        told = refusal(folder)
        assert "tensor 'vision_model.encoder.layers.0.mlp.fc1.weight' has shape [64, 32]" in told
        assert "by config.json it should be [96, 32]" in told

    def test_another_shape_of_what_is_laid_together_or_turned(self, folder):
        weights = folder / "model.safetensors"
        tensors = load_file(weights)
        name = "text_model.encoder.layers.1.self_attn.v_proj.bias"
        save_file({**tensors, name: torch.zeros(23)}, weights)
        told = refusal(folder)
        assert f"tensor '{name}' has shape [23], but by config.json it should be [24]" in told
        save_file({**tensors, "visual.ls_1.gamma": torch.ones(3)}, weights)
        assert "holds tensor 'visual.ls_1.gamma', which a CLIP" in refusal(folder)

    def test_a_pickle_is_refused_and_the_line_converts_it(self, folder, monkeypatch):
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

    def test_files_of_an_index(self, tmp_path):
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
    def test_a_configuration_of_something_else(self, values, message, folder):
        change(folder / "config.json", **values)
        told = refusal(folder)
        assert told.startswith(f"{folder}/config.json: ")
        assert message in told

    def test_images_of_another_mean(self, folder):
        preprocessing = folder / "preprocessor_config.json"
        preprocessing.write_text('{"image_mean": [0.48145466, 0.4578275, 0.40821073]}')
        load(folder)
        preprocessing.write_text('{"image_mean": [0.5, 0.5, 0.5]}')
        assert "says [0.5, 0.5, 0.5]; flexpad normalises" in refusal(folder)

    @pytest.mark.parametrize("content", ["", "[]", "{", "\udcff"])
    def test_a_configuration_that_is_none(self, content, folder):
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
    def test_what_of_open_clip_our_towers_are_not(self, values, message, tmp_path):
        clips.save_open_clip(clips.openai_clip(TINY).tensors(), TINY, tmp_path)
        path = tmp_path / "open_clip_config.json"
        change(path, **{f"model_cfg__{name}": value for name, value in values.items()})
        told = refusal(tmp_path)
        assert told.startswith(f"{path}: model_cfg")
        assert message in told

    def test_open_clip_with_images_of_another_mean(self, tmp_path):
        clips.save_open_clip(clips.openai_clip(TINY).tensors(), TINY, tmp_path)
        change(tmp_path / "open_clip_config.json", preprocess_cfg__std=[0.5, 0.5, 0.5])
        assert "open_clip_config.json: preprocess_cfg: says [0.5, 0.5, 0.5]" in refusal(tmp_path)
        change(tmp_path / "open_clip_config.json", model_cfg=None)
        assert "key 'model_cfg' is missing" in refusal(tmp_path)


class TestFoldersWithTwoLayouts:
    def test_open_clip_goes_before_a_configuration_of_timm(self, tmp_path):
        clips.save_open_clip(clips.openai_clip(TINY).tensors(), TINY, tmp_path)
        (tmp_path / "config.json").write_text('{"architecture": "vit_base_patch16_clip_224"}')
        (tmp_path / "model.safetensors").write_bytes(b"of timm")
        assert load(tmp_path).provenance.layout == "open_clip"

    def test_the_one_whose_weights_are_there(self, folder):
        (folder / "open_clip_config.json").write_text("{}")
        assert load(folder).provenance.layout == "Hugging Face"


def test_a_sentence_ends_where_it_ends_whoever_padded_it(folder):
    padded = small_tokenizer()
    padded.enable_padding(length=10)
    padded.enable_truncation(3)
    padded.save(str(folder / "tokenizer.json"))
    sentences = class_sentences(load(folder).tokenizer, 2)
    assert sentences.ends.tolist() == [6, 6]
