import torch
from torch import nn

from monai_fundusgen.networks.nets.styled_generator import STYLE_DIM, StyledGenerator, photograph_style


class Spread(nn.Module):
    """Shows the style."""

    def forward(self, condition, style):
        return style[:, :, None, None].expand(-1, -1, *condition.shape[-2:])


def field(*colour, side=256):
    """A round field of one colour on black."""
    axis = torch.linspace(-1, 1, side)
    inside = axis[:, None] ** 2 + axis**2 < 0.9
    return torch.where(inside, torch.tensor(colour)[:, None, None], -1.0)[None]


def test_the_style_is_given_to_the_generator_as_it_is():
    network = StyledGenerator(Spread())
    style = torch.randn(1, STYLE_DIM)
    output = network(torch.zeros(1, 5, 8, 8), style=style)
    assert torch.equal(output, style[:, :, None, None].expand(1, STYLE_DIM, 8, 8))


def test_a_photograph_gives_its_own_style():
    network = StyledGenerator(Spread())
    photograph = field(0.5, -0.2, -0.6)
    assert torch.equal(network(torch.zeros(1, 5, 8, 8), photograph)[:, :, 0, 0], photograph_style(photograph))


def test_colour_moves_its_own_entries_and_the_margin_none():
    base, redder = photograph_style(field(0.4, -0.5, -0.7)), photograph_style(field(0.6, -0.5, -0.7))
    moved = (redder - base)[0]
    assert moved[0] > 1 and moved[1:].abs().max() < 1e-4
    smaller = torch.nn.functional.pad(field(0.4, -0.5, -0.7, side=192), (32,) * 4, value=-1.0)
    assert torch.allclose(photograph_style(smaller), base, atol=1e-4)


def test_light_from_one_side_moves_that_sides_slope_alone():
    plain, axis = field(0.2, -0.5, -0.7), torch.linspace(-1, 1, 256)
    lit = torch.where(plain > -1, plain + 0.2 * axis, plain)
    moved = (photograph_style(lit) - photograph_style(plain))[0]
    assert moved[6] > 1
    assert moved[[0, 1, 2, 7, 8]].abs().max() < 0.05
    mirrored = (photograph_style(lit.flip(-1)) - photograph_style(plain))[0]
    assert torch.allclose(mirrored[6], -moved[6], atol=1e-3)


def test_thin_structures_do_not_reach_the_style():
    plain = field(0.2, -0.5, -0.7)
    stripes = torch.where(plain > -1, plain + 0.2 * (torch.arange(256) % 2 * 2 - 1), plain)
    assert torch.allclose(photograph_style(stripes), photograph_style(plain), atol=0.05)


def test_a_black_picture_has_a_finite_style():
    assert photograph_style(torch.full((1, 3, 64, 64), -1.0)).isfinite().all()


def test_without_a_style_the_mean_of_the_bank_is_used():
    network = StyledGenerator(Spread(), bank_size=4)
    network.fill_bank(torch.stack([torch.zeros(STYLE_DIM), torch.arange(STYLE_DIM) * 2.0]))
    assert torch.allclose(network(torch.zeros(1, 5, 2, 2))[0, :, 0, 0], torch.arange(STYLE_DIM) * 1.0)


def test_drawn_styles_lie_between_rows_of_the_bank_and_belong_to_their_seed():
    network = StyledGenerator(Spread(), bank_size=2)
    ends = torch.eye(STYLE_DIM)[:2]
    network.fill_bank(ends)
    drawn = network.drawn_styles(list(range(20)))
    assert torch.allclose(drawn.sum(1), torch.ones(20)) and drawn.unique(dim=0).shape[0] > 5
    assert torch.equal(network.drawn_styles([7])[0], drawn[7])


def test_the_bank_is_shared_with_the_generator_of_the_first_phase():
    network = StyledGenerator(Spread(), bank_size=2)
    part = network.around(nn.Identity())
    part.fill_bank(torch.ones(1, STYLE_DIM))
    assert torch.equal(network.bank, torch.ones(2, STYLE_DIM))
