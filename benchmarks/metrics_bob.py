"""What benchmarks/metrics.py runs in the environment of bob.measure, which has no flexpad.

bob-env/bin/python benchmarks/metrics_bob.py scores.npz "name of the figure"
"""

import json
import resource
import sys
import time

import numpy as np
from bob.measure import eer_threshold, farfrr


def main() -> None:
    """Print the seconds of the EER threshold and both rates there, and the peak memory."""
    path, name = sys.argv[1:]
    with np.load(path) as stored:
        scores = {key: stored[key] for key in stored.files}
    start, busy = time.perf_counter(), time.process_time()
    for key in scores:
        condition, _, side = key.partition("_")
        if side == "bonafide":
            bonafide, attack = scores[key], scores[f"{condition}_attack"]
            farfrr(attack, bonafide, eer_threshold(attack, bonafide))
    taken = {
        f"{name}, s": time.perf_counter() - start,
        f"{name}, processor s": time.process_time() - busy,
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({**taken, "peak memory, GiB": peak}))


if __name__ == "__main__":
    main()
