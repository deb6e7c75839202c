"""One geometry for all modalities, photometry for each, and images that cannot be used."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flexpad.data import transforms
from flexpad.data.transforms import Geometry
from flexpad.recipe import AugmentRecipe
from flexpad.types import BadInput, Modality

STILL = AugmentRecipe(enlarge=1.0, rotation=0.0, flip=0.0, colour=0.0, infrared=0.0)
RGB, DEPTH, IR = Modality.RGB, Modality.DEPTH, Modality.IR


def numbered(size: int) -> Image.Image:
    """An image whose every pixel has its own value."""
    return Image.fromarray(np.arange(size * size, dtype=np.uint8).reshape(size, size))


def dot(size: int, x: int, y: int) -> Image.Image:
    pixels = np.zeros((size, size), np.uint8)
    pixels[y - 1 : y + 2, x - 1 : x + 2] = 255
    return Image.fromarray(pixels)


def centre_of(pixels: np.ndarray) -> tuple[float, float]:
    ys, xs = np.nonzero(pixels > 100)
    return float(xs.mean()), float(ys.mean())


class TestPlace:
    def test_nothing_to_do_changes_nothing(self):
        image = numbered(16)
        assert np.array_equal(transforms.place(image, Geometry(), 16), np.asarray(image))

    def test_mirror_is_left_right(self):
        image = numbered(16)
        placed = transforms.place(image, Geometry(mirrored=True), 16)
        assert np.array_equal(placed, np.asarray(image)[:, ::-1])

    def test_quarter_turn(self):
        image = numbered(16)
        placed = transforms.place(image, Geometry(angle=math.pi / 2), 16).astype(int)
        assert np.abs(placed - np.rot90(np.asarray(image), 1)).max() <= 1  # of rounding

    def test_crop_is_where_it_says(self):
        image = numbered(16)
        placed = transforms.place(image, Geometry(side=0.5, x=0.25, y=0.75), 8)
        assert np.array_equal(placed, np.asarray(image)[8:, :8])

    @pytest.mark.parametrize("mirrored", [False, True])
    @pytest.mark.parametrize("mode", ["L", "RGB", "F"])
    @pytest.mark.parametrize("x", [0.5, 0.25, 0.05])  # the last leads out of the image
    def test_a_plain_crop_is_what_the_general_way_gives(self, mirrored, mode, x):
        image = Image.effect_noise((40, 40), 60).convert(mode)
        across, start = (-1, 40 * x + 10) if mirrored else (1, 40 * x - 10)
        general = image.transform(
            (20, 20),
            Image.Transform.AFFINE,
            (across, 0, start, 0, 1, 10),
            Image.Resampling.BILINEAR,
        )
        placed = transforms.place(image, Geometry(side=0.5, x=x, mirrored=mirrored), 20)
        assert np.array_equal(placed, np.asarray(general))

    def test_outside_is_black(self):
        white = Image.new("L", (32, 32), 255)
        placed = transforms.place(white, Geometry(angle=math.pi / 4), 32)
        assert placed[0, 0] == 0
        assert placed[16, 16] == 255

    @given(seed=st.integers(0, 1000), x=st.integers(20, 44), y=st.integers(20, 44))
    def test_other_resolutions_show_the_same_view(self, seed, x, y):
        """A dot at one place of the face stays at one place in every modality."""
        geometry = transforms.draw_geometry(np.random.default_rng(seed), AugmentRecipe())
        small = transforms.place(dot(64, x, y), geometry, 56)
        doubled = transforms.place(dot(64, x, y).resize((128, 128)), geometry, 56)
        if (small > 100).any() and (doubled > 100).any():
            assert np.allclose(centre_of(small), centre_of(doubled), atol=0.8)


class TestRawValues:
    """Mode F: raw values brought to [0, 255], with what lies between two shades kept."""

    def test_nothing_is_rounded(self):
        exact = np.linspace(100, 101, 256, dtype=np.float32).reshape(16, 16)
        placed = transforms.place(Image.fromarray(exact), Geometry(), 16)
        assert np.array_equal(placed, exact)
        stacked, _ = transforms.prepare({DEPTH: Image.fromarray(exact)}, 16, STILL)
        assert len(np.unique(stacked[1, 0])) == 256

    @given(seed=st.integers(0, 1000))
    def test_goes_where_the_same_image_of_8_bits_goes(self, seed):
        rng = np.random.default_rng(seed)
        eight = Image.fromarray(rng.integers(0, 256, (40, 40), dtype=np.uint8))
        geometry = transforms.draw_geometry(rng, AugmentRecipe())
        placed = transforms.place(eight, geometry, 24).astype(float)
        exact = transforms.place(eight.convert("F"), geometry, 24)
        assert exact.dtype == np.float32
        assert np.abs(placed - exact).max() <= 2  # rounded once as it is resized, once as turned
        assert exact.min() >= 0
        assert exact.max() <= 255

    def test_scaled_like_8_bits(self):
        grey = {DEPTH: Image.fromarray(np.full((8, 8), 51.0, np.float32))}
        stacked, _ = transforms.prepare(grey, 8, STILL)
        expected = (0.2 - transforms.CLIP_MEAN) / transforms.CLIP_STD
        assert np.allclose(stacked[1, :, 4, 4], expected, atol=1e-6)


class TestDraw:
    @given(st.integers(0, 10_000))
    def test_crops_stay_inside_the_image(self, seed):
        augment = AugmentRecipe()
        drawn = transforms.draw_geometry(np.random.default_rng(seed), augment)
        assert drawn.side / 2 - 1e-9 <= drawn.x <= 1 - drawn.side / 2 + 1e-9
        assert drawn.side / 2 - 1e-9 <= drawn.y <= 1 - drawn.side / 2 + 1e-9
        assert abs(drawn.angle) <= math.radians(augment.rotation)


class TestJitter:
    @pytest.fixture
    def pixels(self):
        pixels = np.random.default_rng(0).uniform(0.2, 0.8, (3, 8, 8)).astype(np.float32)
        pixels[:, :2] = 0  # a removed background
        return pixels

    def test_depth_is_a_measurement(self, pixels):
        rng = np.random.default_rng(0)
        assert transforms.jitter(pixels, DEPTH, rng, AugmentRecipe()) is pixels

    @pytest.mark.parametrize("modality", [RGB, IR])
    def test_background_stays_black(self, pixels, modality):
        varied = transforms.jitter(pixels, modality, np.random.default_rng(1), AugmentRecipe())
        assert (varied[:, :2] == 0).all()
        assert not np.allclose(varied[:, 2:], pixels[:, 2:])
        assert varied.dtype == np.float32
        assert varied.min() >= 0
        assert varied.max() <= 1

    def test_factors_by_hand(self):
        """Brightness on the whole, contrast about the mean of what is shown, then saturation."""
        pixels = np.zeros((3, 1, 3), np.float32)
        pixels[:, 0, 1], pixels[:, 0, 2] = (0.2, 0.3, 0.4), (0.5, 0.4, 0.3)
        brightness, contrast, saturation = np.random.default_rng(5).uniform(0.6, 1.4, size=3)
        expected = pixels * brightness
        mean = expected[:, :, 1:].mean()
        expected[:, :, 1:] = mean + (expected[:, :, 1:] - mean) * contrast
        grey = 0.299 * expected[0] + 0.587 * expected[1] + 0.114 * expected[2]
        expected = (grey + (expected - grey) * saturation).clip(0, 1)
        varied = transforms.jitter(pixels, RGB, np.random.default_rng(5), AugmentRecipe())
        assert np.allclose(varied, expected, atol=1e-6)


class TestPrepare:
    def test_evaluation_draws_nothing(self):
        images = {RGB: Image.effect_noise((40, 40), 50).convert("RGB")}
        first, present = transforms.prepare(images, 32, AugmentRecipe())
        second, _ = transforms.prepare(images, 32, AugmentRecipe())
        assert np.array_equal(first, second)
        assert present.tolist() == [True, False, False]
        assert (first[1:] == 0).all()

    def test_training_gives_all_modalities_one_geometry(self):
        image = dot(64, 40, 24)
        images = {RGB: image.convert("RGB"), DEPTH: image, IR: image}
        augment = AugmentRecipe(colour=0.0, infrared=0.0)
        stacked, _ = transforms.prepare(images, 56, augment, np.random.default_rng(3))
        channels = stacked[:, 0]
        assert np.array_equal(channels[0], channels[1])
        assert np.array_equal(channels[0], channels[2])
        other, _ = transforms.prepare(images, 56, augment, np.random.default_rng(4))
        assert not np.array_equal(stacked, other)

    def test_normalised_as_clip_expects(self):
        grey = {DEPTH: Image.new("L", (8, 8), 128)}
        stacked, _ = transforms.prepare(grey, 8, STILL)
        expected = (128 / 255 - transforms.CLIP_MEAN) / transforms.CLIP_STD
        assert np.allclose(stacked[1, :, 4, 4], expected, atol=1e-6)


class TestSameView:
    def test_other_aspect_ratio_is_refused(self):
        images = {RGB: Image.new("RGB", (100, 100)), DEPTH: Image.new("L", (100, 50))}
        with pytest.raises(BadInput, match=r"row 'a': .*rgb 100x100, depth 100x50"):
            transforms.check_same_view(images, "row 'a'")

    def test_other_resolution_is_fine(self):
        """As in CASIA-SURF, where depth is about half as large as RGB."""
        images = {RGB: Image.new("RGB", (279, 279)), DEPTH: Image.new("L", (143, 143))}
        transforms.check_same_view(images, "row")


def test_box_is_cut_out_of_raw_values():
    images = {RGB: numbered(16).convert("RGB"), DEPTH: numbered(16).convert("F")}
    cut = transforms.crop_box(images, "4 8 12 16")
    assert cut[DEPTH].mode == "F"
    assert np.array_equal(np.asarray(cut[DEPTH]), np.asarray(cut[RGB])[..., 0])


def test_box_is_cut_in_each_resolution():
    images = {RGB: numbered(16).convert("RGB"), DEPTH: numbered(16).resize((8, 8))}
    cut = transforms.crop_box(images, "4 8 12 16")
    assert cut[RGB].size == (8, 8)
    assert cut[DEPTH].size == (4, 4)
    assert np.array_equal(np.asarray(cut[RGB])[..., 0], np.asarray(numbered(16))[8:16, 4:12])
