"""A score table in the making: by several processes, and over several calls.

Process k writes whole lines to ``<out>.part<k>``. Samples are judged in batches that are the same
whoever judges them and however often a call was cut off, since the last digits of a score depend on
what is beside it. A batch that is finished in these files is kept when a call goes on; all are put
together in the order of the manifest when they are there.
"""

from __future__ import annotations

import csv
import glob
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flexpad.files import whole_file


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of a table that is being made.

    Attributes:
        out: The table.
        top: Its comments and column names, whole lines; a file that begins otherwise is of another
            model, manifest or choice of conditions and does not count.
        conditions: Lines that a finished sample has.
        batches: The samples of each batch, in the order of the manifest.
    """

    out: Path
    top: str
    conditions: int
    batches: Sequence[Sequence[str]]

    def of_process(self, process: int) -> Path:
        """Name the file a process writes."""
        return self.out.with_name(f"{self.out.name}.part{process}")

    def finished(self) -> dict[str, list[str]]:
        """Read the lines of every sample whose batch is finished."""
        found: dict[str, list[str]] = {}
        for path in self._files():
            found |= self._finished_in(path)
        whole = [batch for batch in self.batches if all(sample in found for sample in batch)]
        return {sample: found[sample] for batch in whole for sample in batch}

    def begin(self, finished: Mapping[str, list[str]]) -> None:
        """Bring what is finished into one file, and drop everything else."""
        self._write(self.of_process(0), finished.values())
        for path in self._files():
            if path != self.of_process(0):
                path.unlink()

    def merge(self) -> None:
        """Write the table in the order of the manifest, and remove the parts."""
        finished = self.finished()
        self._write(self.out, (finished[sample] for batch in self.batches for sample in batch))
        for path in self._files():
            path.unlink()

    def _files(self) -> list[Path]:
        return sorted(self.out.parent.glob(f"{glob.escape(self.out.name)}.part[0-9]*"))

    def _write(self, path: Path, samples: Iterable[list[str]]) -> None:
        with (
            whole_file(path) as partial,
            partial.open("w", encoding="utf-8", newline="") as file,
        ):
            file.write(self.top)
            for lines in samples:
                file.writelines(lines)

    def _finished_in(self, path: Path) -> dict[str, list[str]]:
        text = path.read_text(encoding="utf-8")
        if not text.startswith(self.top):
            return {}
        by_sample: dict[str, list[str]] = defaultdict(list)
        for line in text[len(self.top) :].splitlines(keepends=True):
            if line.endswith("\n"):  # not cut off by a kill
                by_sample[next(csv.reader([line]))[0]].append(line)
        return {s: lines for s, lines in by_sample.items() if len(lines) == self.conditions}
