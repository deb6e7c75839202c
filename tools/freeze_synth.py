"""Render every family in standard size and write the checksum files of the frozen version.

    python tools/freeze_synth.py FOLDER [--workers 2]

FOLDER gets the sets, about 20,000 items; an interrupted run goes on. Small sets are parts of the
standard ones, so that their files need no rendering of their own. Run it when nothing about the
pixels is going to change any more; whoever changes one later changes ``VERSION`` in
``flexpad.synth.config`` and runs it again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from flexpad.synth import freeze
from flexpad.synth.config import FamilyName, SynthConfig
from flexpad.synth.families import subjects_of
from flexpad.synth.generate import generate

TARGET = Path(__file__).resolve().parents[1] / "src" / "flexpad" / "synth" / "frozen"


def main() -> None:
    """Render and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--families", nargs="+", default=get_args(FamilyName))
    options = parser.parse_args()
    TARGET.mkdir(exist_ok=True)
    for family in options.families:
        config = SynthConfig(family, "standard")
        generate(options.folder / family, config, options.workers)
        checksums = freeze.checksums_of(options.folder / family, config)
        print(freeze.write(TARGET, family, "standard", checksums))
        small = {s.name: checksums[s.name] for s in subjects_of(SynthConfig(family, "small"))}
        print(freeze.write(TARGET, family, "small", small))


if __name__ == "__main__":
    main()
