"""Systems against each other: counts worked by hand, pairing, and modest words."""

import json
import math
import sys
from dataclasses import replace
from functools import partial
from io import StringIO

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from flexpad import calibrate, cli, metrics, score_table
from flexpad.compare import compare, render_tables, wording, write
from flexpad.compare.cell import measure
from flexpad.compare.difference import FEWEST, RATES, differences
from flexpad.compare.evaluation import evaluate
from flexpad.compare.inspection import warnings
from flexpad.compare.ranks import critical_difference, holm, ranks
from flexpad.compare.system import gather
from flexpad.report.wording import DASH
from flexpad.score_table import COLUMNS, ScoreTable
from flexpad.types import BadInput

DRAWS = 200


@pytest.fixture(autouse=True, scope="module")
def _quick_dev():
    """The intervals that stand beside a threshold are tested elsewhere and are not compared."""
    with pytest.MonkeyPatch.context() as patch:
        quick = partial(metrics.clustered_intervals, draws=20)
        patch.setattr(metrics, "clustered_intervals", quick)
        yield


def rows(scores, split="test", condition="R", protocol="p@1", first=0):
    """Rows of subjects, each with bona fides, prints and masks: ``(bonafide, print, mask)``."""
    made = []
    for place, kinds in enumerate(scores, start=first):
        for species, values in zip(("", "print", "mask"), kinds, strict=True):
            for k, score in enumerate(values):
                name = f"{split}{place}/{species or 'bonafide'}/{k}"
                label = "attack" if species else "bonafide"
                who = f"{split}{place}", "set", protocol, split, condition
                made.append((name, name, *who, label, species, score))
    return made


def table(content, name="a.csv", **header):
    frame = pl.DataFrame(content, schema=list(COLUMNS), orient="row", infer_schema_length=None)
    return ScoreTable(frame.with_columns(pl.col("score").cast(pl.Float64)), header, name)


def subjects(n, bonafide=0.9, prints=0.1, masks=0.2):
    """n subjects with two bona fides and one attack of each species."""
    return [((bonafide, bonafide), (prints,), (masks,)) for _ in range(n)]


GOOD = subjects(40)
# 15 of 40 subjects have a bona fide rejected at 0.5.
WORSE = [((0.9, 0.1), *kinds[1:]) if i < 15 else kinds for i, kinds in enumerate(GOOD)]


def content_of(tests, devs=(), rule="fixed:0.5", unit="frame", draws=DRAWS):
    parsed = calibrate.parse_rule(rule)
    systems = gather(tests, devs, parsed)
    cells = measure(systems, parsed, unit)
    content = evaluate(systems, cells, parsed, unit=unit, by="acer_pooled", draws=draws, seed=0)
    content["warnings"] = warnings(cells, content)
    json.dumps(content, allow_nan=False)
    return content


def pair(one, two, **given):
    tests = [table(rows(one), "a.csv"), table(rows(two), "b.csv")]
    content = content_of(tests, **given)
    return content["comparisons"][0], content


class TestDifference:
    def test_values_by_hand(self):
        found, content = pair(GOOD, WORSE)
        values = {rate: found["differences"][rate]["value"] for rate in RATES}
        assert values["bpcer"] == 15 / 80
        assert values["apcer_max"] == values["apcer_pooled"] == 0
        assert values["acer_max"] == values["acer_pooled"] == 15 / 160
        assert content["cells"][0]["systems"]["b"]["bpcer"] == 15 / 80
        assert found["verdict"] == "higher"

    def test_same_draws_as_rows_drawn_again(self):
        """The interval is that of rows repeated as often as their subject is drawn."""
        rng = np.random.default_rng(1)
        made = [[tuple(rng.random(n).round(2).tolist()) for n in (2, 1, 1)] for _ in range(2 * 12)]
        one, two = table(rows(made[:12]), "a.csv"), table(rows(made[12:]), "b.csv")
        found = content_of([one, two])["comparisons"][0]["differences"]
        names = sorted(set(one.rows["subject_id"]))
        values = {rate: [] for rate in RATES}
        for draw in metrics.subject_draws(12, DRAWS, 0):
            ids = [name for name, n in zip(names, draw, strict=True) for _ in range(n)]
            drawn = pl.DataFrame({"subject_id": ids})
            at = [
                metrics.rates(
                    metrics.of_table(replace(t, rows=drawn.join(t.rows, "subject_id"))), 0.5
                )
                for t in (one, two)
            ]
            for rate in RATES:
                first, other = (
                    getattr(x, rate).value if rate.startswith("acer") else getattr(x, rate).rate
                    for x in at
                )
                values[rate].append(other - first)
        for rate in RATES:
            low, high = np.quantile(values[rate], [0.025, 0.975])
            value = found[rate]["value"]
            assert found[rate]["low"] == pytest.approx(min(value, low), abs=1e-11)
            assert found[rate]["high"] == pytest.approx(max(value, high), abs=1e-11)

    def test_pairing_narrows_the_interval(self):
        """Two systems that err on the same subjects differ by little, however hard these are."""
        hard = [((0.1, 0.1), (0.1,), (0.2,)) if i % 2 else kinds for i, kinds in enumerate(GOOD)]
        harder = [((0.1, 0.1), (0.1,), (0.2,)) if i == 0 else k for i, k in enumerate(hard)]
        found, _ = pair(hard, harder)
        bpcer = found["differences"]["bpcer"]
        assert bpcer["value"] == 1 / 40
        assert bpcer["high"] - bpcer["low"] <= 0.1  # either rate alone: 0.5 +- 0.15

    def test_identical_systems(self):
        found, content = pair(WORSE, WORSE)
        for rate in RATES:
            difference = found["differences"][rate]
            assert (difference["value"], difference["method"]) == (0, "exact")
            assert difference["low"] == -difference["high"] < 0
            assert difference["p"] == 1
        # no subject of 40 departs, each side at half the risk: 1 - 0.025 ** (1 / 40)
        assert found["differences"]["bpcer"]["high"] == pytest.approx(1 - 0.025 ** (1 / 40))
        assert found["verdict"] == "no difference shown"
        assert "same_scores" in {warned["code"] for warned in content["warnings"]}

    def test_opposite_systems(self):
        """One accepts everything, one rejects everything: sure, and still not beyond 1."""
        found, _ = pair(subjects(8, 0.9, 0.9, 0.9), subjects(8, 0.1, 0.1, 0.1))
        apcer = found["differences"]["apcer_pooled"]
        assert (apcer["value"], apcer["low"]) == (-1, -1)
        assert apcer["high"] == pytest.approx(-(0.025 ** (1 / 8)))
        assert apcer["p"] == 2 * 0.5**8
        assert found["differences"]["acer_pooled"]["value"] == 0

    def test_rounding_is_no_difference(self):
        """A third less a third is nothing, whatever the numbers it is worked out from."""
        one = [((0.9, 0.9, 0.1), (0.1,), (0.1,)) for _ in range(10)]
        two = [((0.1, 0.9, 0.9), (0.1,), (0.1,)) for _ in range(10)]
        found, _ = pair(one, two)
        assert found["differences"]["acer_pooled"]["value"] == 0
        assert found["differences"]["acer_pooled"]["method"] == "exact"
        # 0.1 + 0.2 less 0.3: BPCER falls by three tenths, APCER rises by them.
        lax = [((0.9,) * 10, (0.9,) * 4 + (0.1,) * 6, (0.9,) * 4 + (0.1,) * 6)] * 10
        strict = [((0.1,) * 3 + (0.9,) * 7, (0.9,) + (0.1,) * 9, (0.9,) + (0.1,) * 9)] * 10
        found, _ = pair(lax, strict)
        assert found["differences"]["acer_pooled"]["value"] == 0
        assert found["differences"]["acer_pooled"]["method"] == "exact"
        assert found["differences"]["bpcer"]["value"] == 0.3

    def test_too_few_subjects_are_undecided(self):
        few = FEWEST - 1
        found, content = pair(subjects(few), subjects(few, bonafide=0.1))
        assert found["differences"]["bpcer"]["value"] == 1
        assert found["differences"]["bpcer"]["low"] is None
        assert "too few" in found["differences"]["bpcer"]["reason"]
        assert found["verdict"] == "undecided"
        assert content["summary"][0]["undecided"] == 1

    def test_draws_may_lack_a_class(self):
        rule = calibrate.parse_rule("fixed:0.5")
        systems = gather([table(rows(GOOD), "a.csv"), table(rows(WORSE), "b.csv")], [], rule)
        (cell,) = measure(systems, rule, "frame").values()
        lacking = dict.fromkeys(RATES, np.full(3, np.nan))
        found = differences(*cell, lacking, lacking)["bpcer"]
        assert (found.value, found.low, found.p) == (15 / 80, None, None)
        assert "more draws" in found.reason

    def test_undefined_rate(self):
        only = [(kinds[0], (), ()) for kinds in GOOD]
        found, _ = pair(only, only)
        assert found["differences"]["apcer_pooled"]["value"] is None
        assert "undefined" in found["differences"]["apcer_pooled"]["reason"]
        assert found["differences"]["bpcer"]["value"] == 0

    def test_without_subjects_presentations_are_drawn(self):
        tests = [
            replace(t, rows=t.rows.with_columns(subject_id=pl.lit(""), video_id=pl.lit("")))
            for t in (table(rows(GOOD), "a.csv"), table(rows(WORSE), "b.csv"))
        ]
        content = content_of(tests)
        assert (content["cells"][0]["cluster"], content["cells"][0]["clusters"]) == ("sample", 160)
        assert "no_subjects" in {warned["code"] for warned in content["warnings"]}


class TestMcNemar:
    def test_counts_by_hand(self):
        # Bona fides of subjects 0-1 wrong in both, 2 only in the first, 3-8 only in the other.
        first = [((0.1,), (0.1,), (0.1,)) if i < 3 else ((0.9,), (0.1,), (0.1,)) for i in range(12)]
        wrong = {0, 1, *range(3, 9)}
        other = [((0.1 if i in wrong else 0.9,), (0.1,), (0.1,)) for i in range(12)]
        found, _ = pair(first, other)
        test = found["mcnemar"]["bonafide"]
        counts = [test[k] for k in ("both_wrong", "only_first", "only_other", "both_right")]
        assert counts == [2, 1, 6, 3]
        assert test["p"] == 2 * (1 + 7) / 2**7
        assert found["mcnemar"]["attack"] == {
            "both_wrong": 0,
            "only_first": 0,
            "only_other": 0,
            "both_right": 24,
            "p": 1.0,
        }
        assert found["mcnemar"]["all"]["both_right"] == 27

    def test_only_what_both_answered(self):
        first = [((None, 0.1), (0.1,), (0.1,)), *subjects(9)]
        other = [((0.9, None), (0.1,), (0.1,)), *subjects(9)]
        found, content = pair(first, other)
        assert found["mcnemar"]["bonafide"]["both_right"] == 18
        assert found["mcnemar"]["bonafide"]["only_first"] == 0
        warned = {w["code"]: w["message"] for w in content["warnings"]}
        assert "R a 1, b 1" in warned["non_response_differs"]

    def test_nothing_answered_by_both(self):
        first = [((None,), (0.1,), (0.1,)) for _ in range(8)]
        found, _ = pair(first, [((0.9,), (0.1,), (0.1,)) for _ in range(8)])
        assert found["mcnemar"]["bonafide"]["p"] is None
        assert found["mcnemar"]["bonafide"]["reason"]


class TestHolm:
    def test_by_hand(self):
        # in order .005 x 4, .01 x 3, .03 x 2 = .06, then .04 x 1 is raised to .06
        assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])

    def test_none_does_not_count(self):
        assert holm([None, 0.02, None, 0.04]) == [None, 0.04, None, 0.04]
        assert holm([]) == []

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
    def test_never_below_and_in_order(self, p):
        adjusted = holm(p)
        assert all(1 >= a >= q for a, q in zip(adjusted, p, strict=True))
        assert [adjusted[i] for i in np.argsort(p, kind="stable")] == sorted(adjusted)
        assert min(adjusted) == min(1, len(p) * min(p))

    def test_it_decides(self):
        """What is shown alone is not shown among many that are not."""
        some = [((0.9, 0.1), *k[1:]) if i < 7 else k for i, k in enumerate(GOOD)]
        alone, _ = pair(GOOD, some)
        assert alone["verdict"] == "higher"
        protocols = [f"p@{i}" for i in range(8)]
        tests = [
            table(
                [row for p in protocols for row in rows(s if p == "p@0" else GOOD, protocol=p)], n
            )
            for n, s in (("a.csv", GOOD), ("b.csv", some))
        ]
        among = content_of(tests)["comparisons"]
        assert among[0]["p"] == alone["p"]
        assert among[0]["p_holm"] == min(1, 8 * alone["p"])
        assert among[0]["verdict"] == ("higher" if 8 * alone["p"] < 0.05 else "no difference shown")


# Table 5a of Demsar (2006), 5 %, for 2 to 10 systems.
QUANTILES = list(enumerate((1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164), 2))


class TestRanks:
    @pytest.mark.parametrize(
        ("systems", "quantile"),
        QUANTILES,
    )
    def test_published_table(self, systems, quantile):
        unit = math.sqrt(systems * (systems + 1) / 6)
        assert critical_difference(systems, 1) / unit == pytest.approx(quantile, abs=0.0011)

    def test_by_hand(self):
        rates = [[0.1, 0.2, 0.3], [0.1, 0.1, 0.3], [0.2, 0.1, 0.3], [0.3, 0.2, 0.1]]
        found = ranks(np.array(rates))
        assert found.average == (1.875, 1.625, 2.5)
        assert found.cells == 4
        assert found.critical_difference == pytest.approx(2.3437 * math.sqrt(12 / 24), abs=1e-3)
        assert found.alike == ((1, 0, 2),)

    def test_clearly_apart(self):
        found = ranks(np.tile([0.1, 0.2, 0.3], (8, 1)))
        assert found.friedman_p < 0.001
        assert found.alike == ((0, 1), (1, 2))  # ranks 1 and 3; the critical difference is 1.17
        assert ranks(np.tile([0.1, 0.2, 0.3], (12, 1))).alike == ()  # 0.96

    def test_too_few_cells(self):
        found = ranks(np.array([[0.1, 0.2]] * 3))
        assert (found.critical_difference, found.average) == (None, (1.0, 2.0))
        assert "too few" in found.reason
        assert ranks(np.array([[0.1, 0.2]] * 4)).critical_difference == pytest.approx(
            0.98, abs=1e-3
        )

    def test_undefined_cells_are_left_out(self):
        assert ranks(np.array([[0.1, math.nan]])).average is None
        assert ranks(np.array([[0.1, math.nan], [0.2, 0.1]])).average == (2.0, 1.0)

    def test_all_tied(self):
        found = ranks(np.full((8, 3), 0.2))
        assert (found.friedman_p, found.average) == (None, (2.0, 2.0, 2.0))
        assert found.alike == ((0, 1, 2),)


some_scores = st.floats(0, 1).map(lambda x: round(x, 1)) | st.none()
some_subjects = st.lists(
    st.tuples(*[st.lists(some_scores, min_size=1, max_size=2)] * 3), min_size=7, max_size=10
)


@st.composite
def two_systems(draw):
    """Scores of two systems for the same items."""
    one = draw(some_subjects)
    two = [tuple([draw(some_scores) for _ in kind] for kind in kinds) for kinds in one]
    return one, two


class TestProperties:
    @settings(max_examples=30)
    @given(two_systems())
    def test_swapping_negates(self, both):
        there, _ = pair(*both)
        back, _ = pair(*reversed(both))
        for rate in RATES:
            one, two = there["differences"][rate], back["differences"][rate]
            assert (one["value"] is None) == (two["value"] is None)
            if one["value"] is not None:
                assert one["value"] == -two["value"]
            if one["low"] is not None:
                assert one["low"] == pytest.approx(-two["high"], abs=1e-12)
                assert one["low"] <= one["value"] <= one["high"]
                assert one["p"] == two["p"]
        opposite = {"lower": "higher", "higher": "lower"}
        assert back["verdict"] == opposite.get(there["verdict"], there["verdict"])
        for kind, test in there["mcnemar"].items():
            assert test["only_first"] == back["mcnemar"][kind]["only_other"]
            assert test["p"] == back["mcnemar"][kind]["p"]

    @settings(max_examples=30)
    @given(some_subjects)
    def test_nothing_differs_from_itself(self, scores):
        found, content = pair(scores, scores)
        for rate in RATES:
            assert found["differences"][rate]["value"] in (0, None)
        assert found["verdict"] in ("no difference shown", "undecided")
        assert content["summary"][0]["wins"] == content["summary"][0]["losses"] == 0

    @settings(max_examples=30)
    @given(two_systems(), st.randoms())
    def test_order_of_rows_changes_nothing(self, both, random):
        tests = [table(rows(both[0]), "a.csv"), table(rows(both[1]), "b.csv")]
        shuffled = [rows(scores) for scores in both]
        for content in shuffled:
            random.shuffle(content)
        again = [table(shuffled[0], "a.csv"), table(shuffled[1], "b.csv")]
        one, two = content_of(tests), content_of(again)
        for part in ("cells", "comparisons", "summary", "ranks", "warnings"):
            assert one[part] == two[part]


class TestThresholds:
    def test_each_system_has_its_own(self):
        """A system whose scores are squeezed is the same system."""
        squeezed = [tuple(tuple(s / 10 for s in kind) for kind in kinds) for kinds in WORSE]
        devs = [
            table(rows(subjects(10), "dev"), "a-dev.csv"),
            table(rows(subjects(10, 0.09, 0.01, 0.02), "dev"), "b-dev.csv"),
        ]
        tests = [table(rows(WORSE), "a.csv"), table(rows(squeezed), "b.csv")]
        content = content_of(tests, devs, "eer@dev")
        assert content["cells"][0]["systems"]["a"]["threshold"] == 0.9
        assert content["cells"][0]["systems"]["b"]["threshold"] == 0.09
        assert content["comparisons"][0]["differences"]["acer_max"]["value"] == 0

    def test_each_protocol_has_its_own(self):
        low = [tuple(tuple(s / 10 for s in kind) for kind in kinds) for kinds in GOOD]
        test = table(rows(GOOD) + rows(low, protocol="p@2"))
        dev_low = [tuple(tuple(s / 10 for s in kind) for kind in kinds) for kinds in subjects(8)]
        dev = table(rows(subjects(8), "dev") + rows(dev_low, "dev", protocol="p@2"), "dev.csv")
        content = content_of([test, replace(test, name="b.csv")], [dev, dev], "eer@dev")
        found = [cell["systems"]["a"]["threshold"] for cell in content["cells"]]
        assert found == [0.9, pytest.approx(0.09)]
        other = [rows(subjects(8), "dev", protocol=name) for name in ("p@1", "p@3")]
        dev = table(other[0] + other[1], "dev.csv")
        with pytest.raises(BadInput, match=r"dev\.csv.* no rows of set p@2"):
            content_of([test, replace(test, name="b.csv")], [dev, dev], "eer@dev")

    def test_oracle_is_called_so(self):
        tests = [table(rows(GOOD), "a.csv"), table(rows(WORSE), "b.csv")]
        content = content_of(tests, rule="eer@test")
        assert content["oracle"]
        assert "oracle" in {warned["code"] for warned in content["warnings"]}
        assert "ORACLE" in wording.title(content)

    def test_videos(self):
        def of_videos(scores, name):
            made = table(rows(scores), name)
            video = pl.col("sample_id").str.replace(r"/\d$", "")
            return replace(made, rows=made.rows.with_columns(video_id=video))

        content = content_of([of_videos(GOOD, "a.csv"), of_videos(WORSE, "b.csv")], unit="video")
        assert content["cells"][0]["n_bonafide"] == 40  # (0.9 + 0.1) / 2 reaches 0.5
        assert content["cells"][0]["systems"]["b"]["bpcer"] == 0


class TestManySystems:
    @pytest.fixture
    def content(self):
        worst = subjects(40, bonafide=0.1)
        tests = [
            table(rows(s) + rows(s, condition="D") + rows(s, condition="RDI"), f"{n}.csv", method=n)
            for n, s in (("good", GOOD), ("worse", WORSE), ("worst", worst))
        ]
        return content_of(tests, draws=write.draws_for(9))

    def test_every_pair(self, content):
        pairs = [(s["first"], s["other"]) for s in content["summary"]]
        assert pairs == [("good", "worse"), ("good", "worst"), ("worse", "worst")]
        assert all(s["losses"] == 3 for s in content["summary"])
        assert len(content["comparisons"]) == 9
        assert content["ranks"]["average"] == {"good": 1, "worse": 2, "worst": 3}

    def test_terminal_fits(self, content):
        console = Console(width=100, record=True, file=StringIO())
        console.print(render_tables(content))
        text = console.export_text()
        assert max(map(len, text.splitlines())) <= 100
        assert "worst less good" in text
        words = " ".join(text.split())
        assert "higher in 3 of 3 conditions, allowing for 9 comparisons (Holm)" in words
        assert DASH.join("300") in text  # good against each
        assert DASH.join("030") not in text

    @pytest.mark.parametrize("comparisons", [1, 9, 63, 1000])
    def test_draws_can_show_a_difference(self, comparisons):
        draws = write.draws_for(comparisons)
        assert draws >= 2000
        assert comparisons * 2 / (draws + 1) <= 0.01

    def test_too_few_draws_are_warned_of(self):
        _, content = pair(GOOD, WORSE, draws=30)
        assert content["comparisons"][0]["verdict"] == "no difference shown"
        assert "few_draws" in {warned["code"] for warned in content["warnings"]}


class TestNames:
    def names(self, *tables):
        parsed = calibrate.parse_rule("fixed:0.5")
        return [system.name for system in gather(tables, [], parsed)]

    def test_method_then_file_then_folder(self):
        made = table(rows(GOOD), "x/a.csv", method="m")
        assert self.names(made, replace(made, header={"method": "n"})) == ["m", "n"]
        assert self.names(made, replace(made, name="x/b.csv")) == ["a", "b"]
        assert self.names(made, replace(made, name="y/a.csv")) == ["x/a", "y/a"]
        with pytest.raises(BadInput, match="called 'x/a'"):
            self.names(made, made)


def change(made, sample, **columns):
    hit = pl.col("sample_id") == sample
    new = {k: pl.when(hit).then(pl.lit(v)).otherwise(pl.col(k)) for k, v in columns.items()}
    return replace(made, rows=made.rows.with_columns(**new))


class TestBadInput:
    ONE = table(rows(GOOD), "a.csv", method="m")
    TWO = table(rows(WORSE), "b.csv", method="n")
    DEV = table(rows(subjects(8), "dev"), "a-dev.csv", method="m")
    DEV_TWO = replace(DEV, name="b-dev.csv", header={"method": "n"})

    @pytest.fixture
    def refused(self, tmp_path, monkeypatch, capsys):
        """The one line on stderr; exit code 2, and nothing is written."""

        def run(tests, devs=(), *more):
            named = []
            for made in (*tests, *devs):
                named.append(str(tmp_path / made.name))
                score_table.write(made, tmp_path / made.name)
            tests, devs = named[: len(tests)], named[len(tests) :]
            given = ["flexpad", "compare", *tests, *(["--dev", *devs] if devs else [])]
            monkeypatch.setattr(sys, "argv", [*given, "-o", str(tmp_path / "out"), *more])
            with pytest.raises(SystemExit) as stop:
                cli.main()
            told = capsys.readouterr()
            assert stop.value.code == 2
            assert told.out == ""
            assert len(told.err.strip().splitlines()) == 1
            assert not (tmp_path / "out").exists()
            return told.err

        return run

    def test_one_system(self, refused):
        assert "nothing to compare" in refused([self.ONE])

    def test_dev_missing(self, refused):
        assert "0 dev tables for 2 systems" in refused([self.ONE, self.TWO])
        assert "1 dev table for 2 systems" in refused([self.ONE, self.TWO], [self.DEV])

    def test_item_missing(self, refused):
        short = replace(self.TWO, rows=self.TWO.rows.slice(1))
        err = refused([self.ONE, short], (), "--rule", "fixed:0.5")
        assert "b.csv: has no 'test0/bonafide/0' (set p@1, condition R), which" in err
        assert "1 row differ" in err

    def test_item_more(self, refused):
        short = replace(self.ONE, rows=self.ONE.rows.slice(2))
        err = refused([short, self.TWO], (), "--rule", "fixed:0.5")
        assert "a.csv: has no 'test0/bonafide/0'" in err
        assert "2 rows differ" in err

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            (
                {"label": "attack", "pai_species": "print"},
                "label of 'test3/bonafide/0' is 'attack'",
            ),
            ({"subject_id": "else"}, "subject_id of 'test3/bonafide/0' is 'else'"),
        ],
    )
    def test_other_facts(self, refused, columns, said):
        other = change(self.TWO, "test3/bonafide/0", **columns)
        assert said in refused([self.ONE, other], (), "--rule", "fixed:0.5")

    def test_other_conditions(self, refused):
        more = table(rows(GOOD) + rows(GOOD, condition="D"), "b.csv", method="n")
        err = refused([self.ONE, more], (), "--rule", "fixed:0.5")
        assert "b.csv: has conditions R D, but" in err
        assert "--conditions" in err
        err = refused([self.ONE, more], (), "--rule", "fixed:0.5", "--conditions", "D")
        assert "a.csv: has no scores of condition D" in err

    def test_dev_and_test_of_different_methods(self, refused):
        err = refused([self.ONE, self.TWO], [self.DEV, replace(self.DEV, name="b-dev.csv")])
        assert "method is 'n', but" in err

    def test_dev_with_one_class(self, refused):
        only = replace(self.DEV_TWO, rows=self.DEV.rows.filter(pl.col("label") == "bonafide"))
        err = refused([self.ONE, self.TWO], [self.DEV, only])
        assert "b-dev.csv" in err
        assert "no attack presentation was answered" in err

    def test_subject_in_both(self, refused):
        known = change(self.DEV_TWO, "dev2/print/0", subject_id="test5")
        err = refused([self.ONE, self.TWO], [self.DEV, known])
        assert "b-dev.csv" in err
        assert "subject_id 'test5' of row 'test5/" in err

    def test_splits_the_wrong_way_round(self, refused):
        assert "split" in refused([self.DEV, self.DEV_TWO], (), "--rule", "fixed:0.5")

    def test_unknown_rule(self, refused):
        assert "rule 'err@dev'" in refused([self.ONE, self.TWO], (), "--rule", "err@dev")

    def test_unknown_rate(self):
        with pytest.raises(BadInput, match="did you mean 'bpcer'"):
            compare([self.ONE, self.TWO], [], None, by="bpcr")


class TestWords:
    def test_no_difference_is_no_likeness(self):
        _, content = pair(GOOD, GOOD)
        said = wording.pair_sentence(content["summary"][0], content)
        assert said.startswith("No difference in ACER pooled is shown between b and a.")
        assert "does not show them to be alike" in said

    def test_other_rates_are_not_hidden(self):
        """BPCER falls as APCER rises: ACER does not differ, but its parts do."""
        strict = [((0.9, 0.1), (0.1,), (0.2,)) if i < 16 else k for i, k in enumerate(GOOD)]
        lax = [((0.9, 0.9), (0.1,), (0.8,)) if i < 16 else k for i, k in enumerate(GOOD)]
        found, content = pair(strict, lax)
        assert found["differences"]["acer_pooled"]["value"] == 0
        said = wording.other_rates_sentence(content["summary"][0], content)
        assert "BPCER is lower in R" in said
        assert "APCER max is higher in R" in said

    def test_protocols_name_the_cells(self):
        tests = [
            table(rows(GOOD) + rows(GOOD, protocol="p@2"), name) for name in ("a.csv", "b.csv")
        ]
        content = content_of(tests)
        names = [wording.cell_name(cell, content["cells"]) for cell in content["cells"]]
        assert names == ["p@1 R", "p@2 R"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A folder with a comparison of three systems in two conditions, one silent once."""
    silent = [((None, 0.9), *GOOD[0][1:]), *GOOD[1:]]
    tests = [
        table(rows(s) + rows(s, condition="D"), f"{n}.csv", method=n)
        for n, s in (("a|b", GOOD), ("<worse>", WORSE), ("silent", silent))
    ]
    folder = tmp_path_factory.mktemp("compare") / "new" / "folder"
    compare(tests, [], folder, "fixed:0.5", draws=DRAWS)
    return folder


class TestWritten:
    def test_files(self, out):
        names = {file.name for file in out.iterdir()}
        assert names == {"compare.json", "compare.md", "compare.png", "compare.svg"}
        content = json.loads((out / "compare.json").read_text())
        assert content["schema"] == "flexpad.compare/1"
        with Image.open(out / "compare.png") as image:
            assert image.width > 1000
            assert len(image.getcolors(1 << 20)) > 20
        assert "Differences from" in (out / "compare.svg").read_text()

    def test_markdown_tables_are_whole(self, out):
        text = (out / "compare.md").read_text()
        assert "](compare.png)" in text
        assert "a\\|b" in text
        assert "<worse>" not in text.replace("\\<", "").split("## ")[1].split("\n")[0]
        widths, tables = None, 0
        for line in text.splitlines():
            if line.startswith("|"):
                cells = line.replace("\\|", "").count("|")
                tables += widths is None
                assert widths in (None, cells), line
                widths = cells
            else:
                widths = None
        assert tables == 2 * 2 + 3

    def test_failing_leaves_nothing_half_done(self, out, monkeypatch):
        before = {file.name: file.read_bytes() for file in out.iterdir()}

        def fail(*_):
            raise OSError("disk full")

        monkeypatch.setattr(write.style, "save", fail)
        tests = [table(rows(GOOD), "a.csv"), table(rows(WORSE), "b.csv")]
        with pytest.raises(OSError, match="disk full"):
            compare(tests, [], out, "fixed:0.5", draws=DRAWS)
        assert {file.name: file.read_bytes() for file in out.iterdir()} == before
