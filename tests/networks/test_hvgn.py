from __future__ import annotations

import pytest
import torch

from monai_fundusgen.networks.nets import hvgn
from monai_fundusgen.networks.nets.hvgn import HVGN, NO_VESSEL, HVGNFeatures, kind_probabilities, pixel_edges

pytest.importorskip("torch_geometric")


def picture(seed=0, height=20, width=17, share=0.15):
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(2, 4, height, width, generator=rng)
    x[:, 0] = (torch.rand(2, height, width, generator=rng) < share).float()
    return x


def small(**options):
    torch.manual_seed(0)
    return HVGN(HVGNFeatures(1 / 16), **options)


def test_edges_are_the_pairs_within_five_by_five_and_never_wrap():
    vessel = picture()[0, 0] > 0.5
    places = vessel.nonzero().tolist()
    expected = {
        (i, j)
        for i, (y, x) in enumerate(places)
        for j, (v, u) in enumerate(places)
        if abs(y - v) <= 2 and abs(x - u) <= 2
    }
    edges = pixel_edges(vessel)
    assert {tuple(edge) for edge in edges.T.tolist()} == expected and edges.shape[1] == len(expected)
    assert {(i, i) for i in range(len(places))} <= expected


def test_a_node_has_81_features_of_which_the_mask_is_the_first():
    x = picture()
    features = HVGNFeatures(1 / 16).features(x)
    assert features.shape == (2, 81, 20, 17)
    assert torch.equal(features[:, 0], x[:, 0])


def test_both_graphs_are_the_published_ones():
    network = small()
    for graph in (network.artery_graph, network.vein_graph):
        assert (graph.in_channels, graph.hidden_channels, graph.out_channels, graph.depth) == (81, 32, 2, 3)


def test_vessel_pixels_alone_are_classified():
    x = picture()
    logits = small().eval()(x)
    outside = (x[:, :1] == 0).expand_as(logits)
    assert logits.shape == (2, 4, 20, 17)
    assert (logits[outside] == NO_VESSEL).all() and (logits[~outside] != NO_VESSEL).all()


def test_trained_features_stay_as_they_are():
    network = small().train()
    before = {name: value.clone() for name, value in network.features.state_dict().items()}
    network(picture())[:, :, 3:].sum().backward()
    assert all(parameter.grad is None for parameter in network.features.parameters())
    assert network.artery_graph.down_convs[0].lin.weight.grad is not None
    assert all(torch.equal(before[name], value) for name, value in network.features.state_dict().items())
    together = small(train_features=True).train()
    together(picture()).sum().backward()
    assert together.features.encoder.conv1.weight.grad is not None


def test_a_picture_without_vessels_has_none():
    x = picture()
    x[0, 0] = 0
    logits = small().eval()(x)
    assert (logits[0] == NO_VESSEL).all() and not (logits[1] == NO_VESSEL).all()
    assert (kind_probabilities(logits)[0] == 0).all()


def test_a_graph_too_large_asks_for_tiles():
    with pytest.raises(ValueError, match=r"graph of \d+ vessel pixels, at most 10 .* tiles"):
        small(max_nodes=10)(picture())
    with pytest.raises(ValueError, match="3 channels; expected 4"):
        small()(picture()[:, 1:])


def test_probabilities_are_the_chance_of_an_artery_that_is_no_vein():
    logits = torch.tensor([2.0, -1.0, 0.5, 0.0]).reshape(1, 4, 1, 1)
    a, v = torch.sigmoid(logits[0, 0::2, 0, 0]), torch.sigmoid(logits[0, 1::2, 0, 0])
    expected = (a * (1 - v) / (a * (1 - v) + v * (1 - a))).mean()
    found = kind_probabilities(logits)[0, :, 0, 0]
    assert found.tolist() == pytest.approx([float(expected), 1 - float(expected)])


def test_without_pytorch_geometric_the_install_line_is_given(monkeypatch):
    monkeypatch.setattr(hvgn, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'monai-fundusgen\[downstream\]'"):
        small()
