import numpy as np
import pytest

from monai_fundusgen.generation.journal import Journal
from monai_fundusgen.generation.judged import JudgedMaps
from monai_fundusgen.generation.map_sources import PhantomMaps
from monai_fundusgen.generation.painters import PhantomPainter
from monai_fundusgen.generation.plan import GenerationPlan
from monai_fundusgen.generation.step import GenerationStep
from monai_fundusgen.generation.writer import DatasetWriter

COUNT, SIDE = 4, 256


@pytest.fixture(scope="session")
def made():
    """Samples of four phantom eyes, as the generating step gives them."""
    step = GenerationStep(JudgedMaps(PhantomMaps(size=SIDE)), PhantomPainter())
    return step.samples(list(GenerationPlan(COUNT, seed=1).samples()))


@pytest.fixture(scope="session")
def dataset(made, tmp_path_factory):
    """The same as a finished data set."""
    settings = {"mask_source": "phantom", "photograph_source": "phantom", "size": SIDE, "seed": 1, "gate": False}
    root = tmp_path_factory.mktemp("dataset") / "set"
    writer = DatasetWriter(Journal(root, settings, num_samples=COUNT))
    for sample in made:
        writer.write(sample)
    assert writer.finish()
    return root


@pytest.fixture
def codes(made):
    """Label codes of each sample, by its id."""
    return {one.id: one.label[0].astype(np.uint8) + 2 * one.label[1].astype(np.uint8) for one in made}
