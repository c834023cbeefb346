"""Networks run in the precision that a device computes fast, and on devices that exist."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
import yaml

from monai_fundusgen.weights.device import autocast_of, fast_autocast, usable_device

CONFIGS = sorted((Path(__file__).parents[2] / "bundles").glob("*/configs/*.yaml"))


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, None),
        ({"avx2": True, "avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True, "amx_tile": True}, "bfloat16"),
        ({"neon": True, "bf16": False}, None),
        ({"neon": True, "bf16": True}, "bfloat16"),
        ({}, None),
    ],
)
def test_a_processor_gets_bfloat16_only_with_units_for_it(units, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units, raising=False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert fast_autocast("cpu") == fast_autocast(torch.device("cpu")) == expected


def test_a_torch_that_names_no_units_gets_full_precision(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert fast_autocast("cpu") is None


@pytest.mark.parametrize(("hardware", "expected"), [(True, "bfloat16"), (False, None)])
def test_a_gpu_that_only_imitates_bfloat16_gets_full_precision(hardware, expected, monkeypatch):
    asked = []

    def supported(including_emulation=True):
        return hardware or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext(asked.append(device)))
    assert fast_autocast("cuda:1") == expected
    assert asked == [torch.device("cuda:1")]  # of several, this one


def test_where_units_are_not_known_it_is_full_precision(monkeypatch):
    assert fast_autocast("mps") is fast_autocast("xpu") is None
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"bf16": True}, raising=False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)  # the units, and nothing that uses them
    assert fast_autocast("cpu") is None


def test_a_precision_by_name_holds_on_any_device(monkeypatch):
    for units in ({}, {"amx_bf16": True}):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda units=units: units, raising=False)
        assert autocast_of("bfloat16", "cpu") == "bfloat16" and autocast_of("float32", "cpu") is None
        assert autocast_of(None, "cpu") == fast_autocast("cpu")
    with pytest.raises(ValueError, match="precision: found 'float16', expected bfloat16 or float32"):
        autocast_of("float16", "cpu")


def every_autocast(config):
    """What stands under ``autocast`` anywhere in a configuration."""
    if isinstance(config, list):
        return [one for entry in config for one in every_autocast(entry)]
    if not isinstance(config, dict):
        return []
    own = [config["autocast"]] if "autocast" in config else []
    return own + [one for entry in config.values() for one in every_autocast(entry)]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_no_bundle_imitates_bfloat16_unasked(path):
    allowed = (None, "@autocast", "$fast_autocast(@device)", "$autocast_of(@precision, @device)")
    assert set(every_autocast(yaml.safe_load(path.read_text(encoding="utf-8")))) <= set(allowed)


def test_a_device_that_is_not_there_is_refused_by_name():
    assert usable_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="'quantum'.*this machine has cpu"):
        usable_device("quantum")
    with pytest.raises(ValueError, match="computes nothing"):
        usable_device("meta")
