"""Do maps lean towards the training maps? Of whole maps and of quarters, searched once, said in the verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.evaluation import privacy
from monai_fundusgen.evaluation.fidelity import SYNTHETIC
from monai_fundusgen.evaluation.privacy import map_preference
from monai_fundusgen.evaluation.verdict import verdict


@dataclass(frozen=True)
class Maps:
    """What `map_preference` asks of measurements."""

    name: str
    small: np.ndarray

    @property
    def digest(self) -> str:
        return f"{self.name} {self.small.sum()}"

    @property
    def title(self) -> str:
        return self.name

    @property
    def with_maps(self) -> int:
        return len(self.small)

    def column(self, name: str) -> np.ndarray:
        assert name == "small"
        return self.small


def maps(name, count, seed):
    """Soft maps of thin lines (N, 2, 64, 64), uint8 as measurements keep them."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(count, 2, 64, 64)), (0, 0, 2, 2))
    return Maps(name, np.rint(np.clip(1 - np.abs(noise) / 0.03, 0, 1) * 255).astype(np.uint8))


def preference(sample, training, held_out, cache):
    return map_preference(sample, training, held_out, cache, lambda places, *_: places, 0)


def told(found, maps_found):
    row = {"likeness": {}, "bound": 0.5, "flagged": {SYNTHETIC: 0}}
    section = {"maps": {"searched": 6, "false_alarms": 0.01, "map": row, "patch": row, "preference": found}}
    features = {"to_real": {}, "matched_n": 4}
    return " ".join(verdict({}, features, section if maps_found else None, {}).copies)


@pytest.fixture
def real():
    return maps("training", 6, 1), maps("held out", 5, 2)


def test_copies_lean_and_other_maps_do_not(real, tmp_path):
    training, held_out = real
    copies = preference(Maps("copies", training.small[:, :, :, ::-1]), training, held_out, tmp_path)
    others = preference(maps("others", 6, 3), training, held_out, tmp_path)
    held = preference(Maps("held copies", held_out.small), training, held_out, tmp_path)
    for name in ("map", "patch"):
        assert copies[name]["difference"] > copies[name]["high"] and copies[name]["records"] == 5
        assert held[name]["difference"] < held[name]["low"]
        assert others[name]["p_value"] > 0.05
    assert copies["map"]["closer_to_training"] > 0.8 > 0.2 > held["map"]["closer_to_training"]
    assert "parts of maps are more like training maps" in told(copies, maps_found=True)
    assert "parts of maps are no more like training maps" in told(others, maps_found=True)


def test_quarters_are_compared_by_themselves(real, tmp_path):
    """A sample that took one quarter of each training map leans in its parts, hardly in its whole."""
    training, held_out = real
    taken = maps("quarters", 6, 4)
    taken.small[:, :, :32, 32:] = training.small[:, :, 20:52, 10:42]
    found = preference(taken, training, held_out, tmp_path)
    assert found["patch"]["difference"] > 2 * max(found["map"]["difference"], 0.05)
    assert found["patch"]["difference"] > found["patch"]["high"]


def test_what_was_searched_is_read_and_no_map_is_searched_for_nothing(real, tmp_path, monkeypatch):
    training, held_out = real
    sample = maps("sample", 9, 5)
    monkeypatch.setattr(privacy, "MOST_ROWS", 4)
    searched = []
    monkeypatch.setattr(privacy, "dice_with_each", lambda one, *_, **__: searched.append(one) or np.full(11, 0.4))
    found = preference(sample, training, held_out, tmp_path)
    assert len(searched) == 4 and found["map"]["difference"] == 0
    assert preference(sample, training, held_out, tmp_path) == found and len(searched) == 4
    monkeypatch.setattr(privacy, "_SHIFT_PX", 3)
    preference(sample, training, held_out, tmp_path)
    assert len(searched) == 8  # another search


def test_too_few_maps_are_said():
    assert "Too few training or held-out maps" in told(None, maps_found=True)
    assert "was not looked at" in told(None, maps_found=False)
