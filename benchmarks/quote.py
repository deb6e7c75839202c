"""Put what a command prints into a page, in the place that is marked for it.

    some command | python benchmarks/quote.py docs/compare.md compare

The place begins with ``<!-- output: compare -->`` and ends with ``<!-- end of output -->``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

END = "<!-- end of output -->"


def main() -> None:
    """Replace what stands between the marks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("name")
    given = parser.parse_args()
    printed = sys.stdin.read().strip("\n")
    if not printed:
        sys.exit("nothing was printed; the page stays as it is")
    begin = f"<!-- output: {given.name} -->"
    before, found, rest = given.page.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        sys.exit(f"{given.page}: has no place {begin} ... {END}")
    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    text = f"{before}{begin}\n```text\n{lines}\n```\n{END}{after}"
    given.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
