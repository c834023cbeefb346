"""A network at half resolution that loses no pixel."""

import pytest
import torch
from torch import nn

from monai_fundusgen.networks.nets.pixel_shuffled import PixelShuffled


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (2, 1, 13, 22)])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_with_a_network_that_changes_nothing_every_pixel_comes_back(shape, factor):
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(PixelShuffled(nn.Identity(), factor, multiple=4)(image), image)


def test_the_inner_network_sees_folded_pixels_at_a_multiple_of_what_it_asks_for():
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append(tuple(x.shape))
            return x

    PixelShuffled(Spy(), 2, multiple=8)(torch.zeros(1, 6, 100, 40))
    assert seen == [(1, 24, 56, 24)]
