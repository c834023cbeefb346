import torch

from monai_fundusgen.inferers.preview import ImagePreview, SamplePreview


def test_maps_of_the_same_seeds_come_back_every_time():
    def sampler(seeds, network):
        return torch.stack([torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(seed)) for seed in seeds])

    preview = SamplePreview(sampler, torch.nn.Identity(), seeds=(3, 4))
    assert preview().shape == (2, 3, 4, 4) and preview().dtype == torch.uint8
    assert torch.equal(preview(), preview())


def test_each_row_is_input_prediction_truth():
    items = [{"low": torch.full((3, 2, 2), -1.0), "image": torch.full((3, 4, 4), 1.0)}]
    network = torch.nn.Sequential(torch.nn.Upsample(scale_factor=2), torch.nn.Conv2d(3, 3, 1))
    torch.nn.init.zeros_(network[1].weight)
    torch.nn.init.zeros_(network[1].bias)
    given, predicted, truth = ImagePreview(network, items, "low", "image")()
    assert (given == 0).all() and (predicted == 128).all() and (truth == 255).all()


def test_a_network_is_given_what_its_keywords_name():
    class Guided(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.level = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x, guide):
            return guide + self.level

    items = [{"low": torch.zeros(3, 2, 2), "image": torch.zeros(3, 2, 2), "label": torch.ones(3, 2, 2)}]
    _, predicted, _ = ImagePreview(Guided(), items, "low", "image", keywords={"guide": "label"})()
    assert (predicted == 255).all()
