"""What a trained model's features say: how well they part, which experts they used, where it looks.

Everything is fitted on train, chosen on dev and measured on test, with the model as it is. It needs
scikit-learn, the extra ``analyse``.
"""

from flexpad.types import BadInput

try:
    import sklearn  # noqa: F401 - asked here, so that all modules below may take it for granted
except ImportError as error:
    raise BadInput("analysis needs scikit-learn; pip install flexpad[analyse]") from error

from flexpad.analyse.runs import compare_runs
from flexpad.analyse.terminal import render_table
from flexpad.analyse.write import analyse

__all__ = ["analyse", "compare_runs", "render_table"]
