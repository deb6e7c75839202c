"""Which rows are used for what, and that no split knows another."""

from dataclasses import replace
from pathlib import Path

import pytest

from flexpad.data import protocol
from flexpad.data.manifest import Manifest, Row
from flexpad.readers import casia_surf
from flexpad.types import BadInput
from tests import trees

LISTS = Path(__file__).resolve().parents[2] / "shared" / "lists" / "surf"


def pair(split, species, dataset="casia_surf"):
    """A bona fide and an attack of one subject of a split."""
    rows = []
    for what in ("", species):
        name = f"{split}/{what or 'bonafide'}"
        rows.append(
            Row(
                sample_id=name,
                dataset=dataset,
                split=split,
                subject_id=f"s-{split}",
                video_id=name,
                frame=0,
                label="attack" if what else "bonafide",
                pai_species=what,
                rgb=f"{name}/color/0.jpg",
                depth=f"{name}/depth/0.jpg",
            )
        )
    return rows


def rows(**changes_by_sample):
    """Six rows that obey surf@1, with changes to some of them."""
    made = [*pair("train", "04_en_b"), *pair("dev", "01_e_s"), *pair("test", "02_e_b")]
    changes = {name.replace("__", "/"): values for name, values in changes_by_sample.items()}
    assert changes.keys() <= {row.sample_id for row in made}
    return tuple(replace(row, **changes.get(row.sample_id, {})) for row in made)


def surf(chosen):
    return Manifest(Path("data"), tuple(chosen), {"reader": "x"}, "made up")


def refusal_of(chosen, name="surf@1"):
    with pytest.raises(BadInput) as caught:
        protocol.apply(name, surf(chosen))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_surf_1_takes_the_rows_as_listed_and_says_so():
    used = protocol.apply("surf@1", surf(rows()))
    assert used.rows == rows()
    assert used.header == {"reader": "x", "protocol": "surf@1"}
    assert protocol.apply("surf@1", used) == used


@pytest.mark.parametrize("species", ["04_en_b", "05_enm_s", "06_enm_b"])
def test_surf_1_trains_on_the_last_three_cuts_only(species):
    protocol.apply("surf@1", surf(rows(train__04_en_b={"pai_species": species})))
    refusal = refusal_of(rows(dev__01_e_s={"pai_species": species}))
    assert refusal == (
        f"made up: row 'dev/01_e_s': species '{species}' is none of 01_e_s, 02_e_b, 03_en_s,"
        " which surf@1 has in dev (1 such row)"
    )


@pytest.mark.parametrize("species", ["01_e_s", "02_e_b", "03_en_s"])
def test_surf_1_tests_on_the_first_three_cuts_only(species):
    protocol.apply("surf@1", surf(rows(test__02_e_b={"pai_species": species})))
    refusal = refusal_of(rows(train__04_en_b={"pai_species": species}))
    assert f"row 'train/04_en_b': species '{species}' is none of 04_en_b, 05_enm_s" in refusal


def test_surf_1_refuses_a_species_the_set_does_not_have():
    assert "species 'flat_print' is none of" in refusal_of(
        rows(test__02_e_b={"pai_species": "flat_print"})
    )


def test_surf_1_takes_every_species_of_a_rendered_set_in_every_split():
    rendered = [
        row
        for split in ("train", "dev", "test")
        for row in pair(split, "flat_print", dataset="synth_surf")
    ]
    assert protocol.apply("surf@1", surf(rendered)).rows == tuple(rendered)


def test_an_unknown_protocol_gets_the_one_that_was_meant():
    assert refusal_of(rows(), "srf@1") == "protocol 'srf@1' is unknown; did you mean 'surf@1'?"


def test_another_data_set_is_refused():
    assert refusal_of(rows(test__bonafide={"dataset": "wmca"})) == (
        "made up: protocol 'surf@1' is for casia_surf or synth_surf, not for 'wmca'"
    )


def test_rendered_and_real_faces_do_not_mix():
    assert "mixes rendered faces with real ones" in refusal_of(
        rows(test__bonafide={"dataset": "synth_surf"})
    )


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_every_split_is_needed(split):
    without = [row for row in rows() if row.split != split]
    assert refusal_of(without) == f"made up: has no rows with split '{split}'"


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("label", ["bonafide", "attack"])
def test_both_classes_are_needed_in_every_split(split, label):
    without = [row for row in rows() if (row.split, row.label) != (split, label)]
    assert refusal_of(without) == f"made up: split '{split}' has no {label} rows"


def test_a_subject_in_two_splits_is_refused():
    refusal = refusal_of(rows(test__bonafide={"subject_id": "s-train"}))
    assert "subject 's-train' stands in train and test (1 subject overlap" in refusal


def test_overlaps_are_counted():
    shared = rows(
        dev__01_e_s={"subject_id": "s-train"},
        test__02_e_b={"subject_id": "s-train"},
        test__bonafide={"subject_id": "s-dev"},
    )
    refusal = refusal_of(shared)
    assert "subject 's-train' stands in train and dev and test (2 subjects overlap)" in refusal


def test_a_video_in_two_splits_is_refused():
    refusal = refusal_of(rows(dev__01_e_s={"video_id": "train/04_en_b"}))
    assert "video 'train/04_en_b' stands in train and dev (1 video overlap" in refusal


@pytest.mark.parametrize(
    ("path", "shared"),
    [
        ("train/bonafide/depth/0.jpg", "train/bonafide/depth/0.jpg"),
        ("train/./bonafide//depth/0.jpg", "train/bonafide/depth/0.jpg"),
    ],
)
def test_a_file_in_two_splits_is_refused_however_it_is_spelled(path, shared):
    refusal = refusal_of(rows(dev__bonafide={"depth": path}))
    assert f"file '{shared}' stands in train and dev (1 file overlap" in refusal


def test_frames_of_one_hdf5_file_are_one_file():
    refusal = refusal_of(
        rows(
            dev__bonafide={"ir": "a.hdf5::Frame_1[2]"}, test__bonafide={"ir": "a.hdf5::Frame_7[2]"}
        )
    )
    assert "file 'a.hdf5' stands in dev and test" in refusal


def test_the_same_id_in_two_data_sets_is_not_the_same_subject():
    protocol.check_overlap(
        surf(
            rows(
                dev__bonafide={"dataset": "casia_cefa", "subject_id": "s-train"},
                dev__01_e_s={"dataset": "casia_cefa", "subject_id": "s-train"},
            )
        )
    )


def test_sharing_within_a_split_is_no_overlap():
    protocol.check_overlap(surf(rows()))


@pytest.mark.parametrize("switches", [{}, {"rendered": True}, {"image_lists": False}], ids=str)
def test_a_tree_that_was_read_passes(tmp_path, switches):
    read = casia_surf.read(trees.casia_surf(tmp_path, **switches))
    assert protocol.apply("surf@1", read).rows == read.rows


def test_a_subject_copied_into_another_split_of_a_tree_is_caught(tmp_path):
    read = casia_surf.read(trees.casia_surf(tmp_path, duplicate_subject=True))
    with pytest.raises(BadInput, match="subject 'CLKJ_AS0001' stands in train and test"):
        protocol.apply("surf@1", read)


@pytest.mark.skipif(not LISTS.is_dir(), reason="the real list files are not beside this checkout")
def test_the_real_lists_obey_surf_1(tmp_path):
    """One empty file per listed video, 3,991 of them: the whole set without its images."""
    (tmp_path / "CASIA_SURF").mkdir()
    (tmp_path / "CASIA_SURF" / "protocol").symlink_to(LISTS)
    for path in LISTS.iterdir():
        for line in path.read_text().splitlines():
            folder = tmp_path / line.split()[0]
            folder.mkdir(parents=True)
            (folder / "0001.jpg").touch()
    used = protocol.apply("surf@1", casia_surf.read(tmp_path))
    counts = {
        split: (
            sum(row.is_bonafide for row in used.split(split)),
            sum(not row.is_bonafide for row in used.split(split)),
            len({row.subject_id for row in used.split(split)}),
        )
        for split in ("train", "dev", "test")
    }
    assert counts == {"train": (300, 900, 300), "dev": (100, 300, 100), "test": (600, 1791, 600)}
    assert used.header["absent_depth"] == used.header["absent_ir"] == "3991"
