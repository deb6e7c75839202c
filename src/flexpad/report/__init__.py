"""Score tables to a report: JSON first, and everything a person reads is made from that JSON."""

from flexpad.report.terminal import render_paper, render_table
from flexpad.report.write import ReportOptions, report

__all__ = ["ReportOptions", "render_paper", "render_table", "report"]
