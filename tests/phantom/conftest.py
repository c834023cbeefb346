import pytest

from monai_fundusgen.phantom.tree import grow_retina


@pytest.fixture(scope="session")
def retinas():
    """Twelve eyes of the default anatomy."""
    return [grow_retina(seed) for seed in range(12)]
