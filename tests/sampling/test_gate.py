from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.map_anatomy import map_anatomy
from monai_fundusgen.sampling.gate import AnatomyGate, judge

RANGES = AnatomyGate()
PER_KIND = ("density", "length_fd", "components", "largest_share", "bifurcations", "crossings", "loops")
OF_BOTH = ("av_crossings", "kind_flips", "avr", "disc_row", "disc_column")


def plausible():
    """Anatomy in the middle of every range."""
    middle = {name: float(np.mean(getattr(RANGES, name))) for name in (*PER_KIND, *OF_BOTH)}
    return {f"{kind}.{name}": middle[name] for kind in ("artery", "vein") for name in PER_KIND} | {
        name: middle[name] for name in OF_BOTH
    }


def test_a_plausible_map_passes():
    assert judge(plausible()) == []


@pytest.mark.parametrize("name", sorted(plausible()))
def test_every_figure_is_judged_on_both_sides_and_by_name(name):
    least, most = getattr(RANGES, name.split(".")[-1])
    for value in (least - 0.01, most + 0.01, float("nan")):
        (reason,) = judge(plausible() | {name: value})
        assert reason.startswith(name + " ") and f"{least:g} to {most:g}" in reason
    assert judge(plausible() | {name: least}) == judge(plausible() | {name: most}) == []


def test_an_empty_map_fails_for_every_lack():
    reasons = judge(map_anatomy(np.zeros((2, 64, 64), bool)))
    named = {reason.split()[0] for reason in reasons}
    assert {"artery.density", "vein.density", "artery.components", "avr", "disc_row", "av_crossings"} <= named


def test_a_gate_of_ones_own_counts():
    strict = replace(RANGES, kind_flips=(0, 0))
    assert judge(plausible() | {"kind_flips": 1.0}) == []
    assert judge(plausible() | {"kind_flips": 1.0}, strict) == ["kind_flips 1 outside 0 to 0"]


def test_every_range_of_the_gate_is_used():
    assert set(vars(RANGES)) == {*PER_KIND, *OF_BOTH}
