"""The array types of the renderer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Booleans = NDArray[np.bool_]
Indices = NDArray[np.intp]
Pixels = NDArray[np.uint8]
Millimetres = NDArray[np.uint16]
