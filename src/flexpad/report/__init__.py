"""Score tables to a report: JSON first, and everything a person reads is made from that JSON."""

from flexpad.report.terminal import render_table
from flexpad.report.write import report

__all__ = ["render_table", "report"]
