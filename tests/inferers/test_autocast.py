import pytest
import torch

from monai_fundusgen.inferers.autocast import AutocastInferer


def test_full_precision_is_the_bare_network():
    network, x = torch.nn.Conv2d(3, 4, 3), torch.randn(1, 3, 8, 8)
    assert torch.equal(AutocastInferer(None)(x, network), network(x))


def test_reduced_precision_is_used_and_the_result_widened():
    network, x = torch.nn.Conv2d(3, 4, 3), torch.randn(1, 3, 8, 8)
    result = AutocastInferer("bfloat16")(x, network)
    assert result.dtype == torch.float32
    assert torch.equal(result, result.bfloat16().float())  # what bfloat16 can hold
    assert torch.allclose(result, network(x), atol=0.05)


def test_another_precision_is_refused():
    with pytest.raises(ValueError, match="neither None nor 'bfloat16'"):
        AutocastInferer("float16")
