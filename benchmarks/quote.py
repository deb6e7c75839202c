"""Put what a command prints into a page, in the place that is marked for it.

    some command | python benchmarks/quote.py docs/compare.md compare

The place begins with ``<!-- compare -->`` and ends with ``<!-- /compare -->``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from page import fill


def main() -> None:
    """Replace what stands between the marks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("name")
    given = parser.parse_args()
    printed = sys.stdin.read().strip("\n")
    if not printed:
        sys.exit("nothing was printed; the page stays as it is")
    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    fill(given.page, given.name, f"```text\n{lines}\n```")


if __name__ == "__main__":
    main()
