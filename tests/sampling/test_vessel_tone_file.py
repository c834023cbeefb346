"""The file of a vessel tone, measured on pictures: what real vessels have and painted ones lack comes into it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from monai_fundusgen.networks.nets.cascade import PhotographCascade
from monai_fundusgen.sampling import vessel_tone_file
from monai_fundusgen.sampling.vessel_tone_file import load_vessel_tone, measure_vessel_tone
from monai_fundusgen.vessels.reflex import measure_reflex

SIZE = 224
DEPTHS = np.array([[0.05, 0.3, 0.1], [0.08, 0.5, 0.2]])
LOST = np.array([[0.2, 0.1, 0.22], [0.05, 0.1, 0.1]])


def eye(seed, deeper, lost):
    """Bars of both kinds, 3 to 9 px wide, ``deeper`` times as deep as `DEPTHS`; the mean reflex is ``lost * LOST``."""
    rng = np.random.default_rng(seed)
    label = np.zeros((2, SIZE, SIZE), bool)
    photograph = np.full((3, SIZE, SIZE), 0.6)
    strength = 2.5 * lost * (seed % 5 < 2)  # two eyes of five shine
    wave = 1 + 0.1 * np.sin(np.linspace(0, 9, SIZE - 30) + rng.uniform(0, 6, 3)[:, None])  # levels along a vessel
    for place, width in enumerate((3, 5, 7, 9) * 2):
        kind, row = place % 2, 16 + 25 * place
        depth = deeper * DEPTHS[kind] * (1 + 0.05 * rng.standard_normal())
        label[kind, row : row + width, 15:-15] = True
        photograph[:, row : row + width, 15:-15] = 0.6 * (1 - (depth[:, None] * wave)[:, None])
        if width >= 5:
            middle = row + width // 2
            photograph[:, middle, 15:-15] = 0.6 * (1 - (depth * (1 - strength * LOST[kind]))[:, None] * wave)
    photograph += 0.002 * rng.standard_normal(photograph.shape)
    return photograph.astype(np.float32), label, np.ones((SIZE, SIZE), bool), np.zeros((SIZE, SIZE), bool)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A tone measured on ten real eyes with reflexes and on paintings a fifth too pale without any."""
    kinds = {"real": (1.0, 1.0), "painted": (0.8, 0.0)}
    monkeypatch.setattr(vessel_tone_file, "load_datalist", lambda path, *_, **__: [path] * 10)
    monkeypatch.setattr(
        vessel_tone_file, "_cases", lambda _, items, limit: (eye(n, *kinds[one]) for n, one in enumerate(items[:limit]))
    )
    network = PhotographCascade(torch.nn.Conv2d(5, 3, 1), torch.nn.Identity())
    path = tmp_path / "tone.json"
    measure_vessel_tone(path, network, real="real", painted="painted")
    return path, network, load_vessel_tone(path, network)


def test_toned_paintings_shine_as_real_eyes_do(measured):
    """What the median cross section brings of the reflex and what the file adds to it make the whole."""
    path, _, tone = measured
    assert json.loads(path.read_text())["reflex"]["real"] == tone.reflex.real.to_plain()
    cases = [eye(seed, 0.8, 0.0) for seed in range(10)] * 4
    toned = measure_reflex(
        (tone(*case[:3], np.random.default_rng(place)), *case[1:]) for place, case in enumerate(cases)
    )
    assert toned.lost == pytest.approx(LOST, abs=0.05)
    assert toned.spread == pytest.approx(np.sqrt(1.5) * LOST[:, 1], rel=0.4)
    bare = replace(tone, reflex=None)
    dull = measure_reflex((bare(*case[:3], np.random.default_rng(0)), *case[1:]) for case in cases)
    assert (dull.spread < 0.5 * toned.spread).all()


def test_a_toned_painting_has_the_depths_and_the_reflex_of_real_eyes(measured):
    _, _, tone = measured
    wanted, found = np.zeros((2, 2, 3)), np.zeros((2, 2, 3))
    for seed in range(10):
        photograph, label, fov, _ = eye(seed, 0.8, 0.0)
        toned = tone(photograph, label, fov, np.random.default_rng(seed))
        for total, picture in ((wanted, eye(seed, 1.0, 1.0)[0]), (found, toned)):
            for kind, row in enumerate((16 + 25 * 6, 16 + 25 * 7)):  # those of 9 px
                depth = 1 - picture[:, row : row + 9, 30:-30].mean(axis=2) / 0.6
                total[kind] += np.stack([depth[:, 4], depth[:, 2]]) / 10
    assert found == pytest.approx(wanted, rel=0.15, abs=0.01)


def test_a_file_of_another_painter_is_not_taken(measured, caplog):
    path, network, _ = measured
    with torch.no_grad():
        network.generator.weight += 1
    assert load_vessel_tone(path, network) is None and "measured on other weights" in caplog.text
