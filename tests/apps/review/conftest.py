"""A small folder to review: two drawn photographs, an artery that a vein crosses on each."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.conventions import VEIN_CODE
from tests.reference.label_drawings import HEIGHT, WIDTH, cross


def turned():
    """The same with the artery turned: all vein."""
    codes = cross()
    codes[codes > 0] = VEIN_CODE
    return codes


def lay_out(root, names=("anna_left", "ben_right")):
    """``images`` and ``labels`` of some photographs."""
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).normal([170, 90, 50], 12, (HEIGHT, WIDTH, 3)).clip(40, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(root / "images" / f"{name}.jpg")
        Image.fromarray(cross()).save(root / "labels" / f"{name}.png")
    return root


def packed(codes):
    return gzip.compress(codes.tobytes())


@pytest.fixture
def folder(tmp_path):
    return lay_out(tmp_path / "set")
