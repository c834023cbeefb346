import numpy as np
import pytest


@pytest.fixture
def dataset(finished_set):
    return finished_set


@pytest.fixture
def codes(made):
    """Label codes of each sample, by its id."""
    return {one.id: one.label[0].astype(np.uint8) + 2 * one.label[1].astype(np.uint8) for one in made}
