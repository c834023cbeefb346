import pytest
import torch

from monai_fundusgen.transforms.known import TOLERATED, WeighKnownd


def test_pixels_count_unless_more_than_the_tolerated_share_is_uncertain():
    share = torch.tensor([[[0.0, TOLERATED, 2 * TOLERATED, 1.0]]])
    item = WeighKnownd()({"uncertain": share, "label": 1})
    assert item["weight"].tolist() == [[[1.0, 1.0, 0.0, 0.0]]]
    assert "uncertain" not in item and item["label"] == 1


def test_an_item_without_the_plane_is_refused():
    with pytest.raises(KeyError, match="LoadFundusd"):
        WeighKnownd()({"label": 1})
