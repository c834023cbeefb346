"""Every bundle, its folder and its configuration files."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "bundles"
TRAINED = (
    "fundus_av_mask_ddpm", "fundus_photograph_pix2pixhd", "fundus_superresolution_edsr", "fundus_av_unet",
)  # fmt: skip
BUNDLES = (*TRAINED, "fundus_dataset_generation")


def pytest_generate_tests(metafunc):
    if "bundle" in metafunc.fixturenames:
        metafunc.parametrize("bundle", [ROOT / name for name in BUNDLES], ids=BUNDLES)
    if "trained_bundle" in metafunc.fixturenames:
        metafunc.parametrize("trained_bundle", [ROOT / name for name in TRAINED], ids=TRAINED)


@pytest.fixture(scope="session")
def bundle_root():
    return ROOT
