"""Small score tables made for tests."""

import polars as pl

from flexpad.score_table import ScoreTable


def table_of(rows, name="made", **header):
    """A table of one condition from (subject, species or "", score) rows; more cells are groups."""
    rows = list(rows)
    n = len(rows)
    subjects, species, scores, *groups = zip(*rows, strict=True)
    columns = {
        "sample_id": [f"a{i}" for i in range(n)],
        "video_id": [f"v{i}" for i in range(n)],
        "subject_id": list(subjects),
        "dataset": ["set"] * n,
        "protocol": ["p@1"] * n,
        "split": ["test"] * n,
        "condition": ["R"] * n,
        "label": ["attack" if kind else "bonafide" for kind in species],
        "pai_species": list(species),
        "score": pl.Series(scores, dtype=pl.Float64),
        **{f"group_{k}": list(values) for k, values in enumerate(groups)},
    }
    return ScoreTable(pl.DataFrame(columns), header, name)
