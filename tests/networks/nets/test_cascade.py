import torch
from torch import nn

from monai_fundusgen.networks.nets.cascade import PhotographCascade
from monai_fundusgen.networks.nets.edsr import EDSR
from monai_fundusgen.networks.nets.styled_generator import STYLE_DIM, StyledGenerator, photograph_style


class Colour(nn.Module):
    """Paints the first entries of its style."""

    def forward(self, condition, style):
        return style[:, :3, None, None].expand(-1, -1, *condition.shape[-2:])


def cascade():
    torch.manual_seed(0)
    network = PhotographCascade(
        StyledGenerator(Colour(), bank_size=4), EDSR(channels=8, num_blocks=1, guide_channels=2)
    )
    network.generator.fill_bank(torch.stack([torch.full((STYLE_DIM,), 0.3), torch.full((STYLE_DIM,), -0.2)]))
    return network.eval()


def test_style_and_guide_reach_their_stages():
    network, condition = cascade(), torch.zeros(1, 5, 8, 8)
    guide, style = torch.rand(1, 2, 32, 32), network.styles([1])
    fine = network(condition, guide, style)
    assert fine.shape == (1, 3, 32, 32)
    assert torch.equal(fine, network.enlarger(style[:, :3, None, None].expand(1, 3, 8, 8), guide))
    assert not torch.equal(fine, network(condition, torch.zeros_like(guide), style))
    assert not torch.equal(fine, network(condition, guide, network.styles([2])))


def test_plain_stages_need_neither():
    network = PhotographCascade(nn.Identity(), EDSR(channels=8, num_blocks=1))
    condition = torch.rand(1, 3, 8, 8)
    assert network.styles([1]) is None and not network.guided
    assert torch.equal(network(condition, torch.rand(1, 2, 32, 32)), network.enlarger(condition))


def test_a_photograph_gives_its_style_to_all_seeds():
    network = cascade()
    photograph = torch.full((3, 64, 64), 0.3)
    styles = network.styles([1, 2], photograph)
    assert torch.equal(styles[0], styles[1])
    assert torch.allclose(styles[:1], photograph_style(photograph[None]))


def test_rows_that_are_not_wanted_are_black_and_the_others_nearly_those_of_the_whole():
    """Only the rows next to the cut differ: as far as three convolutions of the enlarger reach."""
    network, condition = cascade(), torch.zeros(1, 5, 16, 16)
    guide, style = torch.rand(1, 2, 64, 64), network.styles([1])
    whole, part = network(condition, guide, style), network(condition, guide, style, rows=(3, 12))
    assert (part[:, :, :12] == -1).all() and (part[:, :, 48:] == -1).all()
    inside = slice(4 * 3 + 20, 4 * 12 - 20)
    torch.testing.assert_close(part[:, :, inside], whole[:, :, inside])
    assert torch.equal(network(condition, guide, style, rows=(0, 16)), whole)
