from __future__ import annotations

import pytest
import torch

from monai_fundusgen.inferers.tiled import TiledInferer


def picture():
    return torch.rand(1, 2, 37, 50, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("inferer", [TiledInferer(), TiledInferer(multiple=8), TiledInferer(16), TiledInferer(64)])
def test_a_network_that_looks_at_single_pixels_gives_the_same_in_every_way(inferer):
    found = inferer(picture(), lambda x: 2 * x[:, :1] + 1)
    assert torch.allclose(found, 2 * picture()[:, :1] + 1, atol=1e-5)


def test_whole_pictures_are_padded_to_what_the_network_takes():
    seen = []

    def network(x):
        seen.append(tuple(x.shape[-2:]))
        return x

    assert TiledInferer(multiple=8)(picture(), network).shape == picture().shape
    assert seen == [(40, 56)]


def test_tiles_must_fit_the_network():
    with pytest.raises(ValueError, match="roi_size: found 20, expected a multiple of 8"):
        TiledInferer(20, multiple=8)
    with pytest.raises(ValueError, match="autocast"):
        TiledInferer(autocast="float16")
