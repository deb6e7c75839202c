"""Challenge submissions: one score a line, beside a list file that says what the lines are of.

Three forms are read: a bare score a line, in the order of the list; ``path score``, as for
CASIA-SURF CeFA (2020); and ``rgb depth ir score``, as for CASIA-SURF (2019). In the second and
third the paths decide, not the order. What the organisers had joined into one file is taken apart
by lines: a CeFA submission holds ``4@1_dev, 4@1_test, 4@2_dev, ...`` one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from flexpad.data import lists
from flexpad.data.findings import Findings
from flexpad.foreign.declaration import Declaration, list_labels
from flexpad.foreign.rows import UNSPECIFIED, ForeignScores, sha256_of
from flexpad.types import ATTACK, BONAFIDE, BadInput

THREE_PATHS = 4  # columns of a list with RGB, depth and IR
# What a path says about its label where its data set puts it there: the folders and ``.rssdk``
# names of CASIA-SURF, the last digit of CeFA's 2D names, the type digit of WMCA (their readmes).
BONAFIDE_PATHS = re.compile(
    r"(^|/)real_part/|/real\.rssdk(/|$)|(^|/)[123]_\d{3}_1_1_1(/|$)|(^|/)\d{3}_\d\d_\d{3}_0_\d\d(/|\.|$)"
)
ATTACK_PATHS = re.compile(
    r"(^|/)fake_part/|(^|/)[123]_\d{3}_\d_\d_[2-4](/|$)|(^|/)\d{3}_\d\d_\d{3}_[1-5]_\d\d(/|\.|$)"
    r"|(^|/)(3D-Mask|Silicone-Mask)/"
)
Numbered = tuple[int, str]


def read_submission(
    path: Path, listing: Path | None, part: str, declared: Declaration
) -> ForeignScores:
    """Read a submission, or part of it, against the list it answers.

    Args:
        path: The submission.
        listing: The list: ``path label`` a line, or ``rgb depth ir label``.
        part: Lines of the submission to read, e.g. ``201-2400``; "" = all.
        declared: Its label values and patterns.

    Raises:
        BadInput: A file cannot be read, an item of the list has no line or two, a line is of an
            item that is not listed, labels contradict what the paths say, or a pattern finds
            nothing in a path.
    """
    if listing is None:
        raise BadInput(f"{path}: say which list it answers with --listing")
    listed = _read_list(listing, declared)
    answers = _match(path, _lines(path, part), listed)
    items = [line.paths[0] for line in listed.lines]
    kinds = [line.label for line in listed.lines]
    videos = _found(declared.video, "video", items, listing)
    rows = pl.DataFrame(
        {
            "sample_id": items,
            "video_id": items if declared.unit == "video" and not declared.video else videos,
            "subject_id": _found(declared.subject, "subject", items, listing),
            "label": kinds,
            "pai_species": _species(declared.species, items, kinds, listing),
            "score": [score for _, score in answers],
        }
    )
    sources = {
        "source": f"{path.name} sha256 {sha256_of(path)}" + (f" lines {part}" if part else ""),
        "list": f"{listing.name} sha256 {listed.sha256}",
    }
    return ForeignScores(rows, path, tuple(number for number, _ in answers), sources)


def _read_list(path: Path, declared: Declaration) -> lists.ListFile:
    """Read the list; nothing may be wrong with it, or its lines would answer to other scores."""
    findings = Findings()
    listed = lists.read(path, list_labels(declared), findings, _columns(path))
    lists.check_labels(listed, [_told_by(line) for line in listed.lines], findings)
    findings.refuse_errors()
    left_out = [problem for problem in findings if problem.kind in findings.dropped]
    if left_out:
        raise BadInput(f"{left_out[0].examples[0]}; give every item one line")
    return listed


def _columns(listing: Path) -> int:
    """Four for a list of RGB, depth and IR paths, else two."""
    try:
        with listing.open(encoding="utf-8-sig") as text:
            first = next((line.split() for line in text if line.strip()), [])
    except (OSError, UnicodeDecodeError):
        return 2  # reading it says what is wrong
    return THREE_PATHS if len(first) == THREE_PATHS else 2


def _lines(path: Path, part: str) -> list[Numbered]:
    """The wanted lines with their numbers, without outer blanks."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text") from error
    numbered = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    if not part:
        return numbered
    match = re.fullmatch(r"(\d+)-(\d+)", part)
    first, last = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= first <= last:
        raise BadInput(f"lines {part!r} should be first-last, counted from 1, e.g. 201-2400")
    if last > len(numbered):
        raise BadInput(f"{path}: has {len(numbered)} lines, not {last}")
    return numbered[first - 1 : last]


def _match(path: Path, lines: Sequence[Numbered], listed: lists.ListFile) -> list[Numbered]:
    """For each item of the list the line number and text of its score, "" for a non-response."""
    keys = [" ".join(line.paths) for line in listed.lines]
    if not any(" " in text or "\t" in text or text in keys[:1] for _, text in lines):
        return _by_order(path, lines, listed)
    wanted = set(keys)
    answers: dict[str, Numbered] = {}
    for number, text in lines:
        if not text:
            continue
        key, score = _take_apart(text, wanted)
        if key not in wanted:
            raise BadInput(f"{path}, line {number}: {key!r} is not in {listed.path}")
        if key in answers:
            raise BadInput(
                f"{path}, line {number}: {key!r} has a score in line {answers[key][0]} already"
            )
        answers[key] = (number, score)
    missing = [key for key in keys if key not in answers]
    if missing:
        raise BadInput(
            f"{path}: has no line for {missing[0]!r} of {listed.path} ({len(missing)} of"
            f" {len(keys)} items); give every item a line, with NaN where there was no response"
        )
    return [answers[key] for key in keys]


def _by_order(path: Path, lines: Sequence[Numbered], listed: lists.ListFile) -> list[Numbered]:
    """Bare scores: as many lines as the list has, an empty one is a non-response."""
    if len(lines) != len(listed.lines):
        raise BadInput(
            f"{path}: has {len(lines)} scores for the {len(listed.lines)} items of {listed.path};"
            " give one line each, or say which with --lines"
        )
    return list(lines)


def _take_apart(text: str, wanted: set[str]) -> tuple[str, str]:
    """The item and its score; a line that names an item and no score is a non-response."""
    whole = " ".join(text.split())
    if whole in wanted:
        return whole, ""
    *paths, score = text.rsplit(None, 1)
    return (" ".join(paths[0].split()) if paths else whole), score


def _told_by(line: lists.Line) -> str:
    """The label a path tells, "" if it tells none."""
    path = line.paths[0]
    if BONAFIDE_PATHS.search(path):
        return BONAFIDE
    return ATTACK if ATTACK_PATHS.search(path) else ""


def _species(pattern: str, items: Sequence[str], kinds: Sequence[str], listing: Path) -> list[str]:
    """The species of attacks by the pattern, which need not fit a bona fide."""
    if not pattern:
        return [UNSPECIFIED if kind == ATTACK else "" for kind in kinds]
    attacks = [item for item, kind in zip(items, kinds, strict=True) if kind == ATTACK]
    found = iter(_found(pattern, "species", attacks, listing))
    return [next(found) if kind == ATTACK else "" for kind in kinds]


def _found(pattern: str, what: str, items: Sequence[str], listing: Path) -> list[str]:
    """What the pattern's group finds in every path, "" without a pattern."""
    if not pattern:
        return [""] * len(items)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise BadInput(f"{what} {pattern!r}: is no regular expression ({error})") from error
    if expression.groups != 1:
        raise BadInput(f"{what} {pattern!r}: needs one group in round brackets, the {what}")
    found = []
    for item in items:
        match = expression.search(item)
        if match is None or not match[1]:
            raise BadInput(f"{listing}: {what} {pattern!r} finds nothing in {item!r}")
        found.append(match[1])
    return found
