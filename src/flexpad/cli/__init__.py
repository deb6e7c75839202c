"""The command line. Each command is one call of a public function; torch loads only when needed."""

from __future__ import annotations

import os
import sys

from rich.text import Text
from tyro.extras import SubcommandApp

from flexpad import __version__
from flexpad.cli import analyse, bench, compare, data, measure, model, pretrain, scores
from flexpad.log import console, errors, launched, show_warnings
from flexpad.types import BadInput

app = SubcommandApp()
for command in (
    data.synth,
    data.synth_audit,
    data.data,
    data.template,
    data.join,
    data.pack,
    pretrain.pretrain,
    model.train,
    model.score,
    measure.report,
    measure.fuse,
    compare.compare,
    bench.bench,
    analyse.analyse,
    model.check,
    model.demo,
):
    app.command(command)
app.command(scores.scores, name="scores", help="Bring in the scores of other systems.")


@app.command
def version() -> None:
    """Print the version."""
    console.print(__version__)


def main() -> None:
    """Run the command line; bad input is one line on stderr and exit code 2."""
    show_warnings()
    if launched():  # torch would warn of every precaution for several processes
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    try:
        code = app.cli(prog="flexpad", description="Face PAD on any subset of RGB, depth and IR.")
    except BadInput as error:
        errors.print(Text(f"flexpad: {error}"), soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        errors.print("flexpad: stopped; the same command goes on where it stopped")
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
