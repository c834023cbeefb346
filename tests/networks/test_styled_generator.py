import torch
from torch import nn

from monai_fundusgen.networks.nets.styled_generator import StyledGenerator, StyleEncoder


class Spread(nn.Module):
    """Shows the style."""

    def forward(self, condition, style):
        return style[:, :, None, None].expand(-1, -1, *condition.shape[-2:])


def photograph(*colour):
    return torch.tensor(colour)[None, :, None, None].expand(1, 3, 64, 64)


def test_the_style_is_the_same_at_every_pixel_and_joins_the_condition():
    network = StyledGenerator(Spread(), style_dim=3)
    style = torch.tensor([[0.1, -0.2, 0.3]])
    output = network(torch.zeros(1, 5, 8, 8), style=style)
    assert torch.equal(output, style[:, :, None, None].expand(1, 3, 8, 8))


def test_a_photograph_gives_the_style_of_the_encoder():
    network = StyledGenerator(Spread(), style_dim=3)
    shown = network(torch.zeros(1, 5, 8, 8), photograph(0.5, -0.2, -0.6))
    assert torch.allclose(shown[:, :, 0, 0], network.encoder(photograph(0.5, -0.2, -0.6)))


def test_thin_structures_do_not_reach_the_style_but_colour_and_light_do():
    torch.manual_seed(0)
    encode = StyleEncoder(4)
    plain = torch.full((1, 3, 256, 256), 0.2)
    stripes, bright, lit = plain.clone(), plain + 0.3, plain.clone()
    stripes[..., ::2] += 0.2
    stripes[..., 1::2] -= 0.2
    lit[..., 128:] += 0.3
    base = encode(plain)
    assert torch.allclose(encode(stripes), base, atol=1e-5)
    assert (encode(bright) - base).abs().max() > 1e-3 < (encode(lit) - encode(lit.flip(-1))).abs().max()


def test_without_a_style_the_mean_of_the_bank_is_used():
    network = StyledGenerator(Spread(), style_dim=3, bank_size=4)
    network.fill_bank(torch.tensor([[0.0, 0.2, 0.4], [0.2, 0.4, 0.8]]))
    assert torch.allclose(network(torch.zeros(1, 5, 2, 2))[0, :, 0, 0], torch.tensor([0.1, 0.3, 0.6]))


def test_drawn_styles_lie_between_rows_of_the_bank_and_belong_to_their_seed():
    network = StyledGenerator(Spread(), style_dim=2, bank_size=2)
    network.fill_bank(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    drawn = network.drawn_styles(list(range(20)))
    assert torch.allclose(drawn.sum(1), torch.ones(20)) and drawn.unique(dim=0).shape[0] > 5
    assert torch.equal(network.drawn_styles([7])[0], drawn[7])
