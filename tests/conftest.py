"""Real images beside the checkout: where they are, and that tests marked ``data`` skip without them."""

from __future__ import annotations

from pathlib import Path

import pytest

HRF_AV = Path(__file__).parents[1] / ".." / "shared" / "data" / "hrf-av"


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
