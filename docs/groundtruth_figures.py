"""Draw the picture of docs/concepts/ground-truth.md: what a case's quality page shows, of a phantom eye.

make docs
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from monai_fundusgen.groundtruth.phantom_folder import write_phantom_case
from monai_fundusgen.groundtruth.pictures import case_pictures, shrunk
from monai_fundusgen.groundtruth.pipeline import GroundTruthRequest, truth_of
from monai_fundusgen.storage.picture_file import jpeg_bytes

PICTURE = Path(__file__).parent / "concepts" / "images" / "groundtruth.jpg"
SEED, TIMES_S = 2_000_001, (10.8, 13.0, 15.5, 24.0, 180.0, 600.0)
TILE = 400  # px
CORNER = (160, 480)  # row and column of the detail, px at 1024


def main() -> None:
    """Register and label a moving eye; its four pictures, whole and in detail."""
    with TemporaryDirectory() as folder:
        write_phantom_case(Path(folder) / "case", SEED, TIMES_S)
        pictures = case_pictures(truth_of(Path(folder) / "case", GroundTruthRequest())).values()
    row, column = CORNER
    whole = np.hstack([shrunk(one, TILE) for one in pictures])
    detail = np.hstack([one[row : row + TILE, column : column + TILE] for one in pictures])
    PICTURE.write_bytes(jpeg_bytes(np.vstack([whole, detail])))


if __name__ == "__main__":
    main()
