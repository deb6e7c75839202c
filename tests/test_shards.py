"""Packs: nothing is lost, the same bytes come of the same rows, and damage is found."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from flexpad import checkpoint, score_table
from flexpad.data import images, manifest, packing, shards
from flexpad.data.manifest import Manifest, Row
from flexpad.data.members import read_member
from flexpad.recipe import MethodRecipe, Recipe, TrainRecipe
from flexpad.score import score
from flexpad.train import train
from flexpad.types import MODALITIES, BadInput, Modality


def row_of(index, split="train", **more):
    bonafide = index % 3 == 0
    return Row(
        sample_id=f"{split}/a.b/{index:04d}",
        dataset="synth",
        split=split,
        subject_id=f"{split}{index // 4}",
        video_id=f"{split}{index // 2}",
        frame=index,
        label="bonafide" if bonafide else "attack",
        pai_species="" if bonafide else "replay",
        groups={"light": "dim"},
        **more,
    )


@pytest.fixture
def source(tmp_path):
    """Rows of three splits: JPEG, 16-bit PNG and arrays in an archive; some lack a modality."""
    folder = tmp_path / "source"
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for split in ("train", "dev", "test"):
        for index in range(12 if split == "train" else 6):
            name = f"{split}{index}"
            colour = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(colour).save(folder / f"{name}.JPG", "JPEG")
            depth = rng.integers(0, 2**16, (8, 8), dtype=np.uint16)
            Image.fromarray(depth).save(folder / f"{name}.png")
            np.savez(folder / f"{name}.npz", ir=rng.integers(0, 2**16, (8, 8), dtype=np.uint16))
            rows.append(
                row_of(
                    index,
                    split,
                    rgb="" if index == 5 else f"{name}.JPG",
                    depth=f"{name}.png",
                    ir="" if index == 4 else f"{name}.npz::ir",
                    depth_encoding="mm:300-1500",
                    ir_encoding="limits:0-65535",
                )
            )
    return Manifest(folder, rows, {"licence": "none needed"}, str(tmp_path / "source.csv"))


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.fixture
def small(monkeypatch):
    """Shards of a few rows."""
    monkeypatch.setattr(packing, "MEGABYTE", 4000)


@pytest.mark.usefixtures("small")
def test_a_pack_shows_the_same_rows_and_pixels(source, tmp_path):
    packed, written = packing.pack(source, tmp_path / "pack", shard_mb=1)
    assert len(written) > 6
    back = manifest.read(tmp_path / "pack" / "manifest.csv")
    assert back.rows == packed.rows
    assert back.header["licence"] == "none needed"
    before = {row.sample_id: row for row in source}
    assert sorted(before) == sorted(row.sample_id for row in back)
    for row in back:
        old = before[row.sample_id]
        assert row.modalities == old.modalities
        assert (row.label, row.pai_species, row.groups) == (old.label, old.pai_species, old.groups)
        for modality in row.modalities:
            inside, outside = (
                images.read_array(of.root, one.path(modality))
                for of, one in ((back, row), (source, old))
            )
            assert inside.dtype == outside.dtype
            assert np.array_equal(inside, outside)
            opened = [
                np.asarray(images.open_image(of.root, one.path(modality), modality, code))
                for of, one in ((back, row), (source, old))
                for code in [one.encoding(modality)]
            ]
            assert np.array_equal(*opened)


def test_files_keep_their_bytes(source, tmp_path):
    packed, _ = packing.pack(source, tmp_path / "pack")
    by_id = {row.sample_id: row for row in source}
    for row in packed:
        if row.rgb:
            assert row.rgb.endswith(".rgb.jpg")
            original = (source.root / by_id[row.sample_id].rgb).read_bytes()
            assert images.file_content(packed.root, row.rgb) == original


def test_members_are_named_as_webdataset_has_it(source, tmp_path):
    packed, (first, *_) = packing.pack(source, tmp_path / "pack")
    with tarfile.open(tmp_path / "pack" / first.file) as archive:
        names = archive.getnames()
        keys = [name.split(".", 1)[0] for name in names]
        assert keys == sorted(keys)  # the members of a row stand together
        record = json.load(archive.extractfile(names[0]))
    row = packed.rows[0]
    assert record["sample_id"] == row.sample_id
    assert record["label"] == "bonafide"
    assert record["groups"] == {"light": "dim"}
    assert not {"rgb", "depth", "ir", "thermal"} & record.keys()


def test_an_absent_modality_has_no_member(source, tmp_path):
    packed, _ = packing.pack(source, tmp_path / "pack")
    lacking = [row for row in packed if len(row.modalities) < 3]
    assert len(lacking) == len([row for row in source if len(row.modalities) < 3]) > 0
    for row in lacking:
        shard, _, member = row.path(row.modalities[0]).partition("::")
        key = member.split(".")[0]
        with tarfile.open(packed.root / shard) as archive:
            found = {name.split(".")[1] for name in archive.getnames() if name.startswith(key)}
        assert found == {"json", *(m.value for m in row.modalities)}


@pytest.mark.usefixtures("small")
def test_a_shard_has_one_split_and_one_class(source, tmp_path):
    packed, written = packing.pack(source, tmp_path / "pack", shard_mb=1)
    for shard in written:
        rows = packed.rows[shard.first : shard.first + shard.items]
        assert {(row.split, row.label) for row in rows} == {(shard.split, shard.label)}
        files = {row.path(m).split("::")[0] for row in rows for m in row.modalities}
        assert files == {shard.file}
    assert sum(shard.items for shard in written) == len(source)


def test_rows_of_a_video_are_scattered(source):
    ordered = packing.in_shard_order(source.rows)
    assert [row.split for row in ordered] == ["train"] * 12 + ["dev"] * 6 + ["test"] * 6
    assert [row.sample_id for row in ordered[4:12]] != sorted(
        row.sample_id for row in ordered[4:12]
    )


@pytest.mark.usefixtures("small")
def test_the_same_rows_give_the_same_bytes_in_any_order(source, tmp_path):
    packing.pack(source, tmp_path / "a", shard_mb=1)
    turned = Manifest(source.root, list(source)[::-1], source.header, source.name)
    packing.pack(turned, tmp_path / "b", shard_mb=1)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


@pytest.mark.parametrize("after", [0, 1, 4])
@pytest.mark.usefixtures("small")
def test_a_killed_pack_goes_on_to_the_same_bytes(source, tmp_path, monkeypatch, after):
    packing.pack(source, tmp_path / "whole", shard_mb=1)
    write, done = packing._write, []

    def killed(*arguments):
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(write(*arguments))
        return done[-1]

    monkeypatch.setattr(packing, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        packing.pack(source, tmp_path / "pack", shard_mb=1)
    assert not (tmp_path / "pack" / "manifest.csv").exists()
    (tmp_path / "pack").mkdir(exist_ok=True)
    for name in (f"shard-{after:06d}.tar", "shards.json", "manifest.csv"):
        if after or name != "manifest.csv":
            (tmp_path / "pack" / f"{name}.partial").write_bytes(b"half a file")
    monkeypatch.setattr(packing, "_write", lambda *a: done.append(a) or write(*a))
    done.clear()
    packing.pack(source, tmp_path / "pack", shard_mb=1)
    whole = bytes_of(tmp_path / "whole")
    assert bytes_of(tmp_path / "pack") == whole
    assert len(done) == sum(name.endswith(".tar") for name in whole) - after


def test_a_finished_pack_is_left_as_it_is(source, tmp_path, monkeypatch):
    packing.pack(source, tmp_path / "pack")
    before = bytes_of(tmp_path / "pack")
    monkeypatch.setattr(packing, "_write", lambda *_: pytest.fail("wrote a shard again"))
    packing.pack(source, tmp_path / "pack")
    assert bytes_of(tmp_path / "pack") == before


def damage(path):
    content = bytearray(path.read_bytes())
    content[600] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [damage, Path.unlink], ids=["changed", "gone"])
@pytest.mark.usefixtures("small")
def test_a_damaged_shard_is_named_and_written_anew(source, tmp_path, harm):
    packing.pack(source, tmp_path / "pack", shard_mb=1)
    good = bytes_of(tmp_path / "pack")
    pack = tmp_path / "pack" / "manifest.csv"
    assert len(shards.verify(pack)) == sum(name.endswith(".tar") for name in good)
    harm(tmp_path / "pack" / "shard-000002.tar")
    with pytest.raises(BadInput, match=r"shard-000002\.tar: is missing or has changed"):
        shards.verify(pack)
    packing.pack(source, tmp_path / "pack", shard_mb=1)
    assert bytes_of(tmp_path / "pack") == good
    shards.verify(pack)


def test_a_forged_index_is_found_out(source, tmp_path):
    packing.pack(source, tmp_path / "pack")
    index = tmp_path / "pack" / "shards.json"
    content = json.loads(index.read_text())
    damage(tmp_path / "pack" / "shard-000000.tar")
    content["shards"][0]["sha256"] = manifest.sha256(tmp_path / "pack" / "shard-000000.tar")
    index.write_text(json.dumps(content))
    with pytest.raises(BadInput, match=r"shards\.json: is not the one"):
        shards.verify(tmp_path / "pack" / "manifest.csv")


def test_a_manifest_of_files_is_no_pack(source, tmp_path):
    manifest.write(source, tmp_path / "source.csv")
    with pytest.raises(BadInput, match="is not the manifest of a pack"):
        shards.verify(tmp_path / "source.csv")


class TestRefused:
    def test_a_folder_with_something_in_it(self, source):
        manifest.write(source, source.root / "manifest.csv")
        with pytest.raises(BadInput, match="is no empty folder"):
            packing.pack(source, source.root)

    def test_a_pack_of_other_rows(self, source, tmp_path):
        packing.pack(source, tmp_path / "pack")
        fewer = Manifest(source.root, source.rows[:10], source.header, source.name)
        with pytest.raises(BadInput, match="holds a pack of other rows"):
            packing.pack(fewer, tmp_path / "pack")

    def test_an_image_that_is_not_there(self, source, tmp_path):
        (source.root / "train3.JPG").unlink()
        with pytest.raises(BadInput, match=r"row 'train/a\.b/0003': .*train3\.JPG") as caught:
            packing.pack(source, tmp_path / "pack")
        assert "\n" not in str(caught.value)
        assert not list((tmp_path / "pack").glob("*.partial"))

    def test_a_strange_index(self, source, tmp_path):
        packing.pack(source, tmp_path / "pack")
        (tmp_path / "pack" / "shards.json").write_text("{}")
        with pytest.raises(BadInput, match="is no index of shards"):
            packing.pack(source, tmp_path / "pack")

    def test_no_size(self, source, tmp_path):
        with pytest.raises(BadInput, match="shard_mb"):
            packing.pack(source, tmp_path / "pack", shard_mb=0)


def test_a_pack_of_a_pack_has_the_same_images(source, tmp_path):
    once, _ = packing.pack(source, tmp_path / "once")
    twice, _ = packing.pack(once, tmp_path / "twice")
    for old, new in zip(once, twice, strict=True):
        for modality in old.modalities:
            assert images.file_content(once.root, old.path(modality)) == images.file_content(
                twice.root, new.path(modality)
            )


def test_a_parquet_manifest_is_packed_to_one(source, tmp_path):
    named = Manifest(source.root, source.rows, source.header, "rows.parquet")
    packed, _ = packing.pack(named, tmp_path / "pack")
    assert manifest.read(tmp_path / "pack" / "manifest.parquet").rows == packed.rows


def test_shares_of_white_that_are_called_8_bit_become_8_bit(tmp_path):
    shares = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    np.savez(tmp_path / "a.npz", data=np.stack([shares] * 4))
    row = row_of(
        0,
        rgb="a.npz::data[0:3]",
        depth="a.npz::data[3]",
        ir="a.npz::data[3]",
        depth_encoding="8bit:mine",
        ir_encoding="limits:0-65535",
    )
    source = Manifest(tmp_path, [row])
    packed, _ = packing.pack(source, tmp_path / "pack")
    for modality in MODALITIES:
        inside, outside = (
            np.asarray(
                images.open_image(
                    of.root, of.rows[0].path(modality), modality, of.rows[0].encoding(modality)
                )
            )
            for of in (packed, source)
        )
        tolerance = 0.5 if modality is Modality.DEPTH else 0
        assert np.abs(inside.astype(float) - outside).max() <= tolerance


@pytest.fixture(scope="module")
def pack(trained, tmp_path_factory):
    """The rendered set as a pack."""
    out = tmp_path_factory.mktemp("packed") / "pack"
    packing.pack(trained.manifest, out)
    return manifest.read(out / "manifest.csv")


class TestEveryCommandTakesAPack:
    def test_scores_are_those_of_the_files(self, trained, pack, tmp_path):
        model = checkpoint.load(trained.folder)
        table = score(model, pack, "test", tmp_path / "scores.csv", workers=1).rows
        expected = score_table.read(trained.folder / "scores-test.csv").rows
        by = ["sample_id", "condition"]
        table, expected = table.sort(by), expected.sort(by)
        assert table.drop("score").equals(expected.drop("score"))
        difference = table["score"].cast(float) - expected["score"].cast(float)
        assert difference.abs().max() < 1e-5  # other rows stand beside in a batch

    def test_training_in_the_order_of_shards(self, pack, tmp_path):
        recipe = Recipe(
            protocol="synth-surf@1",
            method=MethodRecipe(options={"rank": 4, "depth": 2}),
            train=TrainRecipe(epochs=1, pairs=3, sampling="shards", buffer=2),
        )
        for workers in (0, 2):
            train(pack, recipe, tmp_path / f"run{workers}", workers=workers)
        alone, others = (load_file(tmp_path / f"run{n}" / "model.safetensors") for n in (0, 2))
        assert all(torch.equal(alone[name], others[name]) for name in alone)


class TestMembers:
    def write(self, path, names, form=tarfile.USTAR_FORMAT):
        with tarfile.open(path, "w", format=form) as archive:
            for name in names:
                entry = tarfile.TarInfo(name)
                entry.size = len(name.encode())
                archive.addfile(entry, io.BytesIO(name.encode()))
        return path

    @pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    @pytest.mark.parametrize("name", ["a.rgb.jpg", "f/" * 70 + "a.jpg", "x" * 150, "ü.jpg"])
    def test_tar_files_of_other_tools(self, tmp_path, form, name):
        if form == tarfile.USTAR_FORMAT and "/" not in name and len(name) > 100:
            pytest.skip("has no room for such a name")
        path = self.write(tmp_path / "a.tar", ["first", name, "last"], form)
        assert read_member(path, name) == name.encode()
        assert read_member(path, "last") == b"last"

    def test_folders_are_passed_over(self, tmp_path):
        (tmp_path / "f").mkdir()
        (tmp_path / "f" / "a.jpg").write_bytes(b"content")
        with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
            archive.add(tmp_path / "f", "f")
        assert read_member(tmp_path / "a.tar", "f/a.jpg") == b"content"

    def test_a_file_that_was_replaced_is_read_anew(self, tmp_path):
        path = self.write(tmp_path / "a.tar", ["one"])
        assert read_member(path, "one") == b"one"
        path.unlink()
        self.write(path, ["zero" * 300, "one", "two"], tarfile.GNU_FORMAT)
        assert read_member(path, "two") == b"two"

    def test_what_is_not_there(self, tmp_path):
        path = self.write(tmp_path / "a.tar", ["one"])
        with pytest.raises(BadInput, match=r"a\.tar: has no member 'two'"):
            read_member(path, "two")
        with pytest.raises(BadInput, match=r"gone\.tar: cannot be read"):
            read_member(tmp_path / "gone.tar", "one")
        (tmp_path / "no.tar").write_bytes(b"no tar file" * 1000)
        with pytest.raises(BadInput, match=r"no\.tar: is no tar file"):
            read_member(tmp_path / "no.tar", "one")

    def test_a_file_that_was_cut_off(self, tmp_path):
        path = self.write(tmp_path / "a.tar", ["one", "y" * 90])
        path.write_bytes(path.read_bytes()[: 3 * 512 + 20])
        with pytest.raises(BadInput, match="ends within member"):
            read_member(path, "y" * 90)

    def test_more_files_than_stay_open(self, tmp_path):
        paths = [self.write(tmp_path / f"{n}.tar", ["one", str(n)]) for n in range(80)]
        for _ in range(2):
            assert [read_member(path, str(n)) for n, path in enumerate(paths)] == [
                str(n).encode() for n in range(80)
            ]


def test_commands_take_a_pack_and_check_it(source, tmp_path):
    flexpad = str(Path(sys.executable).with_name("flexpad"))
    manifest.write(source, tmp_path / "source.csv")

    def run(*arguments):
        command = [flexpad, "pack", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    packed = run(tmp_path / "source.csv", tmp_path / "pack")
    assert packed.returncode == 0, packed.stderr
    assert "24 rows" in packed.stdout
    assert run(tmp_path / "pack" / "manifest.csv", "--verify").returncode == 0
    shutil.copy(tmp_path / "pack" / "shard-000000.tar", tmp_path / "pack" / "shard-000001.tar")
    damaged = run(tmp_path / "pack" / "manifest.csv", "--verify")
    assert damaged.returncode == 2
    assert "shard-000001.tar" in damaged.stderr
    nowhere = run(tmp_path / "source.csv")
    assert nowhere.returncode == 2
    assert "folder" in nowhere.stderr
