import numpy as np

from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.sampling.label_drawing import LabelDrawing
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
