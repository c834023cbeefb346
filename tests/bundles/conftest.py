"""Every bundle, its folder and its configuration files."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "bundles"
TRAINED = (
    "fundus_av_mask_ddpm", "fundus_photograph_pix2pixhd", "fundus_superresolution_edsr", "fundus_av_unet",
    "fa_vessel_unet",
)  # fmt: skip
BUNDLES = (*TRAINED, "fundus_dataset_generation")
CT = "ct_slice_ddpm"  # trains on slices, without phantoms and weights: tests of its own in test_ct_slices.py
BASELINES = ("fundus_vessel_mask_ddpm", "fundus_photograph_ddpm", "fundus_av_mask_stylegan2")  # test_baselines.py
METHODS = ("fundus_vessel_ssanet", "fundus_vessel_rvgan", "fundus_av_hvgn")  # published ones; without weights
REPORTS = ("fundus_evaluation", "fundus_groundtruth_fa")  # make no weights


def pytest_generate_tests(metafunc):
    if "any_bundle" in metafunc.fixturenames:
        names = (*BUNDLES, *METHODS, *BASELINES, *REPORTS, CT)
        metafunc.parametrize("any_bundle", [ROOT / name for name in names], ids=names)
    if "bundle" in metafunc.fixturenames:
        metafunc.parametrize("bundle", [ROOT / name for name in BUNDLES], ids=BUNDLES)
    if "trained_bundle" in metafunc.fixturenames:
        metafunc.parametrize("trained_bundle", [ROOT / name for name in TRAINED], ids=TRAINED)
    if "method" in metafunc.fixturenames:
        metafunc.parametrize("method", [ROOT / name for name in METHODS], ids=METHODS)


@pytest.fixture(scope="session")
def bundle_root():
    return ROOT
