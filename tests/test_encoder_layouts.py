"""Layouts of other libraries and ours: features are those the library makes of the same files."""

import hashlib
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from flexpad import encoders
from flexpad.encoders import SMALL, Encoder
from flexpad.encoders.clip import Clip
from flexpad.encoders.positions import interpolate
from flexpad.encoders.text import small_tokenizer
from flexpad.types import BadInput

from . import clips
from .clips import BASE_16, TINY, VARIANTS, load, refusal


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
    def test_patches_have_to_tile_an_image(self, size, such_as, tmp_path):
        folder = clips.save_huggingface(clips.in_transformers(TINY), tmp_path)
        told = refusal(folder, image_size=size)
        assert f"{size} should be a multiple of the patch size 8, such as {such_as}" in told


class TestFoldersWithTwoLayouts:
    def test_open_clip_goes_before_a_configuration_of_timm(self, tmp_path):
        clips.save_open_clip(clips.openai_clip(TINY).tensors(), TINY, tmp_path)
        (tmp_path / "config.json").write_text('{"architecture": "vit_base_patch16_clip_224"}')
        (tmp_path / "model.safetensors").write_bytes(b"of timm")
        assert load(tmp_path).provenance.layout == "open_clip"

    def test_the_one_whose_weights_are_there(self, tmp_path):
        folder = clips.save_huggingface(clips.in_transformers(TINY), tmp_path)
        (folder / "open_clip_config.json").write_text("{}")
        assert load(folder).provenance.layout == "Hugging Face"
