"""One way to open an image: files, arrays in containers, raw values, and what cannot be used."""

import multiprocessing
import sys

import h5py
import numpy as np
import pytest
from PIL import Image

from flexpad.data import containers, images
from flexpad.data.encoding import UnusableImage
from flexpad.data.loader import open_row
from flexpad.data.manifest import Row
from flexpad.types import BadInput, Modality

RGB, DEPTH, IR = Modality.RGB, Modality.DEPTH, Modality.IR
STORED = np.arange(3 * 4 * 6, dtype=np.uint8).reshape(3, 4, 6)  # channels first, as in WMCA
RAW = (np.arange(24, dtype=np.uint16) * 100).reshape(4, 6)


@pytest.fixture
def root(tmp_path):
    """A folder with the same arrays in every kind of file."""
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["Frame_7/array"] = STORED
        file["bgr"] = STORED[None]
        file["raw"] = RAW[None, None]
    np.savez(tmp_path / "a.npz", data=STORED[None], raw=RAW)
    np.save(tmp_path / "a.npy", RAW)
    Image.fromarray(STORED.transpose(1, 2, 0)).save(tmp_path / "rgb.png")
    Image.fromarray(RAW).save(tmp_path / "raw.png")
    Image.fromarray(RAW).save(tmp_path / "raw.tif")
    return tmp_path


def refusal(*arguments, **options):
    with pytest.raises(BadInput) as caught:
        images.open_image(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestLocator:
    @pytest.mark.parametrize(
        ("locator", "member", "indices"),
        [
            ("x.h5::a/b", "a/b", ()),
            ("x.h5::Frame_7[1]", "Frame_7", (1,)),
            ("x.h5::a[12][::-1]", "a", (12, slice(None, None, -1))),
            ("x.npz::a[-1][2::-1][0:2]", "a", (-1, slice(2, None, -1), slice(0, 2))),
            ("x.npy::[3]", "", (3,)),
            ("x.npz::a[0][:]", "a", (0, slice(None))),
        ],
    )
    def test_is_taken_apart(self, locator, member, indices):
        assert containers.parse(locator) == (locator.split("::")[0], member, indices)

    @pytest.mark.parametrize("bracket", ["[]", "[a]", "[1,2]", "[1:2:3:4]", "[1.5]", "[...]"])
    def test_an_index_that_is_none_is_refused(self, bracket):
        with pytest.raises(BadInput, match="should be an index such as"):
            containers.parse(f"x.h5::a{bracket}")


class TestReadArray:
    @pytest.mark.parametrize(
        "locator",
        ["rgb.png", "a.hdf5::Frame_7", "a.hdf5::bgr[0]", "a.npz::data[0]", "a.npz::data[0][0:3]"],
    )
    def test_colour_is_rgb_with_channels_last(self, root, locator):
        assert np.array_equal(images.read_array(root, locator), STORED.transpose(1, 2, 0))

    @pytest.mark.parametrize(
        "locator", ["a.hdf5::bgr[0][::-1]", "a.npz::data[0][::-1]", "a.npz::data[0][2::-1]"]
    )
    def test_reversed_channels_turn_bgr_to_rgb(self, root, locator):
        assert np.array_equal(images.read_array(root, locator), STORED[::-1].transpose(1, 2, 0))

    @pytest.mark.parametrize("locator", ["a.hdf5::Frame_7[1]", "a.npz::data[0][1]"])
    def test_one_channel(self, root, locator):
        assert np.array_equal(images.read_array(root, locator), STORED[1])

    @pytest.mark.parametrize(
        "locator",
        ["raw.png", "raw.tif", "a.hdf5::raw[0]", "a.hdf5::raw[0][0]", "a.npz::raw", "a.npy::"],
    )
    def test_sixteen_bits_stay_sixteen(self, root, locator):
        found = images.read_array(root, locator)
        assert found.dtype == np.uint16
        assert np.array_equal(found, RAW)

    @pytest.mark.parametrize("shape", [(4,), (2, 3, 4, 5), (4, 6, 2), (5, 4, 6), (0, 6)])
    def test_what_is_no_image_is_refused(self, tmp_path, shape):
        np.savez(tmp_path / "a.npz", data=np.zeros(shape, np.uint8))
        with pytest.raises(BadInput, match=r"an image is \(H, W\) or \(H, W, 3\)"):
            images.read_array(tmp_path, "a.npz::data")


class TestEightBits:
    def test_colour_and_grey(self, root):
        assert images.open_image(root, "rgb.png", RGB).mode == "RGB"
        assert images.open_image(root, "rgb.png", IR).mode == "L"
        assert images.open_image(root, "a.hdf5::Frame_7", RGB).mode == "RGB"
        channel = images.open_image(root, "a.hdf5::Frame_7[1]", DEPTH, "8bit:wmca_mad")
        assert np.array_equal(np.asarray(channel), STORED[1])

    @pytest.mark.parametrize("locator", ["rgb.png", "a.hdf5::Frame_7[1]"])
    def test_have_no_raw_encoding(self, root, locator):
        assert "has 8 bits a channel, but mad:3" in refusal(root, locator, DEPTH, "mad:3")

    def test_shares_of_white_are_8_bits_with_more_between_them(self, tmp_path):
        shares = np.linspace(0, 1, 3 * 24, dtype=np.float32).reshape(3, 4, 6)
        np.savez(tmp_path / "a.npz", data=shares)
        colour = images.open_image(tmp_path, "a.npz::data", RGB)
        assert np.array_equal(np.asarray(colour), (shares * 255).round().transpose(1, 2, 0))
        grey = images.open_image(tmp_path, "a.npz::data[1]", IR, "8bit:somewhere")
        assert grey.mode == "F"
        assert np.allclose(np.asarray(grey), shares[1] * 255)
        np.savez(tmp_path / "b.npz", data=shares * 2)
        assert "holds float32 values, but it has no encoding" in refusal(
            tmp_path, "b.npz::data[1]", IR
        )


class TestRawValues:
    def test_floats_below_1_are_shares_of_16_bits_but_never_of_a_distance(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array([[0.0, 0.25], [0.5, 1.0]]))
        shares = images.open_image(tmp_path, "a.npy::", IR, "limits:0-65535")
        assert np.asarray(shares) == pytest.approx(np.array([[0, 63.75], [127.5, 255]]), abs=0.01)
        distances = images.open_image(tmp_path, "a.npy::", DEPTH, "mm:0-2")
        assert np.asarray(distances) == pytest.approx(np.array([[0, 31.875], [63.75, 127.5]]))

    @pytest.mark.parametrize("locator", ["raw.png", "a.hdf5::raw[0]", "a.npz::raw", "a.npy::"])
    def test_keep_their_precision(self, root, locator):
        found = images.open_image(root, locator, DEPTH, "limits:0-2300")
        assert found.mode == "F"
        assert np.allclose(np.asarray(found), RAW / 2300 * 255, atol=1e-4)

    @pytest.mark.parametrize("locator", ["raw.png", "a.hdf5::raw[0]"])
    def test_mean_nothing_without_an_encoding(self, root, locator):
        message = refusal(root, locator, DEPTH)
        assert message.startswith(str(root / locator))
        assert "holds uint16 values, but it has no encoding" in message
        assert "depends on the sensor" in message
        assert "its encoding is 8bit:x" in refusal(root, locator, IR, "8bit:x")

    def test_are_no_colour(self, root):
        assert "give RGB in 8 bits" in refusal(root, "raw.png", RGB)

    def test_an_unknown_encoding_is_named_with_the_file(self, root):
        assert "raw.png: encoding 'inches:1-2' should be" in refusal(
            root, "raw.png", DEPTH, "inches:1-2"
        )

    def test_deviations_go_by_the_box(self, root):
        """The box is in the pixels of an image twice as large: columns 2 to 6 of 6, rows 0 to 2."""
        found = images.open_image(root, "raw.png", DEPTH, "mad:3", "4 0 12 4", (12, 8))
        face = RAW[:2, 2:]
        median = np.median(face)
        spread = 3 * np.median(np.abs(face - median))
        expected = ((RAW - (median - spread)) / (2 * spread)).clip(0, 1) * 255
        assert np.allclose(np.asarray(found), expected, atol=1e-3)
        whole = images.open_image(root, "raw.png", DEPTH, "mad:3")
        assert not np.allclose(np.asarray(found), np.asarray(whole))

    def test_an_unusable_face_names_the_file(self, tmp_path):
        Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "hole.png")
        with pytest.raises(UnusableImage, match=r"hole\.png: is unusable: no pixel of the face"):
            images.open_image(tmp_path, "hole.png", DEPTH, "mad:6")


def test_a_row_is_opened_by_its_encodings_and_box(root):
    row = Row(
        sample_id="s",
        dataset="d",
        split="train",
        subject_id="p",
        video_id="v",
        frame=0,
        label="bonafide",
        rgb="rgb.png",
        depth="a.hdf5::raw[0]",
        box="2 0 6 2",
        depth_encoding="mad:3",
    )
    opened = open_row(root, row)
    assert opened[DEPTH].size == opened[RGB].size == (4, 2)
    whole = images.open_image(root, row.depth, DEPTH, "mad:3", row.box)
    assert np.array_equal(np.asarray(opened[DEPTH]), np.asarray(whole)[:2, 2:])


class TestBroken:
    def test_missing(self, tmp_path):
        assert "none.jpg: cannot be read (No such file" in refusal(tmp_path, "none.jpg", RGB)

    @pytest.mark.parametrize("name", ["a.jpg", "a.png"])
    def test_no_image(self, tmp_path, name):
        (tmp_path / name).write_text("not an image")
        assert f"{name}: is not an image" in refusal(tmp_path, name, RGB)

    @pytest.mark.parametrize("suffix", ["jpg", "png"])
    def test_truncated(self, tmp_path, suffix):
        path = tmp_path / f"a.{suffix}"
        Image.effect_noise((64, 64), 50).save(path)
        path.write_bytes(path.read_bytes()[:-400])
        assert f"a.{suffix}: cannot be read" in refusal(tmp_path, path.name, IR)

    def test_a_damaged_chunk(self, tmp_path):
        path = tmp_path / "a.png"
        Image.effect_noise((64, 64), 50).save(path)
        content = bytearray(path.read_bytes())
        content[60] ^= 0xFF  # inside the compressed pixels
        path.write_bytes(content)
        assert "a.png: cannot be read" in refusal(tmp_path, "a.png", IR)

    @pytest.mark.parametrize("mode", ["1", "CMYK"])
    def test_other_modes(self, tmp_path, mode):
        Image.new(mode, (4, 4)).save(tmp_path / "a.tif")
        assert f"is a {mode} image" in refusal(tmp_path, "a.tif", IR)

    @pytest.mark.parametrize(
        ("locator", "words"),
        [
            ("none.hdf5::a", "none.hdf5: cannot be read"),
            ("none.npz::a", "none.npz: cannot be read"),
            ("a.hdf5::Frame_8", "'Frame_8' in it cannot be read"),
            ("a.hdf5::Frame_7[3]", "'Frame_7' in it cannot be read"),
            ("a.npz::other", "'other' in it cannot be read"),
            ("a.npz::data[1]", "'data' in it cannot be read"),
            ("a.hdf5::", "in it cannot be read"),
            ("a.zip::a", "is none of the containers"),
        ],
    )
    def test_what_is_not_in_a_container(self, root, locator, words):
        assert words in refusal(root, locator, DEPTH)

    @pytest.mark.parametrize("name", ["a.hdf5", "a.npz", "a.npy"])
    def test_a_container_that_is_none(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"nothing")
        assert f"{name}: cannot be read" in refusal(tmp_path, f"{name}::a", DEPTH)

    @pytest.mark.parametrize("name", ["a.hdf5", "a.npz"])
    def test_a_truncated_container(self, root, name):
        path = root / name
        path.write_bytes(path.read_bytes()[:-200])
        assert f"{name}: " in refusal(root, f"{name}::raw[0]", DEPTH, "mad:3")

    def test_nothing_is_ever_unpickled(self, tmp_path):
        np.savez(tmp_path / "a.npz", data=np.array([{"any": "object"}], dtype=object))
        np.save(tmp_path / "b.npy", np.array([{"any": "object"}], dtype=object))
        assert "cannot be read" in refusal(tmp_path, "a.npz::data", IR)
        assert "cannot be read" in refusal(tmp_path, "b.npy::", IR)

    def test_hdf5_needs_its_package(self, root, monkeypatch):
        monkeypatch.setitem(sys.modules, "h5py", None)
        containers.hdf5.cache_clear()
        message = refusal(root, "a.hdf5::Frame_7", RGB)
        assert message.endswith("reading HDF5 needs h5py; pip install flexpad[hdf5]")


def _sum_of(root, locator):
    return int(images.read_array(root, locator).sum())


class TestOpenFiles:
    def test_a_container_is_opened_once(self, root):
        containers.hdf5.cache_clear()
        for _ in range(3):
            images.read_array(root, "a.hdf5::Frame_7")
        assert containers.hdf5.cache_info().misses == 1

    def test_no_more_than_so_many_stay_open(self, tmp_path):
        for number in range(containers.OPEN_FILES + 5):
            with h5py.File(tmp_path / f"{number}.h5", "w") as file:
                file["a"] = np.full((2, 2), number, np.uint8)
        for number in range(containers.OPEN_FILES + 5):
            assert images.read_array(tmp_path, f"{number}.h5::a")[0, 0] == number
        assert containers.hdf5.cache_info().currsize == containers.OPEN_FILES

    @pytest.mark.parametrize("locator", ["a.hdf5::Frame_7", "a.npz::data[0]"])
    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_other_processes_open_their_own(self, root, locator, method):
        expected = _sum_of(root, locator)  # open in this process before the others begin
        with multiprocessing.get_context(method).Pool(2) as pool:
            found = pool.starmap(_sum_of, [(root, locator)] * 8)
        assert found == [expected] * 8
        assert _sum_of(root, locator) == expected
