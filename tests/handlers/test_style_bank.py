import torch
from ignite.engine import Engine
from torch import nn

from monai_fundusgen.handlers.style_bank import StyleBank
from monai_fundusgen.networks.nets.styled_generator import StyledGenerator, photograph_style


def test_after_an_epoch_the_bank_holds_the_styles_of_the_photographs():
    network = StyledGenerator(nn.Identity(), bank_size=4)
    items = [{"image": torch.rand(3, 64, 64)} for _ in range(2)]
    engine = Engine(lambda *_: None)
    StyleBank(network, items).attach(engine)
    engine.run([0], max_epochs=1)
    expected = torch.cat([photograph_style(item["image"][None] * 2 - 1) for item in items])
    assert torch.allclose(network.bank[[0, -1]], expected)
    assert len(network.bank.unique(dim=0)) == 2


def test_more_photographs_than_rows_are_thinned_evenly():
    network = StyledGenerator(nn.Identity(), bank_size=2)
    items = [{"image": torch.full((3, 32, 32), value)} for value in (0.0, 0.5, 1.0)]
    engine = Engine(lambda *_: None)
    StyleBank(network, items).attach(engine)
    engine.run([0], max_epochs=1)
    ends = torch.stack([items[0]["image"], items[-1]["image"]]) * 2 - 1
    assert torch.allclose(network.bank, photograph_style(ends))
