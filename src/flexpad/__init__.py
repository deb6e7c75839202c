"""flexpad: one model for face presentation attack detection on any subset of RGB, depth and IR."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("flexpad")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
