import json
from dataclasses import fields

import numpy as np
import pytest
import torch

from monai_fundusgen.inferers.autocast import AutocastInferer
from monai_fundusgen.networks.nets.cascade import PhotographCascade
from monai_fundusgen.networks.nets.edsr import EDSR
from monai_fundusgen.networks.nets.pix2pixhd import GlobalGenerator
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.sampling.gate import AnatomyGate
from monai_fundusgen.sampling.judged import NO_VESSELS, JudgedMaps
from monai_fundusgen.sampling.label_drawing import LabelDrawing
from monai_fundusgen.sampling.painters import CascadePainter
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.sampling.sources import PhantomMaps, VesselSample

PLANNED = GenerationPlan(3, seed=1).samples()
ANY = (-np.inf, np.inf)
VISIBLE = AnatomyGate(**{field.name: ANY for field in fields(AnatomyGate)} | {"density": (0.01, 0.2)})
EYES = PhantomMaps(size=256, anatomy=Anatomy(diameter_deg=60, cut=0.716))


class Scarce:
    """Empty maps for the first attempts at some samples, an eye then; keeps the seeds it saw."""

    def __init__(self, refused):
        self.refused, self.seen = refused, []

    def __call__(self, planned, workers=None):
        self.seen.append([(one["id"], one["seed"]) for one in planned])
        label, eye = LabelDrawing(256).traced(np.zeros((2, 64, 64)))
        empty = VesselSample(torch.zeros(2, 64, 64), label, np.ones((256, 256), bool), eye)
        eyes = EYES(planned)
        tries = [sum(one["id"] == name for batch in self.seen for name, _ in batch) for one in planned]
        return [
            empty if count <= self.refused.get(one["id"], 0) else eye
            for one, count, eye in zip(planned, tries, eyes, strict=True)
        ]


def test_only_refused_maps_are_drawn_again_and_from_seeds_of_their_own():
    source = Scarce({"eye000001": 2})
    samples = JudgedMaps(source, VISIBLE)(PLANNED)
    assert [len(batch) for batch in source.seen] == [3, 1, 1]
    assert [sample.origin["attempt"] for sample in samples] == [0, 2, 0]
    assert len({seed for batch in source.seen for _, seed in batch}) == 5
    again = Scarce({"eye000001": 2})
    alone = JudgedMaps(again, VISIBLE)(PLANNED[1:2])[0]
    assert (alone.label == samples[1].label).all()


def test_a_map_that_never_passes_is_kept_with_its_reasons():
    samples = JudgedMaps(Scarce({"eye000000": 9}), VISIBLE, max_attempts=2)(PLANNED)
    assert any(reason.startswith("artery.density 0 outside") for reason in samples[0].origin["implausible"])
    assert "implausible" not in samples[1].origin


def test_anatomy_is_measured_without_a_gate_too_and_is_plain_json():
    samples = JudgedMaps(Scarce({"eye000002": 1}))(PLANNED)
    assert samples[2].origin["anatomy"]["avr"] is None and "implausible" not in samples[2].origin
    assert 0.02 < samples[0].origin["anatomy"]["artery.density"] < 0.1
    json.loads(json.dumps(samples[2].origin, allow_nan=False))


def test_a_map_without_vessels_is_painted_all_the_same_and_its_record_warns():
    samples = JudgedMaps(Scarce({"eye000002": 1}))(PLANNED)
    assert samples[2].origin["warning"] == NO_VESSELS and "warning" not in samples[0].origin
    network = PhotographCascade(GlobalGenerator(5, 3, 4, 1, 1), EDSR(channels=8, num_blocks=1, guide_channels=2))
    (photograph,) = CascadePainter(network.eval(), AutocastInferer(None))([samples[2]], PLANNED[2:])
    assert photograph.shape == (3, 256, 256) and photograph.std() > 0


def test_no_attempt_is_refused():
    for wrong in (0, 1.5):
        with pytest.raises(ValueError, match=f"max_attempts: found {wrong}"):
            JudgedMaps(EYES, max_attempts=wrong)
