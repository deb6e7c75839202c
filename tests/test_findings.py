"""Problems are counted by kind, and the first of them are remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexpad.data.findings import EXAMPLES, KINDS, Findings, Severity
from flexpad.types import BadInput


def test_all_are_counted_and_the_first_three_kept():
    findings = Findings()
    for number in range(5):
        findings.note("missing_item", f"line {number}", dropped=1)
    (problem,) = findings
    assert (problem.count, problem.examples) == (5, ("line 0", "line 1", "line 2"))
    assert findings.dropped == {"missing_item": 5}
    assert problem.severity is Severity.ERROR


def test_one_example_may_stand_for_many():
    findings = Findings()
    findings.note("crlf", "a.txt", count=7)
    assert next(iter(findings)).count == 7


def test_errors_come_first_and_one_line_says_how_many_kinds_there_are():
    findings = Findings()
    findings.note("crlf", "list.txt")
    findings.refuse_errors()  # a warning is no reason to stop
    findings.note("missing_item", "line 3: no frame")
    findings.note("label_against_path", "line 1: the label says attack")
    assert [problem.kind for problem in findings] == ["label_against_path", "missing_item", "crlf"]
    with pytest.raises(BadInput) as caught:
        findings.refuse_errors()
    assert str(caught.value).startswith("line 1: the label says attack (1 labels that contradict")
    assert str(caught.value).endswith("and 1 other kind of error")


def test_a_kind_that_is_none_is_a_mistake_of_the_program():
    with pytest.raises(KeyError):
        Findings().note("no such kind", "x")


@given(st.lists(st.sampled_from(sorted(KINDS)), max_size=40))
def test_counts_add_up(kinds):
    findings = Findings()
    for kind in kinds:
        findings.note(kind, "x")
    assert sum(problem.count for problem in findings) == len(kinds)
    assert all(len(problem.examples) == min(problem.count, EXAMPLES) for problem in findings)
    by_severity = [problem for severity in Severity for problem in findings.of(severity)]
    assert by_severity == list(findings)
