"""How long `flexpad data` takes over 300,000 listed files, and its manifest to read back.

    python benchmarks/data.py [--items 100000 300000] [--rounds 3]
        [--out benchmarks/results/data.csv]

Makes up a tree in the author-release layout of CASIA-SURF: 100,000 items in RGB, depth and IR,
25 frames a video. The files are hard links to a few small JPEGs, since indexing opens only the
sample of items the audit looks at. Three things are timed, each as a whole process and in turns:

- `flexpad data casia_surf TREE -o manifest.csv --protocol surf@1`: reading, checks, image sample,
  manifest;
- the same with `--lists-only`, which asks for no file;
- a plain script of the kind each lab has: split the lines of the lists, ask `os.path.isfile` for
  three files each, write rows with the csv module. It checks nothing else.

Then the manifest is read back by flexpad, as CSV and as Parquet, and by `csv.DictReader`.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from flexpad.bench.results import processor, write_table
from flexpad.data import manifest as manifests

SPLITS = {"train": ("Training", 0.3), "dev": ("Val", 0.1), "test": ("Testing", 0.6)}
SPECIES = {
    "train": ("04_en_b", "05_enm_s", "06_enm_b"),
    "dev": ("01_e_s", "02_e_b", "03_en_s"),
    "test": ("01_e_s", "02_e_b", "03_en_s"),
}
FOLDERS = ("color", "depth", "ir")
FRAMES = 25
VIDEOS = 4  # of a subject: bona fide and three species
LINKS = 30_000  # of one file; ext4 allows 65,000

PLAIN = """
import csv, os, sys
root, out = sys.argv[1:]
with open(out, "w", newline="") as file:
    table = csv.writer(file)
    for split in ("train", "dev", "test"):
        with open(f"{root}/CASIA_SURF/protocol/CASIA_SURF@p1_image_{split}.txt") as lines:
            for line in lines:
                path, label = line.split()
                paths = [path.replace("/color/", f"/{name}/") for name in ("color", "depth", "ir")]
                there = [p if os.path.isfile(f"{root}/{p}") else "" for p in paths]
                table.writerow([split, label, *there])
"""


def main() -> None:
    """Build the tree, measure in turns, print a table and write it as CSV if asked to."""
    options = _options()
    rows: list[dict[str, object]] = []
    for items in options.items:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            tree = Path(folder) / "tree"
            start = time.perf_counter()
            files = build(tree, items)
            print(f"{files:,} files in {time.perf_counter() - start:.0f} s", file=sys.stderr)
            rows += measure_commands(tree, Path(folder), files, options.rounds)
            rows += measure_reading(Path(folder), files, options.rounds)
    print(f"{'':<26}{'files':>10}{'seconds':>10}{'peak MB':>10}")
    for row in rows:
        print(f"{row['what']:<26}{row['files']:>10,}{row['seconds']:>10}{row['peak_mb']:>10}")
    if options.out:
        write_table(options.out, list(rows[0]), rows)


def build(tree: Path, items: int) -> int:
    """Write lists and files of a made-up set; say how many files it has."""
    protocol = tree / "CASIA_SURF" / "protocol"
    protocol.mkdir(parents=True)
    links = _images(tree)
    subjects = -(-items // (VIDEOS * FRAMES))
    first = 0
    for split, (folder, share) in SPLITS.items():
        last = min(subjects, first + max(1, round(share * subjects)))
        with (protocol / f"CASIA_SURF@p1_image_{split}.txt").open("w", encoding="utf-8") as listing:
            for number in range(first, last):
                _write_subject(tree, folder, number, SPECIES[split], links, listing.write)
        first = last
    for name in FOLDERS:
        shutil.rmtree(tree / f"source-{name}")
    return first * VIDEOS * FRAMES * len(FOLDERS)


def _write_subject(tree, folder, number, species, links, write) -> None:  # noqa: ANN001
    subject = f"CLKJ_AS{number:04d}"
    videos = [f"real_part/{subject}/real", *(f"fake_part/{subject}/{name}" for name in species)]
    for video in videos:
        base = f"CASIA_SURF/Data/{folder}/{video}.rssdk"
        label = 0 if video.startswith("real") else 1
        for name in FOLDERS:
            (tree / base / name).mkdir(parents=True)
            for frame in range(FRAMES):
                os.link(next(links[name]), f"{tree}/{base}/{name}/{10 * frame + 1:04d}.jpg")
        write("".join(f"{base}/color/{10 * f + 1:04d}.jpg {label}\n" for f in range(FRAMES)))


def _images(tree: Path) -> dict[str, Iterator[Path]]:
    """Give for each folder an endless supply of files to link to."""
    rng = np.random.default_rng(0)

    def supply(name: str) -> Iterator[Path]:
        source = tree / f"source-{name}"
        source.mkdir()
        for number in range(10**6):
            shape = (16, 16, 3) if name == "color" else (16, 16)
            path = source / f"{number}.jpg"
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)
            for _ in range(LINKS):
                yield path

    return {name: supply(name) for name in FOLDERS}


def measure_commands(tree: Path, out: Path, files: int, rounds: int) -> list[dict[str, object]]:
    """Time whole processes, in turns."""
    flexpad = [str(Path(sys.executable).with_name("flexpad")), "data", "casia_surf", str(tree)]
    commands = {
        "flexpad data": [*flexpad, "-o", str(out / "manifest.csv"), "--protocol", "surf@1"],
        "flexpad data --lists-only": [*flexpad, "--protocol", "surf@1", "--lists-only"],
        "plain script": [sys.executable, "-c", PLAIN, str(tree), str(out / "plain.csv")],
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(_run(command))
    return [_row(name, files, measured) for name, measured in found.items()]


def _run(command: list[str]) -> tuple[float, float]:
    """Run a command; seconds and peak megabytes."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        peak = 0
        while process.poll() is None:  # the usage a parent is told includes the parent's own
            peak = max(peak, _peak_kb(process.pid))
            time.sleep(0.01)
        seconds = time.perf_counter() - start
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read().decode())
    return seconds, peak / 1024


def _peak_kb(process: int) -> int:
    """Read the most memory a process has had; 0 once it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(li.split()[1]) for li in status.splitlines() if li.startswith("VmHWM")), 0)


def measure_reading(folder: Path, files: int, rounds: int) -> list[dict[str, object]]:
    """Time reading a manifest within this process, in turns."""
    path = folder / "manifest.csv"
    manifests.write(manifests.read(path), folder / "manifest.parquet")
    readings = {
        "read manifest.csv": lambda: manifests.read(path),
        "read manifest.parquet": lambda: manifests.read(folder / "manifest.parquet"),
        "csv.DictReader": lambda: _read_plainly(path),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in readings}
    for _ in range(rounds):
        for name, reading in readings.items():
            start = time.perf_counter()
            reading()
            found[name].append((time.perf_counter() - start, float("nan")))
    return [_row(name, files, measured) for name, measured in found.items()]


def _read_plainly(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def _row(what: str, files: int, measured: list[tuple[float, float]]) -> dict[str, object]:
    peak = statistics.median(peak for _, peak in measured)
    return {
        "what": what,
        "files": files,
        "seconds": round(statistics.median(seconds for seconds, _ in measured), 2),
        "peak_mb": "" if peak != peak else round(peak),
        "rounds": len(measured),
        "hardware": processor(),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, nargs="+", default=[100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to build the tree; a local disk")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
