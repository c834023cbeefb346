import json

import numpy as np
import pytest

from monai_fundusgen.conventions import CROSSING_CODE
from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.data.loading import load_datalist
from monai_fundusgen.data.squared import LabelledEye, LabelledEyes
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.transforms.av_codec import encode_av

MARGIN = ((0, 0), (30, 10), (5, 60))  # of a photograph that is not squared


@pytest.fixture(scope="module")
def arrays():
    return phantom_arrays(3, 512)


@pytest.fixture
def datalist(arrays, tmp_path):
    """One photograph with a margin round its square; an artery of it is of unknown kind, its field is not given."""
    codes = encode_av(arrays["label"])
    codes[:200][codes[:200] == 1] = 255
    write_png(tmp_path / "eye.png", np.pad(arrays["image"], MARGIN).transpose(1, 2, 0))
    write_png(tmp_path / "label.png", np.pad(codes, MARGIN[1:]))
    content = {"labels": {"1": "artery"}, "testing": [{"image": "eye.png", "label": "label.png"}]}
    (tmp_path / "list.json").write_text(json.dumps(content))
    return tmp_path / "list.json"


def test_an_eye_is_squared_round_its_field_and_keeps_its_vessels(arrays, datalist):
    (eye,) = LabelledEyes(load_datalist(datalist, "testing"))
    assert eye.id == "eye" and eye.fov.shape == (552, 577) and eye.uncertain.any()
    small = eye.squared(256)
    assert small.photograph.shape == (3, 256, 256) and small.label.dtype == bool
    whole, shares = arrays["label"] & ~eye.uncertain[30:542, 5:517], eye.squared(200).label.mean(axis=(1, 2))
    assert shares == pytest.approx(whole.mean(axis=(1, 2)), rel=0.1)
    true = arrays["image"].reshape(3, 256, 2, 256, 2).mean(axis=(2, 4))
    assert np.abs(small.photograph - true).mean() < 3, "the same place, up to half a pixel"


def test_uncertain_pixels_exclude_the_kinds(datalist):
    (eye,) = LabelledEyes(load_datalist(datalist, "testing"))
    small = eye.squared(256)
    assert small.uncertain.any() and not (small.uncertain & small.label.any(axis=0)).any()
    assert not (eye.uncertain & (encode_av(eye.label) == CROSSING_CODE)).any()


def test_a_picture_that_is_its_own_square_is_not_touched(arrays):
    flat = np.zeros((512, 512), dtype=bool)
    eye = LabelledEye("eye", arrays["image"], arrays["label"], flat, arrays["fov"][0])
    assert eye.squared(512) is eye
    assert eye.squared(256).photograph.shape == (3, 256, 256)
