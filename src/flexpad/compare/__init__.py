"""Systems against each other on the same items: differences with intervals, tests and ranks.

Differences are paired: whatever makes a subject hard, it is hard for both systems. Nothing is
called better because its number is smaller; "no difference shown" is an answer.
"""

from flexpad.compare.terminal import render_tables
from flexpad.compare.write import compare

__all__ = ["compare", "render_tables"]
