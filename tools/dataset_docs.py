"""Fill what docs/datasets*.md show of flexpad's own output, between their marked lines.

``python -m tools.dataset_docs [LISTS]``: audit transcripts on the miniature trees of the tests, the
matrix of broken twins, the kinds of problems, and, with a folder of the real list files, what they
hold beside what was published.
"""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.page import fill
from rich.console import Console
from tests.trees import TREES
from tests.trees.tree import TWINS

from flexpad import log
from flexpad.audit import Audit, audit
from flexpad.audit.terminal import render
from flexpad.data import protocols
from flexpad.data.findings import KINDS
from flexpad.data.reading import ReadOptions
from flexpad.readers import READERS
from flexpad.types import BadInput

DOCS = Path(__file__).parents[1] / "docs"
INDEX = DOCS / "datasets.md"


def transcript(name: str) -> str:
    """What ``flexpad data`` prints for the first layout of a reader's miniature tree."""
    layout = READERS[name].layouts[0].name
    tree = TREES[name, layout]
    with TemporaryDirectory() as folder:
        root = tree.write(Path(folder) / "data")
        found = audit(name, root, ReadOptions(layout), tree.protocol, deep=True)
        options = f" --protocol {tree.protocol}" if tree.protocol else ""
        text = f"$ flexpad data {name} data{options} --deep\n{_in_words(found)}"
        return "```\n" + text.replace(str(root.resolve()), "data").rstrip() + "\n```"


def kinds() -> str:
    """The kinds of problems as a table."""
    lines = ["| kind | | what | |", "|---|---|---|---|"]
    lines += [
        f"| `{name}` | {kind.severity} | {kind.meaning} | {kind.advice} |"
        for name, kind in KINDS.items()
    ]
    return "\n".join(lines)


def protocol_list() -> str:
    """The protocols, those that leave one thing out in one line for each data set."""
    families: dict[str, list[str]] = {}
    for name in protocols.PROTOCOLS:
        left, loo, out = name.partition("@loo_")
        families.setdefault(f"{left}@loo_…" if loo else name, []).append(out)
    lines = []
    for family, left_out in families.items():
        name = family.replace("…", left_out[0])
        summary = protocols.PROTOCOLS[name].summary
        others = f", and so on: {', '.join(left_out[1:])}" if left_out[1:] else ""
        lines.append(f"- `{name}`: {summary}{others}")
    return "\n".join(lines)


def twins() -> str:
    """What an audit finds in each broken twin of each layout."""
    head = " | ".join(f"{twin.replace('_', ' ')}" for twin in TWINS)
    lines = [f"| layout | {head} |", "|---" * (len(TWINS) + 1) + "|"]
    for (name, layout), tree in sorted(TREES.items()):
        cells = [
            "-" if twin in tree.not_applicable else _outcome(name, layout, twin) for twin in TWINS
        ]
        lines.append(f"| {name} {layout} | {' | '.join(cells)} |")
    return "\n".join(lines)


def counts(lists: Path) -> str:
    """What the real list files hold, beside the published counts."""
    found = {
        "surf@1": ("casia_surf", lists / "surf"),
        **{f"cefa@{p}": ("casia_cefa", lists / "cefa") for p in ("1.1", "4.1", "4.2", "4.3")},
        "wmca@grandtest": ("wmca", lists / "wmca"),
    }
    lines = [
        "| protocol | split | what | videos | published | subjects | published |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for protocol, (name, folder) in found.items():
        for entry in _lists_only(name, folder, protocol).counts:
            said = entry.published
            cells = [protocol, entry.split, entry.what, entry.videos, said and said.videos]
            cells += [entry.subjects, said and said.subjects]
            lines.append("| " + " | ".join("" if c is None else str(c) for c in cells) + " |")
    return "\n".join(lines)


def _lists_only(name: str, folder: Path, protocol: str) -> Audit:
    """Audit bare list files by putting them where their layout has them."""
    place = {"casia_surf": "CASIA_SURF/protocol", "casia_cefa": "CASIA_CeFA/protocol", "wmca": "."}
    with TemporaryDirectory() as root:
        target = Path(root) / place[name]
        target.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            (target / path.name).write_bytes(path.read_bytes())
        return audit(name, Path(root), ReadOptions(lists_only=True), protocol)


def _outcome(name: str, layout: str, twin: str) -> str:
    with TemporaryDirectory() as folder:
        root = TREES[name, layout].write(Path(folder) / "data", **{twin: True})
        options = ReadOptions(None if twin == "two_layouts" else layout)
        try:
            found = audit(name, root, options, deep=twin == "truncated_image")
        except BadInput:
            return "refused"
        named = {problem.kind: problem.severity for problem in found.reading.findings}
        hit = next(kind for kind in TWINS[twin] or () if kind in named)
        return f"{named[hit]}"


def _in_words(found: Audit) -> str:
    text = StringIO()
    Console(file=text, width=100).print(render(found))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def main() -> None:
    """Fill every page."""
    log.console.quiet = True  # no progress bars between
    for name in READERS:
        fill(DOCS / "datasets" / f"{name}.md", "transcript", transcript(name))
    fill(INDEX, "kinds", kinds())
    fill(INDEX, "twins", twins())
    fill(INDEX, "protocols", protocol_list())
    if len(sys.argv) > 1:
        fill(INDEX, "counts", counts(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
