import itertools

import numpy as np
import pytest
import torch

from monai_fundusgen.transforms.av_codec import (
    LABEL_COLOURS,
    colours_to_planes,
    decode_av,
    encode_av,
    planes_to_colours,
)

EVERY_COMBINATION = torch.tensor([[[0, 1, 0, 1]], [[0, 0, 1, 1]]], dtype=torch.bool)  # none, artery, vein, both


def picture(*colours):
    """One row of pixels, (3, 1, N) uint8."""
    return np.array(colours, dtype=np.uint8).T[:, None, :]


@pytest.mark.parametrize("as_array", [False, True])
def test_decode_inverts_encode_on_every_label_combination(as_array):
    vessels = EVERY_COMBINATION.numpy() if as_array else EVERY_COMBINATION
    codes = encode_av(vessels)
    assert type(codes) is type(vessels)
    assert codes.tolist() == [[0, 1, 2, 3]]
    assert (decode_av(codes) == vessels).all()


@pytest.mark.parametrize("wrong", [torch.zeros(2, 3), torch.zeros(3, 4, dtype=torch.bool), np.zeros((2, 2), np.uint8)])
def test_encode_takes_boolean_pairs_only(wrong):
    with pytest.raises(ValueError, match="boolean vessel map"):
        encode_av(wrong)


@pytest.mark.parametrize("code", [4, 255])
def test_decode_refuses_an_unknown_code(code):
    with pytest.raises(ValueError, match=f"{code}"):
        decode_av(torch.tensor([0, 3, code], dtype=torch.uint8))


@pytest.mark.parametrize("colour, artery, vein, uncertain", [
    ((0, 0, 0), 0, 0, 0),
    ((255, 0, 0), 1, 0, 0),
    ((0, 0, 255), 0, 1, 0),
    ((0, 255, 0), 1, 1, 0),
    ((255, 0, 255), 1, 1, 0),
    ((255, 255, 255), 0, 0, 1),
    ((1, 1, 1), 1, 0, 0),
    ((2, 2, 2), 0, 1, 0),
    ((3, 3, 3), 1, 1, 0),
])  # fmt: skip
def test_every_colour_of_the_table(colour, artery, vein, uncertain):
    planes = colours_to_planes(picture((0, 0, 0), colour, (255, 0, 0)))
    assert [int(plane[0, 1]) for plane in planes] == [artery, vein, uncertain]
    assert colour in LABEL_COLOURS


def test_painting_inverts_reading():
    vessels = np.array(list(itertools.product([0, 1], repeat=3)), dtype=bool).T.reshape(3, 2, 4)
    uncertain = vessels[2] & ~vessels[:2].any(axis=0)
    planes = colours_to_planes(planes_to_colours(vessels[:2], uncertain))
    assert (planes.artery == vessels[0]).all()
    assert (planes.vein == vessels[1]).all()
    assert (planes.uncertain == uncertain).all()


def test_an_unknown_colour_is_named_with_its_first_pixel_and_count():
    rgb = np.zeros((3, 4, 7), dtype=np.uint8)
    rgb[:, 2, 5] = rgb[:, 3, 1] = (10, 200, 30)
    with pytest.raises(ValueError, match=r"\(10, 200, 30\) at row 2, column 5 \(2 pixels of 1 unknown colour\)"):
        colours_to_planes(rgb)


def test_a_smoothed_label_is_refused_not_guessed():
    rgb = np.zeros((3, 1, 30), dtype=np.uint8)
    rgb[0, 0] = np.arange(200, 230)
    with pytest.raises(ValueError, match="lossless"):
        colours_to_planes(rgb)


def test_reading_agrees_with_a_pixel_by_pixel_oracle():
    rng = np.random.default_rng(0)
    colours = np.array(list(LABEL_COLOURS), dtype=np.uint8)
    rgb = np.moveaxis(colours[rng.integers(len(colours), size=(13, 17))], -1, 0)
    planes = colours_to_planes(rgb)
    for row, column in np.ndindex(13, 17):
        code = LABEL_COLOURS[tuple(int(value) for value in rgb[:, row, column])]
        assert [bool(plane[row, column]) for plane in planes] == [code in (1, 3), code in (2, 3), code == 4]
