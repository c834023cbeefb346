import torch

from monai_fundusgen.transforms.pixels import photograph_pixels, soft_map_pixels, unit_pixels


def test_every_byte_survives_the_network_range():
    levels = torch.arange(256)
    photograph = (levels.float() / 127.5 - 1).expand(3, 1, 256)
    assert torch.equal(photograph_pixels(photograph)[0, 0], levels.to(torch.uint8))


def test_values_beyond_the_range_are_clamped_and_never_wrap():
    assert photograph_pixels(torch.tensor([[[-3.0]], [[1.004]], [[9.0]]])).flatten().tolist() == [0, 255, 255]


def test_arteries_are_red_veins_blue():
    vessels = torch.tensor([[[1.0, 0.0, 1.0]], [[0.0, 1.0, 0.5]]])
    assert soft_map_pixels(vessels).permute(1, 2, 0).tolist() == [[[255, 0, 0], [0, 0, 255], [255, 0, 128]]]


def test_one_channel_is_grey_and_three_are_as_they_are():
    levels = torch.arange(256)[None, None] / 255
    assert torch.equal(unit_pixels(levels), torch.arange(256).expand(3, 1, 256).to(torch.uint8))
    colours = torch.tensor([-1.0, 0.5, 2.0])[:, None, None].expand(2, 3, 4, 5)
    assert unit_pixels(colours).shape == (2, 3, 4, 5) and unit_pixels(colours)[0, :, 0, 0].tolist() == [0, 128, 255]
