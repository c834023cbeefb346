from __future__ import annotations

import math

import pytest
import torch

from monai_fundusgen.losses.vessel_kinds import VesselKindLoss

#: artery, vein, crossing, unknown
VESSELS = torch.tensor([[[[1, 0, 1, 0]], [[0, 1, 1, 0]]]]).float()


def entropy(logit, wanted):
    return math.log1p(math.exp(-logit if wanted else logit))


def test_both_graphs_by_hand():
    logits = torch.tensor([0.3, -1.2, 2.0, 0.7]).reshape(1, 4, 1, 1).expand(1, 4, 1, 4)
    wanted = [[1, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 1]]  # artery or crossing, vein; artery, vein or crossing
    each = [entropy(float(logits[0, c, 0, p]), wanted[c][p]) for c in range(4) for p in range(3)]
    assert VesselKindLoss()(logits, VESSELS).item() == pytest.approx(sum(each) / 12)


def test_it_is_half_the_loss_of_each_graph():
    logits = torch.randn(1, 4, 1, 4, generator=torch.Generator().manual_seed(0))
    graphs = [torch.nn.functional.binary_cross_entropy_with_logits(
        logits[0, pair, 0, :3], torch.tensor(wanted).float()
    ) for pair, wanted in ((slice(0, 2), [[1, 0, 1], [0, 1, 0]]), (slice(2, 4), [[1, 0, 0], [0, 1, 1]]))]  # fmt: skip
    assert VesselKindLoss()(logits, VESSELS).item() == pytest.approx(sum(graphs).item() / 2)


def test_two_outputs_call_a_crossing_both():
    right = (VESSELS * 2 - 1) * 20
    assert VesselKindLoss()(right, VESSELS).item() == pytest.approx(0, abs=1e-6)


def test_pixels_of_unknown_kind_do_not_count():
    logits = torch.zeros(1, 2, 1, 4)
    logits[..., 3] = 1e4
    assert VesselKindLoss()(logits, VESSELS).item() == pytest.approx(math.log(2))


def test_a_batch_of_one_kind_trains_and_one_without_any_is_refused():
    arteries = VESSELS * torch.tensor([1.0, 0.0])[None, :, None, None]
    assert VesselKindLoss()(torch.zeros(1, 4, 1, 4), arteries).item() == pytest.approx(math.log(2))
    with pytest.raises(ValueError, match="crop_size"):
        VesselKindLoss()(torch.zeros(1, 4, 1, 4), VESSELS * 0)
    with pytest.raises(ValueError, match="3 channels"):
        VesselKindLoss()(torch.zeros(1, 3, 1, 4), VESSELS)
