"""The page, the figures, groups, the paper's rows: what an evaluator is shown, and nothing else."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from flexpad import calibrate, score_table
from flexpad.report import ReportOptions, paper, render_paper, report, wording, write
from flexpad.report.breakdown import banded, columns_for
from flexpad.report.figures import NAMES, Panels, style
from flexpad.types import CONDITIONS, BadInput
from tests.test_report import DEV, TEST, change, full, rows, show, table

DASH = wording.DASH


@pytest.fixture(autouse=True)
def drawn_plainly(request, monkeypatch):
    """Drawing takes most of the time; only tests of figures draw."""
    if "drawn" not in request.node.name and "page" not in request.fixturenames:
        monkeypatch.setattr(write, "draw_figures", lambda *_: list(NAMES))
        monkeypatch.setattr(write, "draw_panels", lambda *_: Panels("", {}, {}, {}))


def grouped(split, dataset="set"):
    """Two sexes, of which one is rejected more often; ages that are many; a species of each."""
    species = {"print_a": [0.1, 0.2, 0.3, 0.72], "mask": [0.2, 0.65, 0.7, 0.75]}
    content = [r for c in CONDITIONS for r in rows(split, c, [0.9, 0.8, 0.7, 0.3], **species)]
    scored = table(content, f"{split}.csv", method="m1", manifest_list_test="list.txt sha256 ab")
    number = pl.col("sample_id").str.extract(r"(\d+)$").cast(pl.Int64)
    return change(
        scored,
        dataset=pl.lit(dataset),
        group_sex=pl.when(number % 2 == 0).then(pl.lit("f")).otherwise(pl.lit("m")),
        group_age=(20 + 3 * number).cast(pl.String),
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A whole report with everything on, drawn: its folder."""
    out = tmp_path_factory.mktemp("page") / "out"
    options = ReportOptions(calibration="platt", like="paper", rule="bpcer<=25%@dev")
    report(grouped("dev", "synth_surf"), grouped("test", "synth_surf"), out, options)
    return out


class Page(HTMLParser):
    """Tags in balance, ids, and everything that would be fetched."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.fetched, self.tags = [], [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        for key in ("src", "href", "xlink:href", "srcset", "data", "action"):
            if key in given and not given[key].startswith("#"):
                self.fetched.append((tag, given[key]))
        if tag not in ("meta", "br", "link", "img", "input", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def every_rate(value, path=()):
    """The leaves of report.json that are rates."""
    skipped = ("header", "bins", "errors", "chosen_on", "bootstrap", "paper", "common_threshold")
    skipped += ("intervals", "clustered_intervals", "tpr_at_fpr_intervals", "curve_intervals")
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in (*skipped, "interval", "clustered_interval", "tables"):
                yield from every_rate(inner, (*path, key))
    elif isinstance(value, float) and path[-1] not in ("threshold", "confidence", "prior"):
        yield path, value


DOCS = Path(__file__).parents[1] / "docs" / "report"


@pytest.mark.parametrize("shown", ["made here", "docs"])
def test_page_holds_every_rate_of_the_json(page, shown):
    folder = page if shown == "made here" else DOCS
    content = json.loads((folder / "report.json").read_text())
    text = re.sub(r"<svg.*?</svg>", "", (folder / "report.html").read_text(), flags=re.DOTALL)
    words = set(re.findall(r"[-\d.]+", re.sub(r"<[^>]+>", " ", text)))
    found = list(every_rate(content))
    assert len(found) > 300
    for path, value in found:
        word = wording.area(value) if path[-1] == "auc" else wording.percent(value)
        assert word in words, (path, value)


def test_page_holds_every_interval_and_count_of_a_species(page):
    content = json.loads((page / "report.json").read_text())
    text = (page / "report.html").read_text()
    for entry in content["conditions"].values():
        for found in entry["species"].values():
            assert f"<td>{wording.interval(found['interval'])}</td>" in text
            assert f"<td>{wording.interval(found['clustered_interval'])}" in text
        for rate in ("bpcer", "apcer_max", "apcer_pooled", "acer_max", "acer_pooled"):
            for key in ("intervals", "clustered_intervals"):
                assert wording.interval(entry[key][rate]) in text


@pytest.mark.parametrize("shown", ["made here", "docs"])
def test_page_needs_nothing_but_itself(page, shown):
    text = ((page if shown == "made here" else DOCS) / "report.html").read_text()
    read = Page(text)
    assert read.open == []
    assert len(read.ids) == len(set(read.ids)) > 100
    assert read.fetched == []
    assert read.tags.isdisjoint({"script", "link", "iframe", "img", "object", "base"})
    assert not re.search(r"https?://|@import|//cdn", text)
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    targets = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text))
    assert {a or b for a, b in targets} <= set(read.ids)


def test_first_screen_of_the_page(page):
    first = (page / "report.html").read_text().split("<h2")[0]
    for words in (
        "nothing about real faces",
        "bpcer&lt;=0.25@dev",
        "Worst species, RDI",
    ):
        assert words in first
    content = json.loads((page / "report.json").read_text())
    head = content["conditions"]["RDI"]
    assert head["threshold"] == 0.7
    assert (head["worst_species"], head["apcer_max"], head["bpcer"]) == ("mask", 0.5, 0.25)
    assert "50.0<small> % APCER" in first
    assert "25.0<small> % BPCER" in first
    assert "2 of 4 accepted" in first
    assert "1 of 4 rejected" in first
    assert wording.interval(head["clustered_intervals"]["apcer_max"]) in first
    for warned in content["warnings"]:
        assert warned["message"].replace("<", "&lt;").replace("'", "&#39;") in first


def test_first_screen_of_the_docs_is_small():
    for name in ("first-screen", "first-screen-dark", "first-screen-phone"):
        assert (DOCS / f"{name}.png").stat().st_size < 400_000


def test_data_statement_of_the_page(page):
    text = (page / "report.html").read_text()
    content = json.loads((page / "report.json").read_text())
    for split in ("dev", "test"):
        assert content["tables"][split]["sha256"] in text
    assert "list.txt sha256 ab" in text
    presented = content["tables"]["test"]["presented"]
    assert list(presented) == ["bonafide", "mask", "print_a"]
    assert presented["mask"] == {"n_items": 4, "n_videos": 2, "n_subjects": 2}
    for words in ("injection attacks", "self-test", "PAD subsystem"):
        assert words in text


def test_page_follows_light_dark_phone_and_paper(page):
    text = (page / "report.html").read_text()
    for words in ("prefers-color-scheme: dark", "@media print", "max-width: 560px", "viewport"):
        assert words in text
    drawings = "".join(re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL))
    assert ">threshold 0.7000<" in drawings  # only coordinates lose digits
    assert style.INK not in drawings
    assert "var(--ink)" in drawings
    assert "DejaVu" not in drawings


def test_figures_of_the_page_are_png_and_svg(page):
    names = {path.name for path in (page / "figures").iterdir()}
    assert names == {f"{name}.{ending}" for name in NAMES for ending in ("png", "svg")}
    for name in NAMES:
        assert (page / "figures" / f"{name}.svg").read_text().count("<text") > 5
        assert f"](figures/{name}.png)" in (page / "report.md").read_text() or name in (
            "conditions",
            "groups",
        )


def test_figures_of_an_older_report_do_not_stay_drawn(tmp_path):
    out = tmp_path / "out"
    report(grouped("dev"), grouped("test"), out)
    (out / "figures" / "mine.txt").write_text("kept")
    assert (out / "figures" / "groups.png").exists()
    report(DEV, TEST, out)
    assert not (out / "figures" / "groups.png").exists()
    assert (out / "figures" / "mine.txt").read_text() == "kept"


def test_strange_names_are_only_words_drawn(tmp_path):
    odd = pl.col("pai_species").str.replace("print", 'p$x_1$ <b>"&|', literal=True)
    dev, test = change(DEV, pai_species=odd), change(TEST, pai_species=odd)
    report(change(dev, group_a=pl.lit("<i>")), change(test, group_a=pl.lit("<i>")), tmp_path / "o")
    text = (tmp_path / "o" / "report.html").read_text()
    assert "<b>&" not in text
    assert "<i>" not in re.sub(r"<i class", "", text)
    assert "p$x 1$ &lt;b&gt;" in text
    assert Page(text).open == []


def test_oracle_is_loud_on_the_first_screen(tmp_path):
    report(DEV, TEST, tmp_path / "out", ReportOptions(rule="eer@test"))
    first = (tmp_path / "out" / "report.html").read_text().split("<h2")[0]
    assert first.count("ORACLE") >= 2
    assert "chosen on the test data itself" in first
    assert "chosen on test itself" in first


def test_undefined_stays_undefined_on_the_page(tmp_path):
    only = replace(TEST, rows=TEST.rows.filter(pl.col("label") == "bonafide"))
    report(DEV, only, tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    assert "no attack presentation was answered" in text
    assert "No attack was presented." in text
    assert "None" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    assert ">nan" not in text


def test_one_class_can_be_drawn(tmp_path):
    for label in ("bonafide", "attack"):
        only = replace(TEST, rows=TEST.rows.filter(pl.col("label") == label))
        report(DEV, only, tmp_path / label)
        assert (tmp_path / label / "figures" / "det.svg").exists()


def test_groups_worked_by_hand(tmp_path):
    options = ReportOptions(rule="fixed:0.7", group=("sex",))
    content = report(grouped("dev"), grouped("test"), tmp_path / "out", options)
    found = content["conditions"]["RDI"]["groups"]
    assert list(found) == ["group_sex"]
    sexes = found["group_sex"]
    # f: samples 0 and 2 of each kind, m: 1 and 3
    assert sexes["groups"]["f"]["bpcer"]["rate"] == 0  # 0.9, 0.7
    assert sexes["groups"]["m"]["bpcer"]["rate"] == 0.5  # 0.8, 0.3
    assert sexes["groups"]["f"]["apcer_max"]["rate"] == 0.5  # mask 0.2, 0.7
    assert sexes["groups"]["m"]["apcer_max"]["rate"] == 0.5  # mask 0.65, 0.75; print 0.2, 0.72
    assert sexes["gaps"]["bpcer"] == {"gap": 0.5, "lowest": "f", "highest": "m"}
    assert sexes["gaps"]["apcer_max"]["gap"] == 0
    assert sexes["gaps"]["apcer_pooled"]["gap"] == 0.25  # f 1 of 4, m 2 of 4
    text = (tmp_path / "out" / "report.html").read_text()
    assert "break-downs by demographic group" not in text


def test_ages_are_put_into_bands():
    many = grouped("test")
    ages = pl.int_range(pl.len()).mod(45).add(18).cast(pl.String)
    wide = change(many, group_age=ages, group_id=pl.col("sample_id") + pl.col("condition"))
    done = banded(wide, ("group_age", "group_sex", "group_id"))
    assert set(done.rows["group_age"]) == {"10-19", "20-29", "30-39", "40-49", "50-59", "60-69"}
    assert done.rows["group_sex"].equals(wide.rows["group_sex"])
    assert done.rows["group_id"].equals(wide.rows["group_id"])
    lacking = change(
        wide, group_age=pl.when(pl.col("group_sex") == "f").then("group_age").otherwise(pl.lit(""))
    )
    assert "" in set(banded(lacking, ("group_age",)).rows["group_age"])


def test_bands_do_not_change_which_table_was_measured(tmp_path):
    ages = pl.int_range(pl.len()).mod(45).add(18).cast(pl.String)
    test = change(grouped("test"), group_age=ages)
    content = report(grouped("dev"), test, tmp_path / "out", ReportOptions(group=("age",)))
    assert "20-29" in content["conditions"]["R"]["groups"]["group_age"]["groups"]
    assert content["tables"]["test"]["sha256"] == test.sha256


def test_too_many_groups_are_said_and_not_shown(tmp_path):
    named = change(TEST, group_name=pl.col("sample_id"))
    wide = replace(named, rows=pl.concat([named.rows] + [
        named.rows.with_columns(pl.col("sample_id", "group_name") + f"-{i}") for i in range(2)
    ]))  # fmt: skip
    content = report(DEV, wide, tmp_path / "out")
    found = content["conditions"]["R"]["groups"]["group_name"]
    assert found == {"groups": None, "groups_reason": "24 groups; at most 12 are shown"}
    assert "24 groups; at most 12 are shown." in (tmp_path / "out" / "report.html").read_text()


def test_unknown_group_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"test\.csv: has no column 'group_sx'; did you mean 'sex'"):
        report(grouped("dev"), grouped("test"), tmp_path / "out", ReportOptions(group=("sx",)))
    with pytest.raises(BadInput, match="has none"):
        columns_for(TEST, ("sex",))
    assert not (tmp_path / "out").exists()


def test_no_groups_are_a_gap_of_the_evaluation(tmp_path):
    report(DEV, TEST, tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    assert "not evidence of fairness" in text
    assert "break-downs by demographic group" in text


@pytest.mark.parametrize("method", calibrate.METHODS)
def test_calibrated_report(tmp_path, method):
    content = report(
        grouped("dev"), grouped("test"), tmp_path / "out", ReportOptions(calibration=method)
    )
    plain = report(grouped("dev"), grouped("test"), tmp_path / "plain")
    assert content["score_calibration"]["method"] == method
    assert content["score_calibration"]["prior"] == 0.5
    for name, entry in content["conditions"].items():
        before = plain["conditions"][name]
        assert all(entry[r] == before[r] for r in ("threshold", "bpcer", "apcer_max", "eer"))
        assert entry["reliability"]["before"] == before["reliability"]["before"]
        assert before["reliability"]["after"] is None
        assert 0 <= entry["reliability"]["after"]["ece"] <= 1
        assert 0 <= entry["threshold_probability"] <= 1
    written = calibrate.read(tmp_path / "out" / "calibration.json")
    assert written.probability.method == method
    assert method in (tmp_path / "out" / "report.html").read_text().split("<h2")[0]


def test_common_threshold_in_every_output(tmp_path):
    options = ReportOptions(common=True, calibration="platt")
    content = report(grouped("dev"), grouped("test"), tmp_path / "out", options)
    assert content["common_threshold"]["scale"] == "probability"
    text = (tmp_path / "out" / "report.html").read_text()
    assert "one common threshold" in text.split("<h2")[0]
    assert "one for all conditions of calibrated probabilities" in text
    assert "one for all conditions" in (tmp_path / "out" / "report.md").read_text()
    assert "one for all" in show(content)
    assert calibrate.read(tmp_path / "out" / "calibration.json").common is not None


def test_oracle_maps_still_come_from_dev(tmp_path):
    dev, test = grouped("dev"), grouped("test")
    options = ReportOptions(rule="eer@test", calibration="platt")
    content = report(dev, test, tmp_path / "out", options)
    assert content["oracle"]
    assert content["score_calibration"]["table_sha256"] == dev.sha256


def protocol(scored, name):
    return change(scored, protocol=pl.lit(name))


def test_paper_rows_worked_by_hand(tmp_path):
    """Two sub-protocols: ACER pooled 0.25 and 0.5 give mean 37.50 and sample std 17.68."""
    dev, test = full("dev"), full("test")
    worse = change(test, score=pl.when(pl.col("label") == "attack").then(0.6).otherwise("score"))
    fixed = ReportOptions(rule="fixed:0.55")
    first = report(protocol(dev, "cefa@4.1"), protocol(test, "cefa@4.1"), tmp_path / "1", fixed)
    options = replace(fixed, like="paper", sub_protocols=(tmp_path / "1" / "report.json",))
    second = report(protocol(dev, "cefa@4.2"), protocol(worse, "cefa@4.2"), tmp_path / "2", options)
    acers = [c["conditions"]["R"]["acer_pooled"] for c in (second, first)]
    assert acers == [0.75, 0.375]  # bona fide 1 of 2; attacks 4 of 4 and 1 of 4
    row = second["paper"]["rows"]["R"]["acer_pooled"]
    assert row["mean"] == pytest.approx(0.5625)
    assert row["std"] == pytest.approx(0.375 / 2**0.5)
    assert row["n"] == 2
    assert wording.spread(row) == "56.25 ± 26.52"
    assert second["paper"]["sub_protocols"] == ["cefa@4.2", "cefa@4.1"]
    assert {r["method"] for r in second["paper"]["published"]} == {"FM-ViT", "FMM-RPL"}
    text = (tmp_path / "2" / "report.html").read_text()
    assert "56.25 ± 26.52" in text
    assert "7.92 ± 0.72" in text
    assert "56.25 ± 26.52" in (tmp_path / "2" / "report.md").read_text()


def test_sub_protocols_of_one_table_have_thresholds_of_their_own(tmp_path):
    def two(split):
        content = full(split)
        low = change(
            protocol(content, "cefa@4.2"),
            score=pl.col("score") / 2,
            sample_id=pl.col("sample_id") + "b",
        )
        return replace(content, rows=pl.concat([protocol(content, "cefa@4.1").rows, low.rows]))

    content = report(two("dev"), two("test"), tmp_path / "out", ReportOptions(like="paper"))
    assert content["paper"]["sub_protocols"] == ["cefa@4.1", "cefa@4.2"]
    row = content["paper"]["rows"]["R"]["bpcer"]
    assert (row["std"], row["n"]) == (0, 2)  # halved scores, halved threshold: the same rates
    assert "several_protocols" in {w["code"] for w in content["warnings"]}


def test_published_rows_are_those_of_the_source():
    rows_of = {
        (r["protocol"], r["method"], r["condition"]): (r["value"], r["std"])
        for name in ("surf@1", "cefa@4", "wmca@grandtest")
        for r in paper.published(name)
    }
    assert len(rows_of) == 24
    assert [rows_of["surf@1", "FM-CLIP", c][0] for c in "RDI"] == [10.21, 3.02, 2.01]
    assert [rows_of["surf@1", "FMM-RPL", c][0] for c in "RDI"] == [5.53, 1.36, 3.34]
    assert [rows_of["surf@1", "FM-ViT", c][0] for c in "RDI"] == [12.38, 3.49, 2.59]
    assert [rows_of["surf@1", "CMS-Enhancer", c][0] for c in "RDI"] == [10.30, 3.18, 2.23]
    assert [rows_of["cefa@4", "FMM-RPL", c] for c in "RDI"] == [
        (7.92, 0.72), (2.18, 0.56), (2.15, 0.90),
    ]  # fmt: skip
    assert [rows_of["wmca@grandtest", "FMM-RPL", c][0] for c in "RDI"] == [0.00, 0.60, 0.58]
    assert paper.published("wmca@loo_prints") == []
    source = Path(paper.__file__).with_name("published.csv").read_text()
    assert all(
        row["rate"] == "acer" and "DOI" in row["source"]
        for row in csv.DictReader(source.splitlines())
    )


def test_published_rows_are_set_apart_from_rendered_ones(tmp_path):
    dev, test = full("dev", "synth_surf"), full("test", "synth_surf")
    content = report(dev, test, tmp_path / "out", ReportOptions(like="paper"))
    for name in ("report.html", "report.md"):
        text = (tmp_path / "out" / name).read_text()
        apart = text.index("Nothing above may be compared with anything below")
        ours, theirs = text[:apart], text[apart:]
        assert "12.38" in theirs
        assert "12.38" not in ours
        assert theirs.lower().index("published, real data") < theirs.index("12.38")
    from rich.console import Console

    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(render_paper(content))
    shown = captured.get()
    assert max(map(len, shown.splitlines())) <= 100
    above, _, below = shown.partition("published, real data")
    assert "RENDERED FACES, per frame, at eer@dev" in above
    assert "APCER pooled" in above
    assert "APCER max" in above
    assert "do not compare" in below
    assert "12.38" in below
    assert "12.38" not in above


def finished(tmp_path, name, **changes):
    """A report.json of its own, with some keys changed."""
    dev, test = (protocol(full(split), "cefa@4.1") for split in ("dev", "test"))
    content = report(dev, test, tmp_path / "first") | changes
    path = tmp_path / name
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"method": "other"}, "method is 'other', not 'fmm_rpl'"),
        ({"unit": "video"}, "unit is 'video', not 'frame'"),
        ({"rule": "fixed:0.5"}, "rule is 'fixed:0.5'"),
        ({"rendered": True}, "rendered is True, not False"),
        ({"schema": "flexpad.audit/1"}, "is no report; give a report.json"),
        ({}, "sub-protocol cefa@4.1 is given twice"),
    ],
)
def test_sub_protocols_that_do_not_belong_together_are_refused(tmp_path, changes, says):
    path = finished(tmp_path, "other.json", **changes)
    dev, test = (protocol(full(split), "cefa@4.1") for split in ("dev", "test"))
    options = ReportOptions(like="paper", sub_protocols=(path,))
    with pytest.raises(BadInput) as caught:
        report(dev, test, tmp_path / "out", options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ReportOptions(like="paper"), "has no condition D; the paper's table needs R, D, I"),
        (ReportOptions(sub_protocols=(Path("a.json"),)), "ask for like paper"),
        (ReportOptions(like="paper", sub_protocols=(Path("none.json"),)), "none.json: cannot be"),
        (ReportOptions(calibration="plat"), "calibration 'plat' is unknown"),
        (ReportOptions(rule="bpcer<=1"), "rule 'bpcer<=1' is unknown"),
    ],
)
def test_broken_options_write_nothing(tmp_path, options, says):
    with pytest.raises(BadInput) as caught:
        report(DEV, TEST, tmp_path / "out", options)
    assert says in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_command_line(tmp_path, capsys, monkeypatch):
    from flexpad import cli

    for name, scored in (("dev", grouped("dev")), ("test", grouped("test"))):
        score_table.write(scored, tmp_path / f"{name}.csv")
    out = tmp_path / "out"
    given = ["--rule", "bpcer<=25%@dev", "--calibration", "platt", "--common", "--group", "sex"]
    files = [str(tmp_path / "dev.csv"), str(tmp_path / "test.csv")]
    monkeypatch.setattr(
        "sys.argv", ["flexpad", "report", *files, "-o", str(out), *given, "--like", "paper"]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "bpcer<=0.25@dev" in shown
    assert "PUBLISHED, REAL DATA" in shown
    assert "report.html" in shown
    content = json.loads((out / "report.json").read_text())
    assert content["common_threshold"]["scale"] == "probability"
    assert list(content["conditions"]["R"]["groups"]) == ["group_sex"]
