"""Networks run in the precision that a device computes fast, and on devices that exist."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from monai_fundusgen.weights.device import fast_autocast, usable_device

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
    assert fast_autocast("cpu") == fast_autocast(torch.device("cpu")) == expected


def test_a_torch_that_names_no_units_gets_full_precision(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert fast_autocast("cpu") is None


@pytest.mark.parametrize(("hardware", "expected"), [(True, "bfloat16"), (False, None)])
def test_a_gpu_that_only_imitates_bfloat16_gets_full_precision(hardware, expected, monkeypatch):
    def supported(including_emulation=True):
        return hardware or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert fast_autocast("cuda:0") == expected


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_no_bundle_imitates_bfloat16_unasked(path):
    found = yaml.safe_load(path.read_text(encoding="utf-8")).get("autocast")
    assert found in (None, "@autocast", "$fast_autocast(@device)")


def test_a_device_that_is_not_there_is_refused_by_name():
    assert usable_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="'quantum'.*this machine has cpu"):
        usable_device("quantum")
    with pytest.raises(ValueError, match="computes nothing"):
        usable_device("meta")
