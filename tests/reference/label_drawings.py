"""A small label whose branches are known by construction."""

import numpy as np

from monai_fundusgen.conventions import ARTERY_CODE, VEIN_CODE

HEIGHT, WIDTH = 90, 140  # not square: a swapped axis fails
ACROSS = (slice(40, 45), slice(10, 130))  # an artery from left to right,
DOWN = (slice(5, 85), slice(60, 64))  # and a vein over it


def cross():
    """Codes of the artery and the vein."""
    codes = np.zeros((HEIGHT, WIDTH), np.uint8)
    codes[ACROSS] |= ARTERY_CODE
    codes[DOWN] |= VEIN_CODE
    return codes
