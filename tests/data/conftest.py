from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIZE = (60, 40)  # width, height: not square, so that exchanged axes show


def fundus_planes() -> dict[str, np.ndarray]:
    """A field of view with one artery, one vein and their crossing; nothing about it is symmetric."""
    width, height = SIZE
    rows, columns = np.ogrid[:height, :width]
    fov = np.hypot(rows - 20, columns - 28) <= 19
    artery, vein = np.zeros_like(fov), np.zeros_like(fov)
    artery[12:14] = True
    vein[:, 30:33] = True
    return {"fov": fov, "artery": artery & fov, "vein": vein & fov}


def colours_of(artery: np.ndarray, vein: np.ndarray) -> np.ndarray:
    """(H, W, 3): red, blue, green where they cross."""
    both = artery & vein
    return np.stack([artery & ~both, both, vein & ~both], axis=-1).astype(np.uint8) * 255


def save(pixels: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def paired_set(tmp_path: Path) -> Callable[..., Path]:
    """Make a small folder of layout ``paired``: photographs, artery/vein labels, vessel maps, fields of view."""

    def make(count: int = 4, name: str = "eyes", folders: tuple[str, ...] = ("av", "vessel", "fov")) -> Path:
        root = tmp_path / name
        planes = fundus_planes()
        photograph = np.stack([planes["fov"] * value for value in (180, 90, 40)], axis=-1).astype(np.uint8)
        files = {
            "av": colours_of(planes["artery"], planes["vein"]),
            "vessel": (planes["artery"] | planes["vein"]).astype(np.uint8) * 255,
            "fov": planes["fov"].astype(np.uint8) * 255,
        }
        for number in range(count):
            save(photograph, root / "images" / f"eye_{number}.png")
            for folder in folders:
                save(files[folder], root / folder / f"eye_{number}.png")
        return root

    return make
