"""Phantom cases as folders, as a hospital would hand them in: for tests, and to try the chain without data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_fundusgen.groundtruth.phantom_case import TWELVE_TIMES_S, PhantomCase, phantom_case
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_folder import whole_folder


def write_phantom_case(
    folder: str | Path, seed: int, times_s: Sequence[float] = TWELVE_TIMES_S, *, size: int = 1024, motion: float = 1.0
) -> PhantomCase:
    """Write ``photograph.png`` and ``frames/<seconds>s.png`` of a phantom eye into a new folder.

    Args:
        folder: missing or empty.
        seed, times_s, size, motion: as of `phantom_case`.

    Returns:
        The eye behind it, for its truth.

    Raises:
        FileExistsError: the folder holds something.
    """
    made = phantom_case(seed, times_s, size=size, motion=motion)
    with whole_folder(folder) as partial:
        write_png(partial / "photograph.png", np.moveaxis(made.case.photograph, 0, -1))
        for frame, pixels in zip(made.case.frames, made.sequence.frames, strict=True):
            write_png(partial / "frames" / frame.name, pixels)
    return made


def phantom_folders(root: str | Path, count: int, first_seed: int = 2_000_000, *, size: int = 1024) -> list[Path]:
    """Folders of ``count`` phantom cases below ``root``, by seed; those that are there already are left as they are.

    Raises:
        ValueError: fewer than one.
    """
    if count < 1:
        raise ValueError(f"phantom cases: found {count}, expected at least 1; or give folders of cases")
    folders = [Path(root) / f"phantom{seed:07d}" for seed in range(first_seed, first_seed + count)]
    for seed, folder in enumerate(folders, start=first_seed):
        if not folder.exists():
            write_phantom_case(folder, seed, size=size)
    return folders
