"""How far statistics that know nothing of faces get on rendered sets, in every protocol.

    python benchmarks/shortcuts.py FOLDER... [--protocols NAME...] [--out FILE]

A folder is what ``flexpad synth`` wrote, in any layout. Without names every protocol of its family
is measured but those that train on one modality and test on others. With ``--out``, rows of the
same protocols are replaced in a file such as benchmarks/results/shortcuts.csv, others stay.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rows import put

from flexpad import readers
from flexpad.audit.shortcuts import Shortcut, audit_shortcuts
from flexpad.audit.shortcuts_terminal import render
from flexpad.data import protocols
from flexpad.data.rendered import FILE_NAME
from flexpad.log import console
from flexpad.score import source_commit
from flexpad.synth.families import FAMILIES
from flexpad.synth.layouts import LAYOUTS

RATES = ("bpcer", "apcer_pooled", "apcer_max", "acer_pooled", "auc")
COLUMNS = ("protocol", "modality", "what", *RATES, "leading", "commit", "set")
ACROSS_MODALITIES = "synth-cefa@3."  # no modality is in train and in test there


def main() -> None:
    """Measure, print and, if asked to, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--protocols", nargs="*", default=())
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    for folder in options.folders:
        written = about(folder)
        layout = LAYOUTS[written["settings"]["layout"]]
        names = options.protocols or protocols_of(written["settings"]["family"])
        found = audit_shortcuts(readers.read(layout.reader, folder), names)
        console.print(render(found))
        if options.out:
            rows = [row_of(written["name"], shortcut) for shortcut in found]
            put(options.out, COLUMNS, rows, key=["protocol"])


def about(folder: Path) -> dict[str, Any]:
    """What a rendered set says about itself.

    Raises:
        SystemExit: There is no complete set.
    """
    for layout in LAYOUTS.values():
        path = folder / layout.base / FILE_NAME
        if path.is_file():
            written: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return written
    raise SystemExit(f"{folder}: holds no complete rendered set; run flexpad synth again")


def protocols_of(family: str) -> list[str]:
    """The protocols of a family in which every modality is trained on and tested."""
    dataset = FAMILIES[family].dataset
    return [
        name
        for name in sorted(protocols.PROTOCOLS)
        if protocols.PROTOCOLS[name].datasets == (dataset,)
        and not name.startswith(ACROSS_MODALITIES)
    ]


def row_of(name: str, shortcut: Shortcut) -> dict[str, str]:
    """A shortcut in a rendered set as a row of results."""
    found = shortcut.as_json()
    leading = "; ".join(f"{statistic} {auc:.3f}" for statistic, auc in shortcut.leading)
    told = {column: str(found[column]) for column in ("protocol", "modality", "what")}
    rates = {rate: f"{found[rate]:.4f}" for rate in RATES}
    return {**told, **rates, "leading": leading, "commit": source_commit(), "set": name}


if __name__ == "__main__":
    main()
