"""Reports: figures worked by hand, honest words, and whole files or none."""

import json
import re
from dataclasses import replace

import polars as pl
import pytest
from PIL import Image
from rich.console import Console

from flexpad import calibrate, score_table
from flexpad.report import ReportOptions, claims, inspection, render_table, report, wording, write
from flexpad.report.figures import Panels, style
from flexpad.report.terminal import RATES
from flexpad.score_table import COLUMNS, ScoreTable
from flexpad.types import CONDITIONS, BadInput

DASH = wording.DASH
FILES = {"report.json", "report.md", "report.html", "calibration.json", "figures"}


def rows(split, condition, bonafide, **species):
    cells = [("bonafide", "", s) for s in bonafide]
    cells += [("attack", kind, s) for kind, scores in species.items() for s in scores]
    return [
        (
            f"{split}-{label}-{kind}-{i}",
            f"{split}-{label}-{kind}-{i // 2}",
            f"{split}-{i // 2}",
            "set",
            "surf@1",
            split,
            condition,
            label,
            kind,
            score,
        )
        for i, (label, kind, score) in enumerate(cells)
    ]


def table(content, name="scores.csv", **header):
    frame = pl.DataFrame(content, schema=list(COLUMNS), orient="row", infer_schema_length=None)
    frame = frame.with_columns(pl.col("score").cast(pl.Float64))
    return ScoreTable(frame, header, name)


def change(scored, **columns):
    return replace(scored, rows=scored.rows.with_columns(**columns))


# Dev puts the threshold at 0.7 in R (nearest EER of E1 is at 0.6, so test E1 there).
DEV = table(
    [
        *rows("dev", "R", [0.9, 0.8, 0.6], print=[0.5, 0.1]),
        *rows("dev", "RDI", [0.9, 0.8, 0.5], print=[0.4, 0.1], replay=[0.2]),
    ],
    "somewhere/dev.csv",
    method="m1",
)
TEST = table(
    [
        *rows("test", "R", [0.9, 0.8, 0.7, 0.4], print=[0.6, 0.3], replay=[0.2, 0.1]),
        *rows("test", "RDI", [0.9, 0.8, 0.7, None], print=[0.45, 0.3], replay=[0.2, 0.5]),
    ],
    "somewhere/test.csv",
    method="m1",
)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A folder with the report of DEV and TEST."""
    folder = tmp_path_factory.mktemp("report")
    report(DEV, TEST, folder)
    return folder


@pytest.fixture
def made(out):
    return json.loads((out / "report.json").read_text())


@pytest.fixture(autouse=True)
def drawn_plainly(request, monkeypatch):
    """Drawing takes most of the time; only tests of the figure draw."""
    if "drawn" not in request.node.name:
        monkeypatch.setattr(write, "draw_figures", lambda *_: ["det", "scores"])
        monkeypatch.setattr(write, "draw_panels", lambda *_: Panels("", {}, {}, {}))


def codes(content):
    return {warned["code"] for warned in content["warnings"]}


def test_figures_worked_by_hand(made):
    assert made["schema"] == "flexpad.report/1"
    assert (made["unit"], made["rule"], made["oracle"]) == ("frame", "eer@dev", False)
    assert list(made["conditions"]) == ["R", "RDI"]
    red = made["conditions"]["R"]
    assert red["threshold"] == 0.6
    assert (red["apcer_max"], red["worst_species"], red["apcer_pooled"]) == (0.5, "print", 0.25)
    assert (red["bpcer"], red["acer_max"], red["acer_pooled"]) == (0.25, 0.375, 0.25)
    assert (red["eer"], red["eer_interpolated"], red["auc"]) == (0.25, 0.25, 0.9375)
    assert red["tpr_at_fpr"] == {"0.01": 0.75, "0.001": 0.75, "0.0001": 0.75}
    assert red["tpr_at_fpr_supported"] == {"0.01": False, "0.001": False, "0.0001": False}
    assert (red["n_bonafide"], red["n_attack"]) == (4, 4)
    assert red["errors"] == {
        "bpcer": 1,
        "apcer_max": 1,
        "apcer_pooled": 1,
        "bpnrr": 0,
        "apnrr": 0,
    }
    assert red["species"]["replay"]["apcer"] == 0
    assert (red["species"]["print"]["errors"], red["species"]["print"]["n"]) == (1, 2)
    assert red["intervals"]["bpcer"] == pytest.approx([0.0063, 0.8059], abs=1e-4)
    assert red["chosen_on"]["split"] == "dev"
    assert (red["chosen_on"]["n_bonafide"], red["chosen_on"]["n_attack"]) == (3, 2)
    whole = made["conditions"]["RDI"]
    assert (whole["threshold"], whole["n_bonafide"], whole["n_bonafide_silent"]) == (0.5, 3, 1)
    assert (whole["bpcer"], whole["bpnrr"]) == (0, 0.25)
    assert whole["worst_species"] == "replay"


def test_files_carry_the_same_figures(out, made):
    assert {p.name for p in out.iterdir()} == FILES
    text = (out / "report.json").read_text()
    assert json.loads(text, parse_constant=lambda word: pytest.fail(f"{word}: no JSON")) == made
    calibration = calibrate.read(out / "calibration.json")
    assert calibration == calibrate.choose(DEV, "eer@dev", "frame")
    assert made["tables"]["dev"]["sha256"] == calibration.table_sha256 == DEV.sha256
    assert made["tables"]["dev"]["name"] == "dev.csv"  # no folder of somebody's machine
    markdown = (out / "report.md").read_text()
    assert "](figures/scores.png)" in markdown
    assert DEV.sha256 in markdown
    assert TEST.sha256 in markdown
    assert f"| **R** | 0.6000 | 25.0 [0.6{DASH}80.6] | 50.0 [1.3{DASH}98.7] | print |" in markdown


def test_markdown_first_screen(out):
    first = (out / "report.md").read_text().split("\n## ")[0]
    for words in (
        "`eer@dev`: accepted as bona fide iff score ≥ 0.5000",
        f"replay: APCER 50.0 [1.3{DASH}98.7], 1 of 2",
        f"BPCER 0.0 [0.0{DASH}70.8], 0 of 3",
        f"APCER 25.0 [0.6{DASH}80.6], 1 of 4",
        "bona fide 25.0, attack 0.0",
        "Fewer than 30 presentations in test",
    ):
        assert words in first


def test_markdown_lists_the_worst_species_first(out):
    text = (out / "report.md").read_text()
    sections = text.split("\n### ")
    assert sections[1].index("| print |") < sections[1].index("| replay |")
    assert sections[2].index("| replay |") < sections[2].index("| print |")
    assert "What was not tested" in text
    assert "self-test" in text


def every_markdown_row_fits(text):
    blocks = re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE)
    assert blocks
    for block in blocks:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_strange_names_do_not_break_the_markdown(tmp_path):
    odd = pl.col("pai_species").replace("print", "a|b <script>")
    report(change(DEV, pai_species=odd), change(TEST, pai_species=odd), tmp_path / "out")
    text = (tmp_path / "out" / "report.md").read_text()
    every_markdown_row_fits(text)
    assert "<script>" not in text
    assert "a\\|b &lt;script>" in text


def show(content, width=100):
    console = Console(width=width, record=True, color_system=None, file=None, quiet=False)
    with console.capture() as shown:
        console.print(render_table(content))
    return shown.get()


def full(split, dataset="set"):
    species = {"print_with_eyes_cut": [0.2, 0.6], "replay": [0.1, 0.3]}
    content = [r for c in CONDITIONS for r in rows(split, c, [0.9, 0.5], **species)]
    return change(table(content, f"{split}.csv", method="fmm_rpl"), dataset=pl.lit(dataset))


@pytest.mark.parametrize("width", [100, 120])
def test_terminal_table_fits_and_names_everything(tmp_path, width):
    shown = show(report(full("dev"), full("test"), tmp_path / "out"), width)
    lines = shown.splitlines()
    assert max(len(line) for line in lines) <= width
    assert "…" not in shown
    for words in ("fmm_rpl", "BPCER", "species", "eer@dev", "chosen on dev", "2 bona fide", "EER"):
        assert words in shown
    for condition in CONDITIONS:
        assert sum(line.startswith(f"{condition} ") for line in lines) >= 1
    assert f"[1.3{DASH}98.7]" in shown  # 1 of 2
    assert "print" in shown
    assert "rendered" not in shown.lower()


def test_mean_over_single_modalities(tmp_path):
    dev = full("dev")
    worse = (pl.col("condition") == "D") & (pl.col("label") == "bonafide")
    test = change(full("test"), score=pl.when(worse).then(0.0).otherwise("score"))
    content = report(dev, test, tmp_path / "out")
    single = [content["conditions"][name] for name in "RDI"]
    for rate in ("acer_pooled", "acer_max", "bpcer"):
        mean = sum(entry[rate] for entry in single) / 3
        assert content["mean_rdi_single"][rate] == pytest.approx(mean)
    row = next(line for line in show(content).splitlines() if line.startswith("mean"))
    means = [content["mean_rdi_single"][rate] for rate in RATES]
    assert row.split()[1:] == [wording.percent(mean) for mean in means]


def test_mean_without_all_three_has_a_reason(made):
    assert made["mean_rdi_single"] is None
    assert made["mean_rdi_single_reason"] == "condition D and I was not tested"


def test_rendered_faces_are_called_rendered_everywhere(tmp_path):
    content = report(full("dev", "synth_surf"), full("test", "synth_surf"), tmp_path / "out")
    assert content["rendered"]
    assert "rendered faces" in show(content).splitlines()[0].lower()
    text = (tmp_path / "out" / "report.md").read_text()
    first = text.splitlines()[0]
    assert "rendered" in first
    assert "nothing about real faces" in first
    tables = [s for s in text.split("\n## ")[1:] if re.search(r"^\|.*%?.*\|$", s, re.M)]
    with_rates = [s for s in tables if not s.startswith("What was tested")]
    assert len(with_rates) >= 4
    assert all("rendered faces" in s.splitlines()[0] for s in with_rates)


def test_real_data_are_not_called_rendered(out, made):
    assert not made["rendered"]
    assert "rendered" not in (out / "report.md").read_text()


def test_oracle_is_said_in_every_output(tmp_path):
    content = report(DEV, TEST, tmp_path / "out", ReportOptions(rule="eer@test"))
    assert content["oracle"]
    assert content["warnings"][0]["code"] == "oracle"
    assert content["conditions"]["R"]["chosen_on"]["split"] == "test"
    shown = show(content)
    assert "ORACLE" in shown.splitlines()[0]
    assert "never on test" not in shown
    text = (tmp_path / "out" / "report.md").read_text()
    assert "ORACLE" in text.split("\n## ")[0]
    assert json.loads((tmp_path / "out" / "calibration.json").read_text())["oracle"] is True


def test_granularity_is_of_the_split_the_threshold_comes_from(tmp_path):
    for split, size in (("dev", 3), ("test", 4)):
        content = report(DEV, TEST, tmp_path / split, ReportOptions(rule=f"bpcer<=0.01@{split}"))
        said = [w["message"] for w in content["warnings"] if w["code"] == "granularity"]
        assert f"finer than one error of {size} in {split}" in said[0]


def test_video_unit(tmp_path):
    content = report(DEV, TEST, tmp_path / "out", ReportOptions(unit="video"))
    assert content["unit"] == "video"
    red = content["conditions"]["R"]
    assert (red["n_bonafide"], red["n_attack"]) == (2, 2)
    assert red["bpcer"] == 0.5  # videos 0.85 and 0.55 at threshold 0.6
    assert "dependent_frames" not in codes(content)
    assert "videos" in show(content)
    assert content["tables"]["test"]["sha256"] == TEST.sha256


def test_target_rules(tmp_path):
    content = report(DEV, TEST, tmp_path / "out", ReportOptions(rule="apcer_max<=0.05@dev"))
    assert content["rule"] == "apcer_max<=0.05@dev"
    assert "granularity" in codes(content)
    content = report(DEV, TEST, tmp_path / "out", ReportOptions(rule="fixed:0.5"))
    assert content["conditions"]["R"]["threshold"] == 0.5
    assert content["conditions"]["R"]["chosen_on"]["split"] is None
    assert "chosen on no data" in show(content)


def test_nothing_is_accepted_where_no_threshold_keeps_the_target(tmp_path):
    highest = (pl.col("condition") == "R") & (pl.col("label") == "attack")
    dev = change(DEV, score=pl.when(highest).then(0.99).otherwise("score"))
    content = report(dev, TEST, tmp_path / "out", ReportOptions(rule="apcer_max<=0.05@dev"))
    red = content["conditions"]["R"]
    assert red["threshold"] is None
    assert "rejects everything" in red["threshold_reason"]
    assert (red["apcer_max"], red["bpcer"]) == (0, 1)
    assert "rejects_everything" in codes(content)
    assert "+∞" in show(content)


def test_one_class_in_test_is_undefined_with_a_reason(tmp_path):
    only = replace(TEST, rows=TEST.rows.filter(pl.col("label") == "bonafide"))
    red = report(DEV, only, tmp_path / "out")["conditions"]["R"]
    for rate in ("apcer_max", "apcer_pooled", "acer_max", "acer_pooled", "eer", "auc"):
        assert red[rate] is None
        assert "attack" in red[f"{rate}_reason"]
    assert red["bpcer"] == 0.25
    assert red["species"] == {}
    assert red["tpr_at_fpr"] == {"0.01": None, "0.001": None, "0.0001": None}
    assert "attack" in red["tpr_at_fpr_reason"]
    assert "No attack was presented." in (tmp_path / "out" / "report.md").read_text()
    every_markdown_row_fits((tmp_path / "out" / "report.md").read_text())


def test_silent_species_is_listed_and_warned_of(tmp_path):
    mute = pl.col("pai_species") == "replay"
    silent = change(TEST, score=pl.when(mute).then(None).otherwise("score"))
    content = report(DEV, silent, tmp_path / "out")
    entry = content["conditions"]["R"]["species"]["replay"]
    assert (entry["apcer"], entry["n"], entry["n_silent"], entry["apnrr"]) == (None, 0, 2, 1)
    assert "replay" in entry["apcer_reason"]
    assert {"species_without_answer", "non_response"} <= codes(content)


def test_inverted_scores_are_warned_of_and_not_flipped(tmp_path):
    flipped = change(TEST, score=1 - pl.col("score"))
    content = report(DEV, flipped, tmp_path / "out")
    assert content["conditions"]["R"]["auc"] == pytest.approx(0.0625)
    message = next(w["message"] for w in content["warnings"] if w["code"] == "polarity")
    assert "check polarity" in message
    assert "R" in message


@pytest.mark.parametrize(
    ("column", "old", "new"),
    [
        ("subject_id", "test-0", "dev-0"),
        ("video_id", "test-", "dev-"),
        ("sample_id", "test-", "dev-"),
    ],
)
def test_what_is_in_dev_is_not_tested_on(tmp_path, column, old, new):
    leaky = change(TEST, **{column: pl.col(column).str.replace(old, new)})
    with pytest.raises(BadInput, match=f"{column} 'dev-.*' of row '.*' is in .* too"):
        report(DEV, leaky, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_else_is_warned_of(tmp_path):
    assert codes(report(DEV, TEST, tmp_path / "a")) == {
        "small_sample",
        "non_response",
        "dependent_frames",
        "few_subjects",
        "no_error_seen",
    }
    unseen = change(TEST, pai_species=pl.col("pai_species").str.replace("print", "mask"))
    assert "unseen_species" in codes(report(DEV, unseen, tmp_path / "f"))
    elsewhere = change(TEST, dataset=pl.lit("other"), protocol=pl.lit("wmca@grandtest"))
    assert {"other_dataset", "other_protocol"} <= codes(report(DEV, elsewhere, tmp_path / "d"))
    flat = change(TEST, score=pl.lit(0.5))
    assert "constant_scores" in codes(report(DEV, flat, tmp_path / "e"))


def test_good_tables_are_not_warned_of(tmp_path):
    def large(split):
        bonafide = [0.5 + i / 200 for i in range(100)]
        content = rows(split, "R", bonafide, print=[0.4 - i / 200 for i in range(60)])
        return change(table(content), video_id=pl.col("sample_id"))

    first, second = report(large("dev"), large("test"), tmp_path / "out")["warnings"]
    assert {first["code"], second["code"]} == {"no_error_seen"}
    # no error of 100 bona fides of 50 subjects, of 60 attacks of 30: 1 - 0.05 ** (1 / n)
    assert "up to 3.0 % by 100 presentations and 5.8 % by 50 subjects" in first["message"]
    assert "up to 4.9 % by 60 presentations and 9.5 % by 30 subjects" in second["message"]


def only_r(scored):
    return replace(scored, rows=scored.rows.filter(pl.col("condition") == "R"))


def both(one, other):
    return replace(one, rows=pl.concat([one.rows, other.rows]))


@pytest.mark.parametrize(
    ("dev", "test", "rule", "unit", "says"),
    [
        (TEST, TEST, "eer@dev", "frame", "test.csv: has rows of split test; give a table of dev"),
        (DEV, DEV, "eer@dev", "frame", "dev.csv: has rows of split dev; give a table of test"),
        (both(DEV, TEST), TEST, "eer@dev", "frame", "rows of split test"),
        (only_r(DEV), TEST, "eer@dev", "frame", "dev.csv: has no scores of condition RDI"),
        (DEV, replace(TEST, header={"method": "m2"}), "eer@dev", "frame", "method is 'm2'"),
        (
            DEV,
            change(TEST, sample_id=pl.lit("dev-bonafide--0")),
            "eer@dev",
            "frame",
            "sample_id 'dev-bonafide--0' of row 'dev-bonafide--0' is in somewhere/dev.csv too",
        ),
        (DEV, TEST, "eer@dve", "frame", "rule 'eer@dve' is unknown"),
        (DEV, TEST, "eer@dev", "clip", "unit 'clip' is unknown"),
        (
            replace(DEV, rows=DEV.rows.filter(pl.col("label") == "attack")),
            TEST,
            "eer@dev",
            "frame",
            "dev.csv: no threshold eer@dev in condition R: no bona fide",
        ),
        (
            DEV,
            change(TEST, video_id=pl.lit("v")),
            "eer@dev",
            "video",
            "test.csv: video 'v' has label 'attack' and 'bonafide'",
        ),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, dev, test, rule, unit, says):
    with pytest.raises(BadInput) as caught:
        report(dev, test, tmp_path / "out", ReportOptions(rule, unit))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("step", ["draw_figures", "draw_panels", "render_markdown", "render_html"])
def test_failure_leaves_nothing_half_written(tmp_path, monkeypatch, step):
    def fail(*_args):
        raise OSError("disk full")

    monkeypatch.setattr(write, step, fail)
    with pytest.raises(OSError, match="disk full"):
        report(DEV, TEST, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def files_of(folder):
    found = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


def test_failure_keeps_what_was_there(tmp_path, monkeypatch):
    out = tmp_path / "out"
    report(DEV, TEST, out)
    (out / "manifest.csv").write_text("kept")
    before = files_of(out)
    monkeypatch.setattr(write, "render_markdown", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report(DEV, TEST, out, ReportOptions(rule="fixed:0.1"))
    assert files_of(out) == before


def test_same_tables_give_the_same_bytes_drawn_twice(tmp_path):
    report(DEV, TEST, tmp_path / "a")
    report(DEV, TEST, tmp_path / "b")
    assert len(files_of(tmp_path / "a")) == 4 + 2 * 5  # every figure but groups, in two formats
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_tables_from_files_give_the_file_hashes(tmp_path):
    import hashlib

    for scored in (DEV, TEST):
        score_table.write(scored, tmp_path / scored.name.split("/")[-1])
    dev, test = (score_table.read(tmp_path / name) for name in ("dev.csv", "test.csv"))
    content = report(dev, test, tmp_path / "out", ReportOptions(unit="video"))
    for split in ("dev", "test"):
        digest = hashlib.sha256((tmp_path / f"{split}.csv").read_bytes()).hexdigest()
        assert content["tables"][split]["sha256"] == digest
        assert str(tmp_path) not in (tmp_path / "out" / "report.md").read_text()


def drawn_areas(path):
    """Pixels of each colour."""
    with Image.open(path) as figure:
        seen = figure.convert("RGB").getcolors(maxcolors=2**24)
    return {"#{:02x}{:02x}{:02x}".format(*colour): count for count, colour in seen}


def test_errors_are_drawn_in_their_colours(tmp_path):
    """R has both kinds of error; separable scores have none."""
    report(only_r(DEV), only_r(TEST), tmp_path / "a")
    wrong = {style.BONAFIDE_ERROR, style.ATTACK_ERROR}
    right = {style.BONAFIDE, style.ATTACK}
    with_errors = drawn_areas(tmp_path / "a" / "figures" / "scores.png")
    assert all(with_errors.get(colour, 0) > 200 for colour in wrong | right)
    apart = change(only_r(TEST), score=pl.when(pl.col("label") == "attack").then(0.1).otherwise(1))
    report(only_r(DEV), apart, tmp_path / "b")
    without = drawn_areas(tmp_path / "b" / "figures" / "scores.png")
    legend_alone = 450  # pixels of a legend swatch
    assert all(without.get(colour, 0) < legend_alone for colour in wrong)
    assert all(without[colour] > legend_alone for colour in right)


def test_scores_beyond_zero_to_one_are_drawn(tmp_path):
    dev, test = (change(t, score=20 * pl.col("score") - 10) for t in (DEV, TEST))
    report(dev, test, tmp_path / "out")
    assert (tmp_path / "out" / "figures" / "scores.png").stat().st_size > 5000


def test_schema_document_names_every_key(made):
    """docs/report-schema.md and report.json cannot drift apart."""
    from pathlib import Path

    text = (Path(__file__).parents[1] / "docs" / "report-schema.md").read_text()

    def keys(value, path=()):
        if isinstance(value, dict):
            named = ("conditions", "species", "header", "tables", "groups", "presented", "rows")
            free = path and path[-1] in (*named, "curve_intervals", "gaps")
            free = free or (path and path[-1].startswith(("tpr_at_fpr", "bpcer_at_apcer")))
            for key, inner in value.items():
                if not free:
                    yield key
                yield from keys(inner, (*path, key))
        if isinstance(value, list):
            for inner in value:
                yield from keys(inner, path)

    missing = {k for k in keys(made) if f"`{k.removesuffix('_reason')}`" not in text}
    assert missing == set()


def test_every_warning_is_documented():
    from pathlib import Path

    text = (Path(__file__).parents[1] / "docs" / "report-schema.md").read_text()
    source = "".join(Path(module.__file__).read_text() for module in (inspection, claims))
    found = set(re.findall(r'Warned\(\s*"(\w+)"', source))
    found |= {"other_dataset", "other_protocol"}
    assert len(found) >= 14
    assert {code for code in found if f"`{code}`" not in text} == set()


@pytest.mark.parametrize(
    ("rate", "text"), [(0, "0.0"), (0.0314, "3.1"), (1, "100"), (0.9999, "100.0"), (None, DASH)]
)
def test_percent(rate, text):
    assert wording.percent(rate) == text
