"""Real images beside the checkout: where they are, and that tests marked ``data`` skip without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.writer import DatasetWriter
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.sampling.judged import JudgedMaps
from monai_fundusgen.sampling.painters import PhantomPainter
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.sampling.sources import PhantomMaps
from monai_fundusgen.sampling.step import GenerationStep

HRF_AV = Path(__file__).parents[1] / ".." / "shared" / "data" / "hrf-av"
CT = HRF_AV.with_name("ct")


def pytest_collection_modifyitems(items):
    if HRF_AV.is_dir():
        return
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason="no ../shared/data/hrf-av beside the checkout"))


@pytest.fixture(scope="session")
def hrf_av():
    """Folder of the real photographs; for tests marked ``data``."""
    return HRF_AV


@pytest.fixture(scope="session")
def ct_data():
    """Folder of the real CT scans; for tests marked ``data``."""
    if not CT.is_dir():
        pytest.skip("the CT scans may not be shipped: put them into ../shared/data/ct beside the checkout")
    return CT


@pytest.fixture(scope="session")
def retinas():
    """Twelve eyes of the default anatomy."""
    return [grow_retina(seed) for seed in range(12)]


@pytest.fixture(scope="session")
def made():
    """Samples of four phantom eyes, as the generating step gives them."""
    step = GenerationStep(JudgedMaps(PhantomMaps(size=256)), PhantomPainter())
    return step.samples(list(GenerationPlan(4, seed=1).samples()))


@pytest.fixture(scope="session")
def finished_set(made, tmp_path_factory):
    """The same as a finished data set."""
    settings = {"mask_source": "phantom", "photograph_source": "phantom", "size": 256, "seed": 1, "gate": False}
    root = tmp_path_factory.mktemp("dataset") / "set"
    writer = DatasetWriter(Journal(root, settings, num_samples=len(made)).start())
    for sample in made:
        writer.write(sample)
    assert writer.finish()
    return root
