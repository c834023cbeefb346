import json

import numpy as np
import torch
from ignite.engine import Engine
from PIL import Image

from monai_fundusgen.handlers.memorisation_report import MemorisationReport
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.transforms.pixels import unit_pixels
from monai_fundusgen.vessels.drawing import vessel_map


def eyes(seeds):
    return [{"label": torch.from_numpy(vessel_map(grow_retina(seed), 128)).float()} for seed in seeds]


def report_of(tmp_path, maps, **items):
    engine = Engine(lambda _, batch: {"pred": batch})
    MemorisationReport(tmp_path, **items).attach(engine)
    engine.run([torch.stack(maps)])
    return json.loads((tmp_path / "memorisation.json").read_text())


def test_a_mirrored_copy_stands_out_and_another_eye_does_not(tmp_path):
    training, held_out = eyes(range(4)), eyes([7, 8])
    copy, other = training[2]["label"].flip(-1), eyes([9])[0]["label"]
    report = report_of(tmp_path, [other, copy], training=training, held_out=held_out)
    real = report["dice"]["training to other training"] + report["dice"]["held out to training"]
    assert len(real) == 6
    assert report["dice"]["sampled to training"][1] > 0.99 > max(real) + 0.3
    assert report["dice"]["sampled to training"][0] < max(real) + 0.05
    assert report["preference"] is None  # six records are too few
    pairs = np.asarray(Image.open(tmp_path / "nearest_pairs.png"))
    assert pairs.shape == (256, 256, 3)
    assert np.array_equal(pairs[:128, :128], pairs[128:, :128])  # the copy comes first, above what it copied
    assert not np.array_equal(pairs[:128, 128:], pairs[128:, 128:])


def test_copies_prefer_training_maps_and_other_eyes_do_not(tmp_path):
    training, held_out = eyes(range(6)), eyes(range(20, 25))
    copies = report_of(tmp_path, [one["label"] for one in training], training=training, held_out=held_out)["preference"]
    others = report_of(tmp_path, [one["label"] for one in eyes(range(40, 46))], training=training, held_out=held_out)
    assert copies["difference"] > copies["high"] and copies["p_value"] < 0.05 and copies["records"] == 5
    assert others["preference"]["p_value"] > 0.05
    assert abs(others["preference"]["difference"]) < 0.2 * copies["difference"]
    assert report_of(tmp_path, [training[0]["label"]], training=training)["preference"] is None


def test_without_training_maps_nothing_is_written(tmp_path):
    engine = Engine(lambda _, batch: {"pred": batch})
    MemorisationReport(tmp_path, training=[]).attach(engine)
    engine.run([torch.zeros(1, 2, 64, 64)])
    assert not list(tmp_path.iterdir())


def test_maps_without_kinds_are_compared_and_shown_too(tmp_path):
    training = [{"label": one["label"].amax(dim=0, keepdim=True)} for one in eyes(range(3))]
    report = report_of(tmp_path, [training[1]["label"]], training=training, to_pixels=unit_pixels)
    assert report["dice"]["sampled to training"][0] > 0.99
    pairs = np.asarray(Image.open(tmp_path / "nearest_pairs.png"))
    assert pairs.shape == (256, 128, 3) and np.array_equal(pairs[:128], pairs[128:])
