"""One job, in a process of its own: ``python -m flexpad.bench JOB.yaml``."""

import sys
from pathlib import Path

from flexpad.bench.job import main

sys.exit(main(Path(sys.argv[1])))
