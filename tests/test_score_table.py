"""The score table: what is read, what is refused, and frames to videos."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad import score_table
from flexpad.score_table import COLUMNS, ScoreTable
from flexpad.types import BadInput

NAMES = ",".join(COLUMNS)
BONAFIDE = "a1,v1,s1,set,p@1,dev,R,bonafide,,0.5"
ATTACK = "a2,v2,s1,set,p@1,dev,R,attack,print,0.25"


def write(path, *lines, end="\n"):
    path.write_bytes((end.join(lines) + end).encode())
    return path


def read(tmp_path, *lines, end="\n"):
    return score_table.read(write(tmp_path / "scores.csv", *lines, end=end))


def test_reads_rows_header_and_groups(tmp_path):
    got = read(
        tmp_path,
        "# method: fmm_rpl",
        "# weights sha256: ab:cd",
        NAMES + ",group_light",
        BONAFIDE + ",dark",
        ATTACK + ",",
    )
    assert got.header == {"method": "fmm_rpl", "weights sha256": "ab:cd"}
    assert got.groups == ("group_light",)
    assert got.rows["group_light"].to_list() == ["dark", ""]
    assert got.is_bonafide.tolist() == [True, False]
    assert got.species.tolist() == ["", "print"]
    assert got.scores.tolist() == [0.5, 0.25]
    assert got.scores.dtype == np.float64


@pytest.mark.parametrize("cell", ["", "NaN", "nan", "  "])
def test_empty_and_nan_are_non_responses(tmp_path, cell):
    got = read(tmp_path, NAMES, BONAFIDE.replace("0.5", cell), ATTACK)
    assert math.isnan(got.scores[0])
    assert got.rows["score"].null_count() == 1


def test_other_peoples_files(tmp_path):
    """A byte order mark, CRLF, spaces, a quote in the header, columns in another order."""
    shuffled = ",".join(reversed(COLUMNS))
    cells = ",".join(reversed(BONAFIDE.replace("0.5", " 5e-1 ").split(",")))
    lines = ('\ufeff# note: 15" screen', shuffled, cells)
    got = read(tmp_path, *lines, end="\r\n")
    assert got.header == {"note": '15" screen'}
    assert got.scores.tolist() == [0.5]


def test_cut_short_line_is_no_silent_non_response(tmp_path):
    """A copy that broke off is an error, not a bona fide without a response."""
    path = tmp_path / "scores.csv"
    path.write_text(f"{NAMES}\n{ATTACK}\n{BONAFIDE.removesuffix(',,0.5')}")
    with pytest.raises(BadInput, match="line 3: has 8 cells, not 10"):
        score_table.read(path)


def test_blank_lines_and_a_missing_end_are_nothing(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(f"\n{NAMES}\n\n{BONAFIDE}\n\n{ATTACK}")
    assert score_table.read(path).scores.tolist() == [0.5, 0.25]
    path.write_text(f"{NAMES}\n{BONAFIDE}\n{ATTACK}")
    assert score_table.read(path).scores.tolist() == [0.5, 0.25]


def test_byte_order_mark_without_header(tmp_path):
    got = read(tmp_path, "\ufeff" + NAMES, BONAFIDE)
    assert got.rows.columns == list(COLUMNS)


words = st.text("abZ9 _/é", min_size=1, max_size=6).map(str.strip).filter(bool)
texts = st.sampled_from(["", "nan", "0.5", "1e-3", " 7 ", ".5", "-0.125", "3.0000000000000004"])


@settings(max_examples=50)
@given(st.lists(st.tuples(words, texts), min_size=1, unique_by=lambda row: row[0]))
def test_quotes_change_nothing(rows):
    """The quick way and the strict way read the same table."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    cells = [[name, "v", "s", "set", "p@1", "dev", "R", "bonafide", "", x] for name, x in rows]
    plain = [",".join(row) for row in cells]
    quoted = [",".join(f'"{cell}"' for cell in row) for row in cells]
    with TemporaryDirectory() as folder:
        one, other = (read(Path(folder), "# a: b", NAMES, *lines) for lines in (plain, quoted))
    assert one.rows.equals(other.rows)
    assert one.header == other.header == {"a": "b"}


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_parquet_keeps_every_bit(values):
    from pathlib import Path
    from tempfile import TemporaryDirectory

    table = make(values, group_light=["dark"] * len(values))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scores.parquet"
        score_table.write(table, path)
        again = score_table.read(path)
        assert again.rows.equals(table.rows)
        assert again.header == table.header
        assert again.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_parquet_names_the_row(tmp_path):
    table = make([0.5, 0.25], label=["bonafide", "fake"])
    score_table.write(table, tmp_path / "scores.parquet")
    with pytest.raises(BadInput, match=r"scores\.parquet, row 2: label 'fake'"):
        score_table.read(tmp_path / "scores.parquet")


def test_conditions_come_in_their_order(tmp_path):
    rows = [BONAFIDE.replace(",R,", f",{c},") for c in ("RDI", "I", "R", "DI")]
    got = read(tmp_path, NAMES, *rows)
    assert got.conditions == ("R", "I", "DI", "RDI")
    assert got.condition("I").rows["condition"].to_list() == ["I"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([NAMES], "has no rows"),
        (["# a: b"], "has no column names"),
        ([NAMES.replace(",score", ""), BONAFIDE.removesuffix(",0.5")], "column 'score' is missing"),
        ([NAMES + ",scor", BONAFIDE + ",1"], "column 'scor' is unknown; did you mean 'score'?"),
        ([NAMES, BONAFIDE, ATTACK.replace("attack", "fake")], "line 3: label 'fake'"),
        (["# a: b", NAMES, BONAFIDE.replace("dev", "val")], "line 3: split 'val'"),
        ([NAMES, BONAFIDE.replace(",R,", ",DR,")], "line 2: condition 'DR'"),
        ([NAMES, ATTACK.replace("print", "")], "line 2: pai_species has to be given"),
        ([NAMES, BONAFIDE.replace("bonafide,", "bonafide,print")], "line 2: pai_species"),
        ([NAMES, BONAFIDE.replace("0.5", "high")], "line 2: score 'high'"),
        ([NAMES, ATTACK, BONAFIDE.replace("0.5", "inf")], "line 3: score 'inf'"),
        ([NAMES, BONAFIDE.replace("0.5", "1e400")], "line 2: score '1e400'"),
        ([NAMES, BONAFIDE.replace("0.5", "0,5")], "line 2: has 11 cells, not 10"),
        ([NAMES, BONAFIDE, ATTACK, BONAFIDE], "line 4: 'a1' has a second score in condition R"),
        ([NAMES, BONAFIDE.removeprefix("a1")], "line 2: sample_id is empty"),
        ([NAMES, ATTACK, BONAFIDE.removesuffix(",,0.5")], "line 3: has 8 cells, not 10"),
        ([NAMES, BONAFIDE.removesuffix(",0.5"), ATTACK + ",1"], "line 2: has 9 cells, not 10"),
        ([NAMES, "", ATTACK, "", BONAFIDE.replace("0.5", "x")], "line 5: score 'x'"),
        ([NAMES, BONAFIDE.replace("v1", '"v1"'), ATTACK, ATTACK], "line 4: 'a2' has a second"),
        ([NAMES + ",label", BONAFIDE + ",x"], "column 'label' stands 2 times"),
        (["# a: b", "# a: c", NAMES, BONAFIDE], "line 2: header key 'a' stands there already"),
    ],
)
def test_what_does_not_fit_is_one_line_that_names_it(tmp_path, lines, says):
    with pytest.raises(BadInput) as caught:
        read(tmp_path, *lines)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "scores.csv"))
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", "sample_id\n\xe4".encode("latin1")])
def test_what_is_no_text_is_one_line(tmp_path, content):
    path = tmp_path / "scores.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"scores\.csv"):
        score_table.read(path)


def test_missing_file_is_one_line(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        score_table.read(tmp_path / "none.csv")


def test_same_item_in_two_conditions_or_protocols_is_no_double(tmp_path):
    rows = [BONAFIDE, BONAFIDE.replace(",R,", ",D,"), BONAFIDE.replace("p@1", "p@2")]
    assert len(read(tmp_path, NAMES, *rows).rows) == 3


scores = st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1)


def make(values, **columns):
    n = len(values)
    plain = {
        "sample_id": [f"a{i}" for i in range(n)],
        "video_id": ["v1"] * n,
        "subject_id": ["s1"] * n,
        "dataset": ["set"] * n,
        "protocol": ["p@1"] * n,
        "split": ["dev"] * n,
        "condition": ["R"] * n,
        "label": ["bonafide"] * n,
        "pai_species": [""] * n,
        "score": pl.Series(values, dtype=pl.Float64),
    }
    return ScoreTable(pl.DataFrame(plain | columns), {"method": "m"}, "made")


@given(scores)
def test_file_keeps_every_bit_and_its_sha256(values):
    import tempfile
    from pathlib import Path

    table = make(values)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.csv"
        score_table.write(table, path)
        again = score_table.read(path)
        assert again.rows.equals(table.rows)
        assert again.header == table.header
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert again.sha256 == again.condition("R").sha256 == table.sha256 == digest


def test_sha256_is_of_the_file_however_it_was_written(tmp_path):
    got = read(tmp_path, NAMES, BONAFIDE.replace("0.5", "0.500"))
    assert got.sha256 == hashlib.sha256((tmp_path / "scores.csv").read_bytes()).hexdigest()


@pytest.mark.parametrize("header", [{"a:b": "c"}, {"a": "b\nc"}, {"a\r": "b"}])
def test_header_that_would_not_be_read_back_is_refused(tmp_path, header):
    path = tmp_path / "scores.csv"
    with pytest.raises(ValueError, match="header"):
        score_table.write(replace(make([0.5]), header=header), path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    path = write(tmp_path / "scores.csv", "old")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(BadInput, match="cannot be written"):
        score_table.write(make([0.5]), path)
    assert [p.name for p in tmp_path.iterdir()] == ["scores.csv"]
    assert path.read_text() == "old\n"


def test_video_score_is_the_mean_of_answered_frames():
    table = make(
        [0.2, None, 0.6, None, 0.9, math.nan],
        video_id=["v1", "v1", "v1", "v2", "v3", "v3"],
        group_light=["dark", "dark", "dark", "dark", "dark", "bright"],
    )
    got = score_table.per_unit(table, "video")
    assert got.rows["sample_id"].to_list() == ["v1", "v2", "v3"]
    assert got.rows["score"].to_list() == [pytest.approx(0.4), None, pytest.approx(0.9)]
    assert got.rows["group_light"].to_list() == ["dark", "dark", ""]
    assert got.rows.columns == table.rows.columns
    assert got.header["unit"] == "video"
    assert got.header["method"] == "m"


@pytest.mark.parametrize(
    ("how", "scores"), [("mean", [0.5, 0.2]), ("median", [0.4, 0.2]), ("first", [0.3, 0.2])]
)
def test_video_score_is_made_as_it_is_said(how, scores):
    table = make([None, 0.3, 0.8, 0.4, None, 0.2], video_id=["v1"] * 4 + ["v2"] * 2)
    got = score_table.per_unit(table, "video", how)
    assert got.rows["score"].to_list() == [pytest.approx(score) for score in scores]
    assert how in got.header["frames_to_video"]
    assert score_table.per_unit(got, "video", how) is got


def test_videos_made_one_way_do_not_pass_for_another():
    videos = score_table.per_unit(make([0.2, 0.4]), "video", "median")
    with pytest.raises(BadInput, match="is the median of the answered frames, not the mean"):
        score_table.per_unit(videos, "video")
    foreign = replace(videos, header={"unit": "video"})  # nobody says how: then it is as it is
    assert score_table.per_unit(foreign, "video", "median") is foreign
    with pytest.raises(BadInput, match="'mode' is unknown; choose mean, median, first"):
        score_table.per_unit(make([0.2]), "video", "mode")


def test_videos_of_several_conditions_stay_apart():
    table = make([0.2, 0.4], condition=["R", "D"], sample_id=["a", "a"])
    got = score_table.per_unit(table, "video")
    assert dict(got.rows.select("condition", "score").rows()) == {"R": 0.2, "D": 0.4}


def test_units_are_never_mixed():
    frames = make([0.2, 0.4])
    videos = score_table.per_unit(frames, "video")
    assert score_table.per_unit(videos, "video").rows.equals(videos.rows)
    with pytest.raises(BadInput, match="unit 'video'"):
        score_table.per_unit(videos, "frame")
    assert score_table.per_unit(frames, "frame").rows.equals(frames.rows)
    with pytest.raises(BadInput, match="unit 'clip' is unknown"):
        score_table.per_unit(frames, "clip")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("label", ["bonafide", "attack"]),
        ("pai_species", ["print", "mask"]),
        ("subject_id", ["s1", "s2"]),
        ("split", ["dev", "test"]),
    ],
)
def test_video_of_two_minds_is_refused(column, values):
    with pytest.raises(BadInput, match=f"video 'v1' has {column}") as caught:
        score_table.per_unit(make([0.1, 0.2], **{column: values}), "video")
    assert all(value in str(caught.value) for value in values)


def test_frame_without_video_is_refused():
    with pytest.raises(BadInput, match="'a1' has no video_id"):
        score_table.per_unit(make([0.1, 0.2], video_id=["v1", ""]), "video")
