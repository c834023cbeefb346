import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.export.export_dataset import export_dataset


@pytest.fixture
def dataset(finished_set):
    return finished_set


@pytest.fixture
def codes(made):
    """Label codes of each sample, by its id."""
    return {one.id: one.label[0].astype(np.uint8) + 2 * one.label[1].astype(np.uint8) for one in made}


@pytest.fixture
def written(dataset, tmp_path):
    """Export the data set: name of a format and options in, its folder out."""

    def write(name, **options):
        export_dataset(dataset, tmp_path / name, name, **options)
        return tmp_path / name

    return write


@pytest.fixture
def pixels():
    return lambda path: np.asarray(Image.open(path))
