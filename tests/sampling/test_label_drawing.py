import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.sampling.label_drawing import LabelDrawing, without_slits
from monai_fundusgen.transforms.resize import area_resize
from monai_fundusgen.vessels.drawing import vessel_map


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_the_label_of_a_true_map_is_the_true_label_but_for_the_thinnest():
    label = vessel_map(grow_retina(2, anatomy=Anatomy(diameter_deg=60, cut=0.716)), 1024)
    drawing = LabelDrawing(1024, 0.716, bridge_px=3.0, repair=True)
    soft = area_resize(label, 256, 256).astype(np.float32)
    drawn, eye = drawing.traced(soft)
    assert dice(drawn, label) > 0.86  # .87 to .94 over eight eyes, the densest worst
    assert dice(vessel_map(eye, 1024), drawn) > 0.99  # the record is what the label was drawn from
    assert drawing.anatomy(soft)["artery.largest_share"] > 0.9


def test_specks_go_and_nothing_lies_outside_the_field():
    soft = np.zeros((2, 128, 128), dtype=np.float32)
    soft[0, 64, 60:63] = 1
    soft[1, 62:66, :] = 1
    drawing = LabelDrawing(256, 0.5, repair=True)
    label, _ = drawing.traced(soft)
    assert not label[0].any() and label[1].any() and not label[:, ~drawing.fov].any()


def test_slits_between_walls_of_a_kind_are_closed_and_wider_gaps_stay():
    label = np.zeros((2, 40, 40), dtype=bool)
    label[0, 5:35, 8:12] = label[0, 5:35, 14:18] = True  # 2 px apart
    label[1, 5:35, 8:12] = label[1, 5:35, 15:19] = True  # 3 px apart
    closed = without_slits(label, 2.0)
    assert closed[0, 5:35, 8:18].all()
    assert np.array_equal(closed[1], label[1])
    assert np.array_equal(without_slits(label, 1.9), label)


@pytest.mark.parametrize("reach", [1, 2, 3])
def test_closing_is_that_of_scipy(reach):
    label = np.random.default_rng(reach).random((2, 60, 70)) < 0.05
    closed = [ndimage.binary_closing(np.pad(plane, 9), np.ones((2 * reach + 1,) * 2))[9:-9, 9:-9] for plane in label]
    assert np.array_equal(without_slits(label, 2.0 * reach), np.stack(closed))
