r"""The picture of docs/concepts/ground-truth.md: what the quality page of a phantom eye shows, side by side.

    python -m monai.bundle run --bundle_root bundles/fundus_groundtruth_fa \
        --config_file bundles/fundus_groundtruth_fa/configs/inference.yaml \
        --meta_file bundles/fundus_groundtruth_fa/configs/metadata.json --phantom_size 384 --output_dir OUT
    python docs/groundtruth_figures.py OUT/cases/phantom2000000

For phantoms only: no picture of a real eye enters the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from monai_fundusgen.storage.picture_file import jpeg_bytes

PICTURE = Path(__file__).parent / "concepts" / "images" / "groundtruth.jpg"


def main() -> None:
    """Put the four pictures of a finished case in a row."""
    folder = Path(sys.argv[1])
    names = ("before", "after", "edges", "kinds")
    PICTURE.write_bytes(jpeg_bytes(np.hstack([np.asarray(Image.open(folder / f"{name}.jpg")) for name in names])))


if __name__ == "__main__":
    main()
