import json

import pytest
import torch
from ignite.engine import Engine

from monai_fundusgen.handlers.judged_report import JudgedReport
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise

TOLD = {
    "network": "x", "bundle": "y", "weights": "z", "weights_sha256": "0" * 64, "image_size": 256, "mirrors": 1,
    "vote": False, "threshold": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    """Two eyes whose true photographs show the kinds as red and green, their generated ones both as red."""
    found = []
    for seed in (1, 2):
        raster = rasterise(grow_retina(seed), 256)
        label, fov = torch.from_numpy(raster.label).float(), torch.from_numpy(raster.fov)[None].float()
        true = torch.cat([1 - label, torch.ones(1, 256, 256)]) * 2 - 1
        flat = true.clone()
        flat[:2] = torch.minimum(true[0], true[1])
        found.append(({"id": f"eye{seed}", "label": label, "fov": fov}, {"label": true, "pred": flat}))
    return found


def reader(photograph, fov):
    """What is dark in red is an artery, in green a vein."""
    planes = torch.from_numpy(photograph[:2] < 128).float()
    return torch.cat([planes, planes.amax(dim=0, keepdim=True)])


def report_of(tmp_path, batches, outputs):
    engine = Engine(lambda running, _: outputs[running.state.iteration - 1])
    JudgedReport(tmp_path, reader, TOLD).attach(engine)
    engine.run(batches)
    return json.loads((tmp_path / "judged.json").read_text())


def collated(pairs, side):
    rows = [pair[side] for pair in pairs]
    return {
        key: [row[key] for row in rows] if key == "id" else torch.stack([row[key] for row in rows]) for key in rows[0]
    }


def test_generated_photographs_are_judged_beside_the_true_ones(rows, tmp_path):
    report = report_of(tmp_path, [collated(rows, 0)], [collated(rows, 1)])
    real, made = (report["sets"][name] for name in ("real", "generated"))
    assert report["size"] == 256 and report["judge"]["network"] == "x"
    assert real["pictures"] == 2 and real["read"]["all"]["av_accuracy"] == 1 == real["read"]["all"]["dice"]
    assert made["read"]["all"]["recall"] == 1, "vessels are there,"
    assert made["read"]["all"]["av_accuracy"] is None, "but each is both kinds, so none is told"
    assert made["depth"]["vein"]["all"]["red"]["median"] > real["depth"]["vein"]["all"]["red"]["median"]


def test_batches_taken_apart_give_the_same_and_a_second_run_begins_anew(rows, tmp_path):
    whole = report_of(tmp_path, [collated(rows, 0)], [collated(rows, 1)])
    apart = report_of(tmp_path, [[row] for row, _ in rows], [[row] for _, row in rows])
    assert apart == whole
    engine = Engine(lambda *_: collated(rows, 1))
    handler = JudgedReport(tmp_path, reader, TOLD)
    handler.attach(engine)
    for _ in range(2):
        engine.run([collated(rows, 0)])
    assert json.loads((tmp_path / "judged.json").read_text()) == whole


def test_uncertain_pixels_are_known_to_be_vessels(rows, tmp_path):
    given, made = ({**one} for one in rows[0])
    given["uncertain"] = given["label"][1:2].clone()
    given["label"] = given["label"] * torch.tensor([1.0, 0.0])[:, None, None]
    found = report_of(tmp_path, [[given]], [[made]])["sets"]["real"]
    assert found["read"]["all"]["dice"] == 1 and found["read"]["all"]["vein_recall"] is None
