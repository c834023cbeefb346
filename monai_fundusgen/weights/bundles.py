"""Where the bundles lie: inside an installed package, beside it in a clone."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

import monai_fundusgen

#: The bundle that makes data sets.
GENERATION: Final = "fundus_dataset_generation"
#: The bundle that finds arteries and veins on photographs.
SEGMENTER: Final = "fundus_av_unet"
#: The bundle that finds vessels on frames of angiograms.
FRAME_SEGMENTER: Final = "fa_vessel_unet"


def bundles_folder() -> Path:
    """Folder that holds every bundle.

    Raises:
        FileNotFoundError: this copy of the package was taken out of its clone or its wheel.
    """
    inside = Path(str(files(monai_fundusgen).joinpath("bundles")))
    beside = inside.parents[1] / "bundles"
    for folder in (inside, beside):
        if (folder / GENERATION / "configs").is_dir():
            return folder
    raise FileNotFoundError(
        f"no bundles in {inside} nor in {beside}; install the wheel, or a clone with pip install -e"
    )


def bundle(name: str) -> Path:
    """Folder of one bundle; see `bundles_folder`."""
    return bundles_folder() / name


def installed_bundles() -> list[Path]:
    """Folders of all bundles, by name."""
    return sorted(path for path in bundles_folder().iterdir() if (path / "configs" / "metadata.json").is_file())
