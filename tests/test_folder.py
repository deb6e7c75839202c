"""A user's own data: a folder tree, a CSV, and the templates of both."""

import csv
import shutil

import pytest

from flexpad import readers
from flexpad.audit import audit
from flexpad.data import manifest, protocols
from flexpad.data.reading import ReadOptions
from flexpad.data.sampling import FrameSampling
from flexpad.readers import READERS
from flexpad.readers.folder import template
from flexpad.types import BadInput
from tests.trees.folder import DRESS, table, tree
from tests.trees.writing import write_image

FIRST = "train/bonafide/ada/1"


def read(root, **options):
    return readers.read("folder", root, ReadOptions(**options))


def findings_of(root, **options):
    """Everything that was found, by kind, and what was dropped."""
    found = READERS["folder"].read(root, ReadOptions(**options)).findings
    return {problem.kind: problem for problem in found}, found.dropped


def refusal_of(root, **options):
    with pytest.raises(BadInput) as caught:
        read(root, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestTree:
    """``<split>/<species>/<subject>/<video>/<frame>.<modality>.<extension>``."""

    def test_a_row_says_what_the_folders_say(self, tmp_path):
        found = read(tree(tmp_path / "data"))
        assert found.rows[0] == manifest.Row(
            sample_id="train/ada/bonafide/1/0002",
            dataset="folder",
            split="train",
            subject_id="ada",
            video_id="ada/bonafide/1",
            frame=2,
            label="bonafide",
            rgb=f"{FIRST}/0002.rgb.jpg",
            depth=f"{FIRST}/0002.depth.png",
            ir=f"{FIRST}/0002.ir.png",
        )
        attack = found.rows[4]
        assert (attack.label, attack.pai_species) == ("attack", "flat_print")
        assert [row.frame for row in found.rows[:4]] == [2, 10, 2, 10]
        assert len(found) == 36
        assert protocols.apply("folder@1", found).rows == found.rows

    @pytest.mark.parametrize("word", ["real", "Live", "bona_fide", "Bonafide", "genuine"])
    def test_a_species_that_means_bona_fide_is_refused_and_no_attack(self, tmp_path, word):
        root = tree(tmp_path / "data")
        (root / "train/bonafide").rename(root / "train" / word)
        assert f"train/{word} (1 species that are called like bona fide" in refusal_of(root)
        assert findings_of(root)[1] == {"ambiguous_species": 1}

    def test_a_species_may_begin_with_such_a_word(self, tmp_path):
        root = tree(tmp_path / "data")
        (root / "train/flat_print").rename(root / "train/real_size_print")
        assert "real_size_print" in {row.pai_species for row in read(root)}

    def test_a_split_that_is_none_is_said(self, tmp_path):
        root = tree(tmp_path / "data")
        (root / "dev").rename(root / "val")
        found, _ = findings_of(root)
        assert found["ignored_folder"].examples == ("val: is none of train, dev, test",)
        assert {row.split for row in read(root)} == {"train", "test"}

    def test_what_lies_elsewhere_is_counted(self, tmp_path):
        root = tree(tmp_path / "data")
        (root / "README.txt").write_text("no image")
        write_image(root / "train/0001.rgb.png", "RGB")
        write_image(root / FIRST / "0001.png", "RGB")
        write_image(root / FIRST / "0001.nir.png", "L")
        (root / FIRST / "notes.txt").write_text("")
        (root / FIRST / "deeper").mkdir()
        (root / "train/.thumbnails/a/b").mkdir(parents=True)
        found, dropped = findings_of(root)
        assert {kind: problem.count for kind, problem in found.items()} == {
            "ignored_file": 4,
            "ignored_folder": 2,
        }
        assert dropped == {}
        assert len(read(root)) == 36

    def test_two_files_of_one_frame_are_refused(self, tmp_path):
        root = tree(tmp_path / "data")
        write_image(root / FIRST / "2.rgb.png", "RGB")
        assert f"{FIRST}/2.rgb.png: is frame 2, and so is {FIRST}/0002.rgb.jpg" in refusal_of(root)

    def test_a_video_without_images_is_refused(self, tmp_path):
        root = tree(tmp_path / "data")
        (root / "test/flat_print/eda/empty").mkdir()
        assert "test/flat_print/eda/empty: has no <frame>.<modality>" in refusal_of(root)

    def test_thermal_is_kept_but_is_not_enough(self, tmp_path):
        root = tree(tmp_path / "data")
        write_image(root / FIRST / "0002.thermal.png", "L")
        assert read(root).rows[0].thermal == f"{FIRST}/0002.thermal.png"
        write_image(root / "dev/bonafide/dov/warm/0001.thermal.png", "L")
        assert "dov/warm: has no <frame>.<modality>" in refusal_of(root)

    def test_evenly_spread_frames_are_those_every_modality_has(self, tmp_path):
        root = tree(tmp_path / "data")
        for frame in range(20, 25):
            write_image(root / FIRST / f"{frame}.rgb.jpg", "RGB")
        found = read(root, frames=FrameSampling("even", 2))
        assert [row.frame for row in found if row.video_id == "ada/bonafide/1"] == [2, 10]

    def test_a_tree_has_no_lists(self, tmp_path):
        assert "a folder tree has no lists" in refusal_of(tree(tmp_path / "data"), lists_only=True)

    def test_a_rendered_subject_is_not_taken_for_a_person(self, tmp_path):
        root = tree(tmp_path / "data")
        (root / "train/bonafide/ada").rename(root / "train/bonafide/SYNT_RS0001")
        assert "subject 'SYNT_RS0001' is rendered, but" in refusal_of(root)


class TestEncoding:
    """Raw depth is used only if somebody says what it means."""

    RAW = {"rgb": "RGB", "depth": "I;16", "ir": "L"}  # noqa: RUF012 - never changed

    def test_raw_depth_without_an_encoding_is_refused(self, tmp_path):
        found = audit("folder", tree(tmp_path / "data", modes=self.RAW))
        with pytest.raises(BadInput, match=r"0002\.depth\.png: has more than 8 bits, and no enc"):
            found.manifest()

    def test_an_option_gives_it(self, tmp_path):
        options = ReadOptions(depth_encoding="mm:300-1500")
        found = audit("folder", tree(tmp_path / "data", modes=self.RAW), options).manifest()
        assert {(row.depth_encoding, row.ir_encoding) for row in found} == {("mm:300-1500", "")}

    @pytest.mark.parametrize("encoding", ["mm:300-1500", "mad:6", "limits:0-4095"])
    def test_8_bits_are_never_taken_for_raw_values(self, tmp_path, encoding):
        options = ReadOptions(depth_encoding=encoding)
        found = audit("folder", tree(tmp_path / "data"), options)
        with pytest.raises(BadInput, match=f"has 8 bits, but {encoding} is for raw values"):
            found.manifest()

    def test_an_origin_may_be_given_to_8_bits(self, tmp_path):
        options = ReadOptions(depth_encoding="8bit:kiosk", ir_encoding="8bit:kiosk")
        found = audit("folder", tree(tmp_path / "data"), options).manifest()
        assert {row.ir_encoding for row in found} == {"8bit:kiosk"}

    def test_what_is_no_encoding_is_refused(self, tmp_path):
        assert "encoding 'metres'" in refusal_of(tree(tmp_path / "d"), depth_encoding="metres")

    def test_an_absent_modality_has_none(self, tmp_path):
        root = tree(tmp_path / "data", missing_modality=True)
        found = read(root, depth_encoding="8bit:kiosk")
        assert [row.depth_encoding for row in found.rows[:2]] == ["", "8bit:kiosk"]

    def test_what_the_data_set_tells_itself_cannot_be_overruled(self, tmp_path):
        root = table(tmp_path / "data")
        edit(root, lambda rows: [row | {"depth_encoding": "8bit:a"} for row in rows])
        refusal = refusal_of(root, depth_encoding="8bit:b")
        assert "no depth image is without an encoding; drop --depth-encoding" in refusal


def edit(root, change):
    """Read the CSV, change its rows, write it."""
    path = root / "items.csv"
    with path.open(newline="") as lines:
        rows = change(list(csv.DictReader(lines)))
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def edit_first(root, **cells):
    edit(root, lambda rows: [rows[0] | cells, *rows[1:]])


def drop_columns(root, *names):
    edit(root, lambda rows: [{c: row[c] for c in row if c not in names} for row in rows])


class TestCsv:
    """``items.csv``: the columns of a manifest, or the few that are needed."""

    def test_a_row_says_what_the_cells_say(self, tmp_path):
        found = read(table(tmp_path / "data"))
        assert found.rows[0] == manifest.Row(
            sample_id="train/ada/bonafide/1/0002",
            dataset="folder",
            split="train",
            subject_id="ada",
            video_id="ada/bonafide/1",
            frame=2,
            label="bonafide",
            rgb=f"images/{FIRST}/0002.rgb.jpg",
            depth=f"images/{FIRST}/0002.depth.png",
            ir=f"images/{FIRST}/0002.ir.png",
            groups={"device": "camera 0"},
        )
        assert found.header["list"].startswith("items.csv sha256 ")
        assert protocols.apply("folder@1", found).rows == found.rows

    def test_the_tree_and_the_csv_give_the_same_items(self, tmp_path):
        items = [
            [(row.sample_id, row.split, row.label, row.pai_species) for row in read(root)]
            for root in (tree(tmp_path / "tree"), table(tmp_path / "table"))
        ]
        assert sorted(items[0]) == sorted(items[1])

    def test_a_manifest_without_root_is_such_a_csv(self, tmp_path):
        root = table(tmp_path / "data")
        whole = read(root)
        manifest.write(whole, root / "items.csv")
        assert "names a root, so it is a manifest" in refusal_of(root)
        lines = (root / "items.csv").read_text().splitlines(keepends=True)
        (root / "items.csv").write_text("".join(li for li in lines if not li.startswith("# root")))
        assert read(root).rows == whole.rows

    @pytest.mark.parametrize("dress", DRESS)
    def test_spreadsheets_may_dress_it_as_they_do(self, tmp_path, dress):
        root = table(tmp_path / "data", **{dress: True})
        assert findings_of(root) == ({}, {})
        assert read(root).rows == read(table(tmp_path / "plain")).rows

    def test_few_columns_are_needed(self, tmp_path):
        root = table(tmp_path / "data")
        drop_columns(root, "species", "frame", "group_device", "depth", "ir")
        edit(root, lambda rows: [r | {"video": f"{r['rgb'].split('/')[2]}"} for r in rows])
        found, dropped = findings_of(root)
        assert found["unknown_species"].count == 24
        assert dropped == {}
        rows = read(root).rows
        assert [row.frame for row in rows[:4]] == [0, 1, 0, 1]
        assert {row.pai_species for row in rows} == {"", "unknown"}
        assert rows[2].video_id == "ada/unknown/flat_print"

    @pytest.mark.parametrize("column", ["split", "label", "subject", "video"])
    def test_a_column_that_is_needed_is_missed(self, tmp_path, column):
        root = table(tmp_path / "data")
        drop_columns(root, column)
        assert "items.csv: column '" + column in refusal_of(root)

    def test_some_path_is_needed(self, tmp_path):
        root = table(tmp_path / "data")
        drop_columns(root, "rgb", "depth", "ir")
        assert "items.csv: has none of the columns rgb, depth, ir" in refusal_of(root)

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            ("labl", "column 'labl' is unknown; did you mean 'label'?"),
            ("device", "or call it group_device"),
            ("subject_id", "column 'subject_id' stands there as 'subject' too; keep one"),
        ],
    )
    def test_a_column_that_nobody_knows_is_refused(self, tmp_path, column, message):
        root = table(tmp_path / "data")
        edit(root, lambda rows: [row | {column: "x"} for row in rows])
        assert message in refusal_of(root)

    @pytest.mark.parametrize(
        ("cells", "kind", "message"),
        [
            ({"split": "val"}, "malformed_line", "split 'val' should be one of train, dev, test"),
            ({"label": "1"}, "malformed_line", "label '1' should be bonafide or attack"),
            ({"label": "live"}, "malformed_line", "label 'live' should be"),
            ({"subject": ""}, "malformed_line", "subject and video have to be given"),
            ({"video": ""}, "malformed_line", "subject and video have to be given"),
            ({"frame": "-1"}, "malformed_line", "frame '-1' should be a whole number"),
            ({"frame": ""}, "malformed_line", "frame '' should be a whole number"),
            ({"species": "flat_print"}, "malformed_line", "is bona fide, but has the species"),
            ({"label": "attack", "species": "Real"}, "ambiguous_species", "of the species 'Real'"),
            ({"rgb": "/x/0002.rgb.jpg"}, "outside_path", "'/x/0002.rgb.jpg'"),
            ({"ir": "a/../../0002.ir.png"}, "outside_path", "'a/../../0002.ir.png'"),
            ({"rgb": "a\\0002.rgb.jpg"}, "outside_path", r"'a\\0002.rgb.jpg'"),
            ({"ir": f"images/{FIRST}/0002.depth.png"}, "modality_against_folder", "column ir"),
            ({"ir": f"images/{FIRST}/0010.ir.png"}, "frame_mismatch", "are not of one frame"),
            ({"rgb": "", "depth": "", "ir": ""}, "missing_item", "has no image of rgb, depth or"),
            ({"rgb": "no.jpg", "depth": "no/no", "ir": ""}, "missing_item", "has no image of"),
        ],
    )
    def test_a_row_that_cannot_be_used_is_an_error(self, tmp_path, cells, kind, message):
        root = table(tmp_path / "data")
        edit_first(root, **cells)
        found, dropped = findings_of(root)
        assert set(found) == {kind}
        assert dropped == {kind: 1}
        assert found[kind].examples[0].startswith(f"{root / 'items.csv'}, row 1: ")
        assert message in found[kind].examples[0]
        assert "row 1: " in refusal_of(root)

    def test_rows_of_one_video_are_of_one_kind(self, tmp_path):
        root = table(tmp_path / "data")
        edit(root, lambda rows: [{**row, "video_id": row["video"]} for row in rows])
        drop_columns(root, "video")
        found, _ = findings_of(root)
        assert "row 3: label 'attack', but another row of video '1' has 'bonafide'" in str(
            found["malformed_line"]
        )

    def test_a_frame_stands_once_in_its_video(self, tmp_path):
        root = table(tmp_path / "data")
        edit(root, lambda rows: [rows[0], rows[1] | {"frame": "2"}, *rows[2:]])
        assert "row 2: video 'ada/bonafide/1' has a frame 2 already" in refusal_of(root)

    @pytest.mark.parametrize(
        ("cells", "kind"),
        [({}, "repeated_line"), ({"label": "attack", "species": "x"}, "line_against_line")],
    )
    def test_the_same_images_stand_once(self, tmp_path, cells, kind):
        root = table(tmp_path / "data")
        edit(root, lambda rows: [*rows, rows[0] | cells])
        found, dropped = findings_of(root)
        assert dropped == {kind: 1}
        assert f"row 37: has the images of {root / 'items.csv'}, row 1" in str(found[kind])

    def test_a_path_of_a_file_that_is_gone_is_absent(self, tmp_path):
        root = table(tmp_path / "data")
        (root / f"images/{FIRST}/0002.ir.png").unlink()
        assert read(root).rows[0].ir == ""
        assert findings_of(root)[0]["missing_modality"].count == 1

    def test_lists_only_looks_for_no_file(self, tmp_path):
        root = table(tmp_path / "data")
        shutil.rmtree(root / "images")
        found = READERS["folder"].read(root, ReadOptions(lists_only=True))
        assert (len(found.manifest), list(found.findings)) == (36, [])

    def test_evenly_spread_frames(self, tmp_path):
        found = read(table(tmp_path / "data"), frames=FrameSampling("even", 1))
        assert [row.frame for row in found] == [2] * 18
        assert found.header["frames"] == "even, 1 a video"

    def test_the_licence_of_the_file_is_kept(self, tmp_path):
        root = table(tmp_path / "data")
        path = root / "items.csv"
        path.write_text("# licence: ours alone\n" + path.read_text())
        assert read(root).header["licence"] == "ours alone"

    def test_another_data_set_and_boxes_and_encodings_are_taken_over(self, tmp_path):
        root = table(tmp_path / "data")
        more = {"dataset": "kiosk", "box": "0 0 8 8", "ir_encoding": "8bit:kiosk"}
        edit(root, lambda rows: [row | more for row in rows])
        row = read(root).rows[0]
        assert (row.dataset, row.box, row.ir_encoding) == ("kiosk", "0 0 8 8", "8bit:kiosk")
        edit(root, lambda rows: [row | {"box": "8 8 0 0"} for row in rows])
        assert "row 'train/ada/bonafide/1/0002': box '8 8 0 0' should be" in refusal_of(root)

    @pytest.mark.parametrize("content", ["", "split,label,subject,video,rgb\n"])
    def test_an_empty_file_is_refused(self, tmp_path, content):
        (tmp_path / "items.csv").write_text(content)
        assert str(tmp_path / "items.csv") in refusal_of(tmp_path)


class TestTemplate:
    """What a user starts from."""

    @pytest.mark.parametrize("kind", ["tree", "csv"])
    @pytest.mark.parametrize("there", [True, False])
    def test_it_names_every_split_and_nothing_of_it_is_data(self, tmp_path, kind, there):
        root = tmp_path / "mine"
        if there:
            root.mkdir()
        template.write_template(root, kind)
        assert f"flexpad data folder {root}" in (root / "README.txt").read_text()
        assert not (tmp_path / "mine.partial").exists()
        found, dropped = findings_of(root)
        assert (set(found), dropped) == ({"missing_item"}, {"missing_item": 6})
        assert READERS["folder"].detect(root)[0].name == kind

    @pytest.mark.parametrize("kind", ["tree", "csv"])
    def test_filled_it_is_a_data_set(self, tmp_path, kind):
        root = tmp_path / "mine"
        template.write_template(root, kind)
        if kind == "csv":
            with (root / "items.csv").open(newline="") as lines:
                paths = [row[m] for row in csv.DictReader(lines) for m in ("rgb", "depth", "ir")]
        else:
            folders = [path for path in root.glob("*/*/*/*") if path.is_dir()]
            names = ("0001.rgb.jpg", "0001.depth.png", "0001.ir.png")
            paths = [folder / name for folder in folders for name in names]
        for path in map(root.joinpath, paths):
            mode = {"rgb": "RGB", "depth": "I;16", "ir": "L"}[path.name.split(".")[1]]
            write_image(path, mode)
        options = ReadOptions(depth_encoding="mm:300-1500" if kind == "tree" else "")
        found = audit("folder", root, options, "folder@1", deep=True)
        assert list(found.reading.findings) == []
        assert len(found.manifest()) == 6

    def test_a_folder_with_something_in_it_is_left_alone(self, tmp_path):
        (tmp_path / "note").write_text("mine")
        with pytest.raises(BadInput, match="is not an empty folder; choose another one"):
            template.write_template(tmp_path)
        with pytest.raises(BadInput, match="note: is not an empty folder"):
            template.write_template(tmp_path / "note")
        assert [path.name for path in tmp_path.iterdir()] == ["note"]

    def test_what_cannot_be_written_leaves_nothing(self, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(template, "_fill", full)
        with pytest.raises(BadInput, match="mine: cannot be written \\(No space left"):
            template.write_template(tmp_path / "mine")
        assert list(tmp_path.iterdir()) == []
