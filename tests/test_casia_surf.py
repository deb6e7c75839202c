"""CASIA-SURF in its three layouts, and rendered sets in the first of them."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from flexpad import readers
from flexpad.audit import audit
from flexpad.data import manifest
from flexpad.data.reading import ReadOptions
from flexpad.data.sampling import FrameSampling
from flexpad.readers import READERS
from flexpad.types import BadInput
from tests.trees.casia_surf import casia_surf, challenge, crop

LISTS = Path(__file__).resolve().parents[2] / "shared" / "lists" / "surf"
TRAIN_LIST = "CASIA_SURF/protocol/CASIA_SURF@p1_image_train.txt"
FIRST_VIDEO = "CASIA_SURF/Data/Training/real_part/CLKJ_AS0001/real.rssdk"


def read(root, **options):
    """The manifest of a data set that has to be without errors."""
    return readers.read("casia_surf", root, ReadOptions(**options))


def findings_of(root, **options):
    """Everything that was found, by kind."""
    found = READERS["casia_surf"].read(root, ReadOptions(**options)).findings
    return {problem.kind: problem for problem in found}, found.dropped


def refusal_of(root):
    with pytest.raises(BadInput) as caught:
        read(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edit_first_line(path, old, new):
    first, rest = path.read_text().split("\n", 1)
    assert old in first
    path.write_text(first.replace(old, new) + "\n" + rest)


def test_a_row_says_what_the_path_says(tmp_path):
    found = read(casia_surf(tmp_path))
    first, attack = found.rows[0], found.rows[2]
    assert first == manifest.Row(
        sample_id="train/CLKJ_AS0001/bonafide/0002",
        dataset="casia_surf",
        split="train",
        subject_id="CLKJ_AS0001",
        video_id="CLKJ_AS0001/bonafide",
        frame=2,
        label="bonafide",
        rgb=f"{FIRST_VIDEO}/color/0002.jpg",
        depth=f"{FIRST_VIDEO}/depth/0002.jpg",
        ir=f"{FIRST_VIDEO}/ir/0002.jpg",
        depth_encoding="8bit:casia_surf",
        ir_encoding="8bit:casia_surf",
    )
    assert attack.sample_id == "train/CLKJ_AS0001/04_en_b/0002"
    assert (attack.label, attack.pai_species) == ("attack", "04_en_b")
    assert Counter(row.split for row in found) == {"train": 12, "dev": 12, "test": 12}


def test_the_header_says_where_rows_come_from(tmp_path):
    found = read(casia_surf(tmp_path))
    assert found.root == tmp_path.resolve()
    digest = manifest.sha256(tmp_path / TRAIN_LIST)
    assert found.header["list_train"] == f"{TRAIN_LIST} sha256 {digest}"
    assert found.header["reader"] == f"casia_surf {READERS['casia_surf'].version}"
    assert found.header["layout"] == "author"
    assert "academic agreement" in found.header["licence"]
    assert "faces" not in found.header
    assert [found.header[f"absent_{name}"] for name in ("rgb", "depth", "ir")] == ["0", "0", "0"]


@pytest.mark.parametrize("inside", ["CASIA_SURF", "."])
def test_the_root_may_be_the_folder_itself(tmp_path, inside):
    root = casia_surf(tmp_path)
    assert read(root / inside).rows == read(root).rows


def test_video_lists_take_every_frame_in_the_order_of_its_number(tmp_path):
    found = read(casia_surf(tmp_path, image_lists=False, frames=(9999, 10000)))
    assert [row.frame for row in found.rows[:4]] == [9999, 10000, 9999, 10000]
    assert "p1_video_train" in found.header["list_train"]
    assert len(found) == 36


@pytest.mark.parametrize(("mode", "frames"), [("list", {2}), ("all", {2, 10})])
def test_an_image_list_takes_only_the_frames_it_names(tmp_path, mode, frames):
    root = casia_surf(tmp_path)
    path = root / TRAIN_LIST
    path.write_text("".join(path.read_text().splitlines(keepends=True)[::2]))
    found = read(root, frames=FrameSampling(mode))
    assert {row.frame for row in found if row.split == "train"} == frames


@pytest.mark.parametrize("switches", [{}, {"image_lists": False}], ids=["image", "video"])
@pytest.mark.parametrize(("folder", "cell"), [("color", "rgb"), ("depth", "depth"), ("ir", "ir")])
def test_a_missing_file_is_an_absent_modality_and_counted(tmp_path, switches, folder, cell):
    root = casia_surf(tmp_path, **switches)
    (root / FIRST_VIDEO / folder / "0010.jpg").unlink()
    found = read(root)
    assert [getattr(row, cell) == "" for row in found] == [False, True] + [False] * 34
    assert found.header[f"absent_{cell}"] == "1"
    assert sum(int(value) for key, value in found.header.items() if key.startswith("absent")) == 1
    if cell != "rgb":
        assert getattr(found.rows[1], f"{cell}_encoding") == ""
    assert len(read(root, incomplete="drop")) == 35
    assert findings_of(root, incomplete="drop")[1] == {"incomplete_item": 1}


def test_a_missing_folder_is_an_absent_modality_in_all_its_rows(tmp_path):
    root = casia_surf(tmp_path)
    shutil.rmtree(root / FIRST_VIDEO / "depth")
    assert read(root).header["absent_depth"] == "2"


def test_a_file_that_is_no_frame_is_counted_and_no_row(tmp_path):
    root = casia_surf(tmp_path, image_lists=False)
    (root / FIRST_VIDEO / "depth" / "0002_resized.jpg").write_bytes(b"")
    (root / FIRST_VIDEO / "ir" / "Thumbs.db").write_bytes(b"")
    assert findings_of(root)[0]["ignored_file"].count == 2
    assert read(root).header["warnings"] == "ignored_file 2"
    assert len(read(root)) == 36


def test_two_files_of_one_frame_are_refused(tmp_path):
    root = casia_surf(tmp_path)
    shutil.copy(root / FIRST_VIDEO / "depth/0002.jpg", root / FIRST_VIDEO / "depth/2.jpg")
    message = refusal_of(root)
    assert "depth/2.jpg: is frame 2, and so is" in message
    assert "depth/0002.jpg" in message


@pytest.mark.parametrize("image_lists", [True, False])
def test_an_item_without_any_image_is_refused(tmp_path, image_lists):
    root = casia_surf(tmp_path, images=False, image_lists=image_lists)
    what = "no frame 2 in any" if image_lists else "no frame in color, depth, ir"
    message = refusal_of(root)
    assert "_train.txt, line 1: " in message
    assert f"{FIRST_VIDEO} has {what}" in message
    assert findings_of(root)[1] == {"missing_item": 36 if image_lists else 18}


@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ("CASIA_SURF/Data", "CASIA/Data", "malformed_line", "should be CASIA_SURF/Data/<split>"),
        ("/color", "", "malformed_line", "should be CASIA_SURF/Data/<split>"),
        ("/color", "/depth", "malformed_line", "<species>/color, and a frame as 0015.jpg"),
        ("0002.jpg", "last.jpg", "malformed_line", "and a frame as 0015.jpg"),
        ("0002.jpg", "0002.txt", "malformed_line", "and a frame as 0015.jpg"),
        ("real_part", "other_part", "malformed_line", "<real_part or fake_part>"),
        ("CLKJ_AS0001", "", "malformed_line", "/<subject>/<species>"),
        ("Training", "Testing", "split_against_path", "train list, but its folder is Testing"),
        ("Training", "Elsewhere", "split_against_path", "list, but its folder is Elsewhere"),
        ("real_part", "fake_part", "malformed_line", "in fake_part, but its species is 'real'"),
        ("real.rssdk", "04_en_b.rssdk", "malformed_line", "real_part, but its species is '04"),
        (".jpg 0", ".jpg live", "malformed_line", "label 'live' should be 0 or 1"),
        ("CASIA_SURF/Data", "/CASIA_SURF/Data", "outside_path", "'/CASIA_SURF/Data/"),
    ],
)
def test_a_line_that_contradicts_itself_is_dropped_and_an_error(tmp_path, old, new, kind, message):
    root = casia_surf(tmp_path)
    edit_first_line(root / TRAIN_LIST, old, new)
    refusal = refusal_of(root)
    assert refusal.startswith(f"{root / TRAIN_LIST}, line 1: ")
    assert message in refusal
    assert findings_of(root)[1] == {kind: 1}


def test_a_label_that_contradicts_its_path_is_refused(tmp_path):
    refusal = refusal_of(casia_surf(tmp_path, flipped_labels=True))
    assert f"{tmp_path / TRAIN_LIST}, line 1: the label says attack, but the path" in refusal
    assert "swapped" not in refusal


def test_lists_of_the_other_polarity_are_told(tmp_path):
    root = casia_surf(tmp_path, swapped_lists=("train", "test"))
    problem = findings_of(root)[0]["label_against_path"]
    assert problem.count == 24
    assert "in every line: the two labels are swapped in this list" in problem.examples[0]


def test_a_frame_that_stands_twice_under_two_names_is_taken_once(tmp_path):
    root = casia_surf(tmp_path)
    path = root / TRAIN_LIST
    path.write_text(path.read_text() + f"{FIRST_VIDEO}/color/2.jpg 0\n")
    found, dropped = findings_of(root)
    assert "_train.txt, line 13: 2.jpg is frame 2 of" in found["repeated_line"].examples[0]
    assert dropped == {"repeated_line": 1}
    assert len(read(root)) == 36


@pytest.mark.parametrize("first", [True, False], ids=["whole first", "frames first"])
def test_a_list_that_names_a_video_both_whole_and_by_frames_is_refused(tmp_path, first):
    root = casia_surf(tmp_path)
    path = root / TRAIN_LIST
    whole = f"{FIRST_VIDEO}/color 0\n"
    path.write_text(whole + path.read_text() if first else path.read_text() + whole)
    line = 2 if first else 13
    assert f"_train.txt, line {line}: {FIRST_VIDEO} should be listed whole or" in refusal_of(root)


@pytest.mark.parametrize("kind", ["image", "video"])
def test_a_list_that_is_missing_beside_others_of_its_kind_is_refused(tmp_path, kind):
    root = casia_surf(tmp_path, image_lists=kind == "image")
    (root / f"CASIA_SURF/protocol/CASIA_SURF@p1_{kind}_dev.txt").unlink()
    assert f"CASIA_SURF@p1_{kind}_dev.txt: cannot be read" in refusal_of(root)


def test_another_folder_is_refused_and_told_what_is_looked_for(tmp_path):
    refusal = refusal_of(tmp_path)
    assert f"{tmp_path}: has no layout of casia_surf (author: author release" in refusal
    assert "train_list.txt" in refusal
    assert "CASIA-SURF-CROP and CASIA-SURF_CeFA_*.txt or S-*.txt" in refusal
    root = casia_surf(tmp_path)
    assert "has no layout of casia_surf" in refusal_of(root / "CASIA_SURF" / "Data")


def test_rendered_subjects_bring_their_attributes(tmp_path):
    found = read(casia_surf(tmp_path, rendered=True))
    assert {row.dataset for row in found} == {"synth_surf"}
    assert found.is_rendered
    assert {(row.depth_encoding, row.ir_encoding) for row in found} == {("8bit:synth",) * 2}
    assert found.rows[0].groups == {"ethnicity": "african", "age": "20"}
    assert {row.pai_species for row in found if row.split == "dev"} == {"", "01_e_s", "02_e_b"}
    assert found.header["faces"].startswith("rendered")
    assert found.header["licence"] == "rendered faces: none needed"
    digest = manifest.sha256(tmp_path / "CASIA_SURF/RENDERED.json")
    assert found.header["rendered"] == f"CASIA_SURF/RENDERED.json sha256 {digest}"


def test_an_interrupted_rendering_is_not_taken_for_people(tmp_path):
    message = refusal_of(casia_surf(tmp_path, rendering_interrupted=True))
    assert "subject 'SYNT_RS0001' is rendered, but" in message
    assert "RENDERED.json is missing; the rendering was interrupted, run it again" in message


def test_a_subject_that_was_not_rendered_is_refused_among_rendered_ones(tmp_path):
    root = casia_surf(tmp_path, rendered=True)
    path = root / "CASIA_SURF/RENDERED.json"
    subjects = json.loads(path.read_text())["subjects"]
    del subjects["SYNT_RS0001"]
    path.write_text(json.dumps({"subjects": subjects}))
    assert "subject 'SYNT_RS0001' is not in" in refusal_of(root)


def test_attributes_that_are_no_word_or_number_are_left_out(tmp_path):
    root = casia_surf(tmp_path, rendered=True)
    path = root / "CASIA_SURF/RENDERED.json"
    subjects = json.loads(path.read_text())["subjects"]
    odd = {"sex": "female", "tone": 0.25, "bearded": True, "list": [1], "none": None, "map": {}}
    path.write_text(json.dumps({"subjects": dict.fromkeys(subjects, odd)}))
    groups = read(root).rows[0].groups
    assert groups == {"sex": "female", "tone": "0.25", "bearded": "True"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "should hold the attributes of each of its 'subjects'; render again"),
        ("[]", "should hold the attributes"),
        ('{"people": {}}', "should hold the attributes"),
        ('{"subjects": []}', "should hold the attributes"),
        ('{"subjects": {"SYNT_RS0001": "x"}}', "should hold the attributes"),
        ('{"subjects": {}}', "names no subjects; render again"),
    ],
)
def test_a_broken_rendered_json_is_refused(tmp_path, text, message):
    root = casia_surf(tmp_path, rendered=True)
    path = root / "CASIA_SURF/RENDERED.json"
    path.write_text(text)
    refusal = refusal_of(root)
    assert refusal.startswith(str(path))
    assert message in refusal


class TestChallenge:
    """The 2019 challenge: validation and test name no subject and no species."""

    def test_training_says_what_the_path_says(self, tmp_path):
        row = read(challenge(tmp_path)).rows[2]
        video = "Training/fake_part/CLKJ_AS0001/04_en_b.rssdk"
        assert (row.sample_id, row.label) == ("train/CLKJ_AS0001/04_en_b/0002", "attack")
        assert (row.rgb, row.ir) == (f"{video}/color/2.jpg", f"{video}/ir/2.jpg")

    def test_every_item_of_validation_is_a_subject_of_its_own(self, tmp_path):
        found = [row for row in read(challenge(tmp_path)) if row.split == "dev"]
        assert found[1] == manifest.Row(
            sample_id="dev/Val/0000/000001/0000",
            dataset="casia_surf",
            split="dev",
            subject_id="Val/0000/000001",
            video_id="Val/0000/000001",
            frame=0,
            label="attack",
            pai_species="unknown",
            rgb="Val/0000/000001-color.jpg",
            depth="Val/0000/000001-depth.jpg",
            ir="Val/0000/000001-ir.jpg",
            depth_encoding="8bit:casia_surf",
            ir_encoding="8bit:casia_surf",
        )
        assert [row.label for row in found] == ["bonafide", "attack", "attack"] * 2
        assert len({row.subject_id for row in found}) == 6

    def test_what_the_release_does_not_tell_is_said(self, tmp_path):
        found, dropped = findings_of(challenge(tmp_path))
        counts = {kind: problem.count for kind, problem in found.items()}
        assert counts == {"unknown_subject": 12, "unknown_species": 8}
        assert dropped == {}

    def test_a_list_without_labels_gives_no_rows_and_is_counted(self, tmp_path):
        root = challenge(tmp_path, labelled=("dev",))
        found, dropped = findings_of(root)
        assert dropped == {"unlabelled_line": 6}
        assert "test_public_list.txt: has no labels; test needs test_private_list.txt" in str(
            found["unlabelled_line"]
        )
        assert {row.split for row in read(root)} == {"train", "dev"}

    def test_a_split_without_any_list_is_said(self, tmp_path):
        root = challenge(tmp_path, labelled=("dev",))
        (root / "test_public_list.txt").unlink()
        example = findings_of(root)[0]["missing_list"].examples[0]
        assert example == f"{root / 'test_private_list.txt'}: test has no rows"

    def test_columns_are_told_by_name_in_validation_too(self, tmp_path):
        root = challenge(tmp_path / "data")
        path = root / "val_private_list.txt"
        lines = [line.split() for line in path.read_text().splitlines()]
        path.write_text("".join(f"{c} {i} {d} {label}\n" for c, d, i, label in lines))
        assert findings_of(root)[0]["swapped_columns"].count == 6
        assert read(root).rows == read(challenge(tmp_path / "plain")).rows

    def test_a_missing_image_of_validation_is_absent(self, tmp_path):
        root = challenge(tmp_path)
        (root / "Val/0000/000002-ir.jpg").unlink()
        (row,) = (row for row in read(root) if not row.ir)
        assert (row.video_id, row.ir_encoding) == ("Val/0000/000002", "")
        for name in ("color", "depth"):
            (root / f"Val/0000/000002-{name}.jpg").unlink()
        assert "line 3: Val/0000/000002 has no image" in refusal_of(root)

    def test_a_folder_that_is_missing_is_refused(self, tmp_path):
        root = challenge(tmp_path)
        shutil.rmtree(root / "Testing")
        assert "test_private_list.txt, line 1: Testing/0000/000000 has no image" in refusal_of(root)
        assert len(READERS["casia_surf"].read(root, ReadOptions(lists_only=True)).manifest) == 24

    def test_a_line_of_another_split_is_refused(self, tmp_path):
        root = challenge(tmp_path)
        shutil.copy(root / "test_private_list.txt", root / "val_private_list.txt")
        assert "stands in the dev list, but is not in Val" in refusal_of(root)

    def test_an_item_that_stands_twice_is_refused(self, tmp_path):
        root = challenge(tmp_path)
        path = root / "val_private_list.txt"
        color, depth, ir, label = path.read_text().splitlines()[0].split()
        path.write_text(path.read_text() + f"{color} {ir} {depth} {label}\n")
        assert "line 7: Val/0000/000000 stands there twice" in str(
            findings_of(root)[0]["repeated_line"]
        )
        assert len(read(root)) == 24

    def test_an_image_copied_into_another_split_shows_by_its_content(self, tmp_path):
        root = challenge(tmp_path)
        shutil.copy(root / "Val/0000/000000-ir.jpg", root / "Testing/0000/000003-ir.jpg")
        found = audit("casia_surf", root, deep=True)
        (problem,) = (p for p in found.reading.findings if p.kind == "same_content")
        assert "Val/0000/000000-ir.jpg (dev) and Testing/0000/000003-ir.jpg (test)" in str(problem)


class TestCrop:
    """The crops of Flex-Modal and MMDG."""

    @pytest.mark.parametrize("mixed", [True, False], ids=["Flex-Modal", "MMDG"])
    def test_rows_are_of_a_data_set_of_their_own(self, tmp_path, mixed):
        found = read(crop(tmp_path, mixed=mixed))
        video = "CASIA-SURF-CROP/fake_part/fake_test_part/CLKJ_AS0201/03_en_s.rssdk"
        (row,) = (row for row in found if row.rgb == f"{video}/color/10.jpg")
        assert row.sample_id == "test/CLKJ_AS0201/03_en_s/0010"
        assert (row.dataset, row.label, row.split) == ("casia_surf_crop", "attack", "test")
        assert (row.depth, row.depth_encoding) == (f"{video}/depth/10.jpg", "8bit:casia_surf")
        assert len(found) == 36

    def test_lines_of_cefa_are_left_to_its_reader_and_counted(self, tmp_path):
        found, dropped = findings_of(crop(tmp_path, mixed=True))
        assert dropped == {"foreign_line": 3}
        assert "CeFA/CeFA-Race/AF" in found["foreign_line"].examples[0]

    def test_the_root_may_be_the_folder_of_the_crops(self, tmp_path):
        root = crop(tmp_path)
        assert read(root / "CASIA-SURF-CROP").rows == read(root).rows

    def test_lists_of_two_benchmarks_are_refused(self, tmp_path):
        root = crop(tmp_path)
        crop(tmp_path, mixed=True)
        refusal = refusal_of(root)
        assert f"has the lists {root}/S-*.txt and {root}/FlexModal_Protocols/CASIA-" in refusal
        assert refusal.endswith("CeFA_*.txt; keep those of one benchmark")

    def test_a_list_of_the_family_that_is_missing_is_refused(self, tmp_path):
        root = crop(tmp_path)
        (root / "S-val.txt").unlink()
        assert "S-val.txt: cannot be read" in refusal_of(root)

    def test_a_split_is_told_by_the_folder(self, tmp_path):
        root = crop(tmp_path)
        shutil.copy(root / "S-test.txt", root / "S-val.txt")
        assert "stands in the dev list, but its folder is test" in refusal_of(root)


def in_place(tmp_path):
    """The author lists where they belong, without any image."""
    (tmp_path / "CASIA_SURF").mkdir()
    (tmp_path / "CASIA_SURF" / "protocol").symlink_to(LISTS)
    return tmp_path


@pytest.mark.skipif(not LISTS.is_dir(), reason="the real list files are not beside this checkout")
class TestTheRealLists:
    """Counts of the author lists, https://github.com/liuajian/CASIA-FAS-Dataset."""

    def test_every_split_has_the_published_videos(self, tmp_path):
        found = READERS["casia_surf"].read(in_place(tmp_path), ReadOptions(lists_only=True))
        assert list(found.findings) == []
        rows = found.manifest.rows
        assert Counter((row.split, row.pai_species) for row in rows) == {
            **{("train", species): 300 for species in ("", "04_en_b", "05_enm_s", "06_enm_b")},
            **{("dev", species): 100 for species in ("", "01_e_s", "02_e_b", "03_en_s")},
            ("test", ""): 600,
            ("test", "01_e_s"): 599,
            ("test", "02_e_b"): 594,
            ("test", "03_en_s"): 598,
        }
        assert Counter(row.split for row in rows) == {"train": 1200, "dev": 400, "test": 2391}
        assert len({row.video_id for row in rows}) == len(rows)
        subjects = {split: set() for split in ("train", "dev", "test")}
        for row in rows:
            subjects[row.split].add(row.subject_id)
        assert [len(found) for found in subjects.values()] == [300, 100, 600]
        assert len(set.union(*subjects.values())) == 1000

    def test_an_audit_finds_nothing_wrong_with_them(self, tmp_path):
        found = audit("casia_surf", in_place(tmp_path), ReadOptions(lists_only=True), "surf@1")
        assert list(found.reading.findings) == []
        assert not any(count.differs("videos") for count in found.counts)

    def test_a_list_given_for_another_split_is_refused(self, tmp_path):
        folder = tmp_path / "CASIA_SURF" / "protocol"
        shutil.copytree(LISTS, folder)
        name = "CASIA_SURF@p1_video_{}.txt".format
        shutil.copy(folder / name("test"), folder / name("dev"))
        found, dropped = findings_of(tmp_path, lists_only=True)
        assert found["split_against_path"].count == 2391
        assert dropped == {"split_against_path": 2391}
