"""Scores of other systems come in as they are: rates known beforehand come out."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad import metrics, score_table
from flexpad.foreign.declaration import Declaration
from flexpad.foreign.importing import import_scores
from flexpad.types import BadInput

SHARED = Path(__file__).resolve().parents[2] / "shared" / "lists"

# By hand: at 0.5 APCER is 1/2 for print and 0 for replay, BPCER 1/4; AUC 15/16.
E1 = [
    ("b1", "true", "", "0.9"),
    ("b2", "true", "", "0.8"),
    ("b3", "true", "", "0.7"),
    ("b4", "true", "", "0.4"),
    ("p1", "false", "print", "0.6"),
    ("p2", "false", "print", "0.3"),
    ("r1", "false", "replay", "0.2"),
    ("r2", "false", "replay", "0.1"),
]


def declared(**given):
    known = {"split": "test", "dataset": "set", "condition": ("R",), "protocol": ("p@1",)}
    return Declaration(**(known | given))


@pytest.fixture
def bring(tmp_path):
    """Write a text to a file, import it, and read the table back."""

    def run(kind, text, **given):
        (tmp_path / "theirs.txt").write_text(text)
        out = tmp_path / "ours.csv"
        done = import_scores(kind, [tmp_path / "theirs.txt"], out, declared(**given))
        return score_table.read(out), done

    return run


@pytest.fixture
def refused(tmp_path):
    """What is said of a file that cannot be imported; nothing is written."""

    def run(kind, *texts, **given):
        files = []
        for place, text in enumerate(texts):
            files.append(tmp_path / f"theirs{place or ''}.txt")
            files[-1].write_text(text)
        with pytest.raises(BadInput) as error:
            import_scores(kind, files, tmp_path / "out" / "ours.csv", declared(**given))
        assert not (tmp_path / "out").exists()
        assert len(str(error.value).splitlines()) == 1
        return str(error.value)

    return run


def is_e1(table):
    items = metrics.of_table(table)
    at = metrics.rates(items, 0.5)
    assert {s.name: s.apcer.rate for s in at.species} == {"print": 0.5, "replay": 0}
    assert (at.apcer_max.rate, at.apcer_pooled.rate, at.bpcer.rate) == (0.5, 0.25, 0.25)
    assert metrics.auc(items).value == 0.9375


def as_bob(rows, more=()):
    head = ["claimed_id", "test_label", "is_bonafide", "attack_type", "score", *more]
    lines = [",".join(head)]
    lines += [f"s{i % 3},{name},{flag},{kind},{s}" for i, (name, flag, kind, s) in enumerate(rows)]
    return "\n".join(lines) + "\n"


class TestBob:
    def test_rates_known_beforehand(self, bring):
        table, done = bring("bob", as_bob(E1), method="theirs")
        is_e1(table)
        assert (done.non_responses, done.warnings) == (0, ())
        assert table.rows["subject_id"].to_list()[:4] == ["s0", "s1", "s2", "s0"]
        assert table.rows["sample_id"].to_list() == [row[0] for row in E1]
        assert set(table.rows["condition"]) == {"R"}
        assert set(table.rows["protocol"]) == {"p@1"}

    def test_header_says_where_from(self, bring, tmp_path):
        table, _ = bring("bob", as_bob(E1), method="theirs")
        from hashlib import sha256

        digest = sha256((tmp_path / "theirs.txt").read_bytes()).hexdigest()
        assert table.header["source"] == f"theirs.txt sha256 {digest}"
        assert table.header["method"] == "theirs"
        assert table.header["imported_from"] == "bob"
        assert table.header["higher_is"] == "bonafide"
        assert "scores" not in table.header

    @pytest.mark.parametrize(("yes", "no"), [("True", "False"), ("1", "0"), ("TRUE", "false")])
    def test_words_for_bona_fide(self, bring, yes, no):
        rows = [(n, yes if flag == "true" else no, kind, s) for n, flag, kind, s in E1]
        is_e1(bring("bob", as_bob(rows))[0])

    def test_video_key_and_groups(self, bring):
        text = (
            "claimed_id,test_label,is_bonafide,attack_type,score,video_key,light\n"
            "s,a_1,True,,0.9,a,dark\ns,a_2,True,,0.7,a,dark\ns,b_1,False,print,0.1,b,\n"
        )
        table, _ = bring("bob", text, group=("light",))
        assert table.rows["video_id"].to_list() == ["a", "a", "b"]
        assert table.rows["group_light"].to_list() == ["dark", "dark", ""]
        assert score_table.per_unit(table, "video").rows["score"].to_list() == [0.8, 0.1]

    def test_empty_and_nan_stay_non_responses(self, bring):
        rows = [*E1, ("b5", "true", "", ""), ("p3", "false", "print", "nan")]
        table, done = bring("bob", as_bob(rows))
        is_e1(table)
        assert (table.rows["score"].null_count(), done.non_responses) == (2, 2)

    def test_names_of_several_columns(self, bring):
        text = (
            "claimed_id,test_label,is_bonafide,attack_type,sample_n,score\n"
            "0,real/0,True,,0,9.5\n0,real/0,True,,1,9.1\n0,attack/0,False,type_0,0,-9\n"
        )
        table, _ = bring("bob", text, sample=("test_label", "sample_n"))
        assert table.rows["sample_id"].to_list() == ["real/0/0", "real/0/1", "attack/0/0"]

    def test_repeated_item(self, refused):
        said = refused("bob", as_bob([*E1, E1[0]]))
        assert "line 10" in said
        assert "line 2" in said
        assert "'b1'" in said

    def test_unknown_flag(self, refused):
        said = refused("bob", as_bob([*E1, ("x", "yes", "", "0.3")]))
        assert "is_bonafide" in said
        assert "'yes'" in said

    def test_attack_without_type(self, refused):
        assert "line 10" in refused("bob", as_bob([*E1, ("x", "false", "", "0.3")]))

    def test_missing_column(self, refused):
        said = refused("bob", "claimed_id,test_label,is_bonafide,score\n1,a,True,0.5\n")
        assert "no column 'attack_type'" in said


CSV = "name,liveness,kind,person\n" + "".join(
    f"{name},{'live' if flag == 'true' else 'spoof'},{kind},s{i}\n"
    for i, (name, flag, kind, _) in enumerate(E1)
)


def as_csv(scores, separator=","):
    head, *lines = CSV.splitlines()
    rows = [f"{head},p", *(f"{line},{s}" for line, s in zip(lines, scores, strict=True))]
    return "\n".join(rows).replace(",", separator) + "\n"


NAMED = {
    "sample": ("name",),
    "label": "liveness",
    "species": "kind",
    "subject": "person",
    "score": "p",
    "bonafide_value": ("live",),
}
TRUE = [row[3] for row in E1]


class TestCsv:
    def test_rates_known_beforehand(self, bring):
        table, _ = bring("csv", as_csv(TRUE), higher_is="bonafide", **NAMED)
        is_e1(table)
        assert table.rows["subject_id"][7] == "s7"

    def test_tab(self, bring):
        text = as_csv(TRUE, "\t")
        is_e1(bring("csv", text, higher_is="bonafide", separator="tab", **NAMED)[0])

    def test_attack_polarity_is_turned_by_negating(self, bring):
        inverted = [repr(1 - float(s)) for s in TRUE]
        table, done = bring("csv", as_csv(inverted), higher_is="attack", **NAMED)
        assert table.rows["score"].to_list() == [-float(s) for s in inverted]
        assert metrics.auc(metrics.of_table(table)).value == 0.9375
        assert done.warnings == ()
        assert table.header["higher_is"] == "attack"
        assert "negated" in table.header["scores"]

    def test_zero_has_no_sign(self, bring, tmp_path):
        bring("csv", as_csv(["0.0"] * 8), higher_is="attack", **NAMED)
        assert "-0.0" not in (tmp_path / "ours.csv").read_text()

    def test_inverted_scores_are_warned_of_and_not_flipped(self, bring):
        inverted = [repr(1 - float(s)) for s in TRUE]
        table, done = bring("csv", as_csv(inverted), higher_is="bonafide", **NAMED)
        assert len(done.warnings) == 1
        assert "AUC is 0.062" in done.warnings[0]
        assert "Nothing was flipped" in done.warnings[0]
        assert table.rows["score"].to_list() == [float(s) for s in inverted]

    def test_species_may_be_the_label(self, bring):
        text = "f,y,s\na,live,0.9\nb,print,0.1\nc,replay,0.2\n"
        given = {"sample": ("f",), "label": "y", "score": "s", "species": "y"}
        table, _ = bring("csv", text, higher_is="bonafide", bonafide_value=("live",), **given)
        assert table.rows["pai_species"].to_list() == ["", "print", "replay"]

    def test_without_species(self, bring):
        text = "f,y,s\na,0,0.9\nb,1,0.1\n"
        given = {"sample": ("f",), "label": "y", "score": "s", "bonafide_value": ("0",)}
        table, _ = bring("csv", text, higher_is="bonafide", **given)
        assert table.rows["pai_species"].to_list() == ["", "unspecified"]

    def test_one_file_a_condition(self, tmp_path):
        for name in "RD":
            (tmp_path / f"{name}.csv").write_text(as_csv(TRUE))
        files, out = [tmp_path / "R.csv", tmp_path / "D.csv"], tmp_path / "ours.csv"
        both = declared(condition=("R", "D"), higher_is="bonafide", **NAMED)
        import_scores("csv", files, out, both)
        table = score_table.read(out)
        assert table.conditions == ("R", "D")
        is_e1(table.condition("D"))
        assert {"source_1", "source_2"} <= set(table.header)

    def test_quoted_cells_and_byte_order_mark(self, bring):
        text = '\ufefff,y,s\r\n"a,1",0,0.9\r\n"b ""x""",1,0.1\r\n'
        given = {"sample": ("f",), "label": "y", "score": "s", "bonafide_value": ("0",)}
        table, _ = bring("csv", text, higher_is="bonafide", **given)
        assert table.rows["sample_id"].to_list() == ["a,1", 'b "x"']

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"higher_is": None}, "--higher-is"),
            ({"bonafide_value": ()}, "--bonafide-value"),
            (
                {"bonafide_value": ("live", "spoof"), "attack_value": ("live",)},
                "'live' cannot mean",
            ),
            ({"attack_value": ("fake",)}, "label 'spoof' is unknown"),
            ({"sample": ()}, "--sample"),
            ({"label": ""}, "--label"),
            ({"score": "q"}, "no column 'q'"),
            ({"species": "kinds"}, "did you mean 'kind'"),
            ({"separator": "::"}, "separator '::'"),
            ({"separator": ";"}, "no column 'name'"),
            ({"split": "eval"}, "split 'eval'"),
            ({"condition": ("RGB",)}, "condition 'RGB' is unknown"),
            ({"condition": ()}, "--condition"),
            ({"condition": ("R", "D")}, "--condition is given 2 times for 1 files"),
            ({"dataset": ""}, "--dataset"),
            ({"method": "a\nb"}, "line break"),
        ],
    )
    def test_what_is_not_declared_is_not_guessed(self, refused, change, said):
        given = {"higher_is": "bonafide", **NAMED} | change
        assert said in refused("csv", as_csv(TRUE), **given)

    def test_several_other_labels_need_to_be_declared(self, refused):
        text = "f,y,s\na,live,0.9\nb,print,0.1\nc,?,0.2\n"
        given = {"sample": ("f",), "label": "y", "score": "s", "higher_is": "bonafide"}
        assert "--attack-value" in refused("csv", text, bonafide_value=("live",), **given)

    @pytest.mark.parametrize("score", ["high", "inf", "-inf", "1e400", "0,5", "None", "--"])
    def test_score_that_is_no_number(self, refused, score):
        text = as_csv([*TRUE[:3], f'"{score}"', *TRUE[4:]])
        said = refused("csv", text, higher_is="bonafide", **NAMED)
        assert "line 5" in said
        assert repr(score) in said

    def test_row_cut_short_is_no_non_response(self, refused):
        text = as_csv(TRUE).rsplit(",", 1)[0]
        assert "line 9" in refused("csv", text, higher_is="bonafide", **NAMED)

    @pytest.mark.parametrize("text", ["", "name,liveness,kind,person,p\n"])
    def test_nothing_there(self, refused, text):
        refused("csv", text, higher_is="bonafide", **NAMED)

    def test_empty_label_is_no_attack(self, refused):
        text = as_csv(TRUE).replace("live,", ",", 1)
        assert "empty label" in refused("csv", text, higher_is="bonafide", **NAMED)

    def test_same_item_in_two_files(self, refused):
        said = refused("csv", as_csv(TRUE), as_csv(TRUE), higher_is="bonafide", **NAMED)
        assert "theirs1.txt, line 2" in said
        assert "second score" in said


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.none() | finite), min_size=1, max_size=30))
def test_every_score_comes_back_to_the_last_bit(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("scores")
    lines = [f"i{i},{int(b)},{'' if s is None else repr(s)}" for i, (b, s) in enumerate(rows)]
    (folder / "t.csv").write_text("\n".join(["f,y,s", *lines]))
    given = {"sample": ("f",), "label": "y", "score": "s", "bonafide_value": ("1",)}
    scores = {}
    for higher in ("bonafide", "attack"):
        out = folder / f"{higher}.csv"
        said = declared(higher_is=higher, attack_value=("0",), **given)
        import_scores("csv", [folder / "t.csv"], out, said)
        scores[higher] = score_table.read(out).scores
    told = np.array([math.nan if s is None else s for _, s in rows])
    assert np.array_equal(scores["bonafide"], told, equal_nan=True)
    assert np.array_equal(scores["attack"], -told, equal_nan=True)


SURF = "Val/0000/{0:06}-color.jpg Val/0000/{0:06}-depth.jpg Val/0000/{0:06}-ir.jpg"


@pytest.fixture
def answer(tmp_path, bring):
    """Import a submission that answers a list."""

    def run(listing, submission, /, **given):
        (tmp_path / "list.txt").write_text(listing)
        known = {"higher_is": "bonafide", "bonafide_value": ("1",)}
        known |= {"listing": (tmp_path / "list.txt",)}
        return bring("challenge", submission, **(known | given))

    return run


@pytest.fixture
def not_answered(tmp_path, refused):
    def run(listing, submission, /, **given):
        (tmp_path / "list.txt").write_text(listing)
        known = {"higher_is": "bonafide", "bonafide_value": ("1",)}
        known |= {"listing": (tmp_path / "list.txt",)}
        return refused("challenge", submission, **(known | given))

    return run


CEFA = "".join(f"dev/{3000 + i:06} {int(flag == 'true')}\n" for i, (_, flag, _, _) in enumerate(E1))


class TestChallenge:
    def test_bare_scores(self, answer):
        table, _ = answer(CEFA, "\n".join(TRUE) + "\n", unit="video")
        assert metrics.auc(metrics.of_table(table)).value == 0.9375
        assert table.rows["sample_id"][0] == table.rows["video_id"][0] == "dev/003000"
        assert table.header["unit"] == "video"
        assert table.header["list"].startswith("list.txt sha256 ")
        assert score_table.per_unit(table, "video") is table

    def test_paths_decide_not_the_order(self, answer):
        lines = [f"dev/{3000 + i:06} {s}" for i, s in enumerate(TRUE)]
        table, _ = answer(CEFA, "\n".join(reversed(lines)))
        assert table.rows["score"].to_list() == [float(s) for s in TRUE]

    def test_three_paths(self, answer):
        listing = "".join(f"{SURF.format(i)} {int(r[1] == 'true')}\r\n" for i, r in enumerate(E1))
        submission = "".join(f"{SURF.format(i)} {s}\n" for i, s in enumerate(TRUE))
        table, _ = answer(listing, submission)
        assert table.rows["sample_id"][1] == "Val/0000/000001-color.jpg"
        assert metrics.auc(metrics.of_table(table)).value == 0.9375

    def test_lines_of_a_joined_submission(self, answer):
        joined = "\n".join(["0.5 "] * 3 + TRUE + ["0.7"])
        table, _ = answer(CEFA, joined, lines=("4-11",))
        assert table.rows["score"].to_list() == [float(s) for s in TRUE]
        assert "lines 4-11" in table.header["source"]

    @pytest.mark.parametrize("silent", ["", "nan", "NaN"])
    def test_bare_non_response(self, answer, silent):
        table, done = answer(CEFA, "\n".join([*TRUE[:-1], silent]) + "\n")
        assert done.non_responses == 1
        assert table.rows["score"][7] is None

    def test_named_non_response(self, answer):
        lines = [f"dev/{3000 + i:06} {s}" for i, s in enumerate(TRUE)]
        lines[0], lines[2] = "dev/003000", "dev/003002 nan"
        table, done = answer(CEFA, "\n".join(lines))
        assert done.non_responses == 2
        assert table.rows["score"][0] is None

    def test_patterns_find_what_paths_tell(self, answer):
        listing = (
            "CASIA_SURF/Data/Val/real_part/CLKJ_AS0010/real.rssdk/color 0\n"
            "CASIA_SURF/Data/Val/fake_part/CLKJ_AS0011/01_e_s.rssdk/color 1\n"
        )
        table, _ = answer(
            listing,
            "0.9\n0.2\n",
            bonafide_value=("0",),
            subject=r"(CLKJ_\w+)",
            species=r"/([^/]+)\.rssdk",
            video=r"(CLKJ_\w+/[^/]+)\.rssdk",
        )
        assert table.rows["subject_id"].to_list() == ["CLKJ_AS0010", "CLKJ_AS0011"]
        assert table.rows["pai_species"].to_list() == ["", "01_e_s"]
        assert table.rows["video_id"][1] == "CLKJ_AS0011/01_e_s"

    @pytest.mark.parametrize(
        "path",
        [
            "CASIA_SURF/Data/Val/real_part/CLKJ_AS0010/real.rssdk/color",
            "CASIA_CeFA/Ethnicity/AF/AF-223/1_223_1_1_1/color",
            "IDIAP_WMCA/R_CDIT/003_01_000_0_00",
        ],
    )
    def test_polarity_against_the_paths(self, not_answered, path):
        said = not_answered(f"{path} 0\nelsewhere/a 1\n", "0.9\n0.1\n")
        assert "label" in said
        assert path in said

    @pytest.mark.parametrize(
        ("submission", "said"),
        [
            ("\n".join(TRUE[:-1]), "has 7 scores for the 8 items"),
            ("\n".join([*TRUE, "0.1"]), "has 9 scores for the 8 items"),
            ("dev/003000 0.5\n", "no line for 'dev/003001'"),
            ("dev/003000 0.5\ndev/003000 0.6\n", "line 2: 'dev/003000' has a score in line 1"),
            ("dev/003000 0.5\ndev/009999 0.6\n", "line 2: 'dev/009999' is not in"),
            ("\n".join([*TRUE[:-1], "high"]), "line 8: score 'high'"),
        ],
    )
    def test_lines_that_do_not_fit(self, not_answered, submission, said):
        assert said in not_answered(CEFA, submission)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"bonafide_value": ()}, "--bonafide-value"),
            ({"bonafide_value": ("live",)}, "--attack-value"),
            ({"bonafide_value": ("0",), "attack_value": ("-1",)}, "label '1'"),
            ({"listing": ()}, "--listing"),
            ({"lines": ("9-3",)}, "first-last"),
            ({"lines": ("5-90",)}, "has 8 lines"),
            ({"subject": "("}, "no regular expression"),
            ({"subject": "dev"}, "one group"),
            ({"subject": "(x)"}, "finds nothing"),
            ({"group": ("light",)}, "no columns"),
        ],
    )
    def test_what_is_declared_wrongly(self, not_answered, given, said):
        assert said in not_answered(CEFA, "\n".join(TRUE), **given)

    def test_item_twice_in_the_list(self, not_answered):
        said = not_answered(CEFA + "dev/003000 1\n", "\n".join([*TRUE, "0.1"]))
        assert "dev/003000" in said

    @pytest.mark.skipif(not SHARED.is_dir(), reason="needs the authors' lists")
    def test_real_list(self, tmp_path):
        """Bare scores for the author list of CeFA 4.1: 400 bona fides, 1,923 attacks."""
        listing = SHARED / "cefa" / "CASIA_CeFA@p4.1_video_test.txt"
        count = len(listing.read_text().split("\n")) - listing.read_text().endswith("\n")
        scores = np.random.default_rng(0).random(count)
        (tmp_path / "s.txt").write_text("\n".join(map(repr, scores.tolist())))
        said = declared(
            higher_is="bonafide",
            bonafide_value=("0",),
            listing=(listing,),
            unit="video",
            subject=r"^\w+/\w+/([^/]+/[^/]+)/",
        )
        import_scores("challenge", [tmp_path / "s.txt"], tmp_path / "o.csv", said)
        rows = score_table.read(tmp_path / "o.csv").rows
        counts = dict(rows.group_by("label").len().iter_rows())
        assert counts == {"bonafide": 400, "attack": 1923}
        assert rows["score"].to_list() == scores.tolist()
        assert rows.select(pl.col("subject_id").n_unique()).item() > 300


def test_unknown_format(refused):
    assert "did you mean 'bob'" in refused("bobs", as_bob(E1))


def test_missing_file(tmp_path):
    with pytest.raises(BadInput, match=r"gone\.csv: cannot be read"):
        import_scores("bob", [tmp_path / "gone.csv"], tmp_path / "o.csv", declared())
