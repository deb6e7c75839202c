"""How arguments that several commands take are shown and given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

Out = Annotated[Path, tyro.conf.arg(aliases=["-o"])]
MaybeOut = Annotated[Path | None, tyro.conf.arg(aliases=["-o"])]
Image = Annotated[Path | None, tyro.conf.arg(metavar="FILE")]
Folder = Annotated[Positional[Path], tyro.conf.arg(metavar="FOLDER")]
MaybeFolder = Annotated[Positional[Path | None], tyro.conf.arg(metavar="FOLDER")]
ModelFolder = Annotated[Positional[Path], tyro.conf.arg(metavar="MODEL")]
ManifestFiles = Annotated[Positional[tuple[Path, ...]], tyro.conf.arg(metavar="MANIFEST.csv ...")]
ManifestFile = Annotated[Positional[Path], tyro.conf.arg(metavar="MANIFEST.csv")]
DevTable = Annotated[Positional[Path], tyro.conf.arg(metavar="DEV.csv")]
TestTable = Annotated[Positional[Path], tyro.conf.arg(metavar="TEST.csv")]
DataSet = Annotated[Positional[str], tyro.conf.arg(metavar="NAME")]
