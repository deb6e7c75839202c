"""From the name and settings of an encoder to its towers and words."""

import hashlib
import re
import shutil
from dataclasses import replace

import pytest
import torch

from flexpad import checkpoint, config, encoders, methods
from flexpad.encoders import Encoder, build, builtin
from flexpad.encoders.clip import Clip
from flexpad.encoders.provenance import Provenance
from flexpad.encoders.text import class_sentences, small_tokenizer
from flexpad.recipe import EncoderRecipe, MethodRecipe, Recipe
from flexpad.types import BadInput, Batch

from . import clips
from .clips import TINY, VARIANTS, load


@pytest.fixture
def folder(tmp_path):
    return clips.save_huggingface(clips.in_transformers(TINY), tmp_path)


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
    checkpoint.save_weights(tmp_path / "run" / checkpoint.WEIGHTS, trained, recipe)
    shutil.rmtree(folder)
    loaded = checkpoint.load(tmp_path / "run")
    assert loaded.image_size == 48
    images = torch.randn(2, 3, 3, 48, 48)
    present = torch.ones(2, 3, dtype=torch.bool)
    batch = Batch(images, present, torch.tensor([0, 1]), ("a", "b"))
    with torch.no_grad():
        assert torch.equal(loaded.method(batch).fused, trained(batch).fused)


def test_a_sentence_ends_where_it_ends_whoever_padded_it(folder):
    padded = small_tokenizer()
    padded.enable_padding(length=10)
    padded.enable_truncation(3)
    padded.save(str(folder / "tokenizer.json"))
    sentences = class_sentences(load(folder).tokenizer, 2)
    assert sentences.ends.tolist() == [6, 6]
