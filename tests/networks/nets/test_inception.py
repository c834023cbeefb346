"""The network of the Frechet inception distance, by the facts that are known of it without its weights."""

import hashlib
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from monai_fundusgen.metrics.inception import FILE_NAMES, SHA256, inception_features
from monai_fundusgen.networks.nets.inception import FrechetInception, resized_as_tensorflow_1


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return FrechetInception().eval()


def test_it_has_the_weights_of_the_published_file(network):
    """23,850,960 of them: those of Inception v3 without its second head, for 1,008 classes."""
    assert sum(weight.numel() for weight in network.parameters()) == 23_850_960
    names = set(network.state_dict())
    known = ("Mixed_5b.branch5x5_2.conv.weight", "Mixed_6c.branch7x7dbl_5.bn.running_var", "Mixed_7c.branch1x1.bn.bias")
    assert names >= {*known, "Mixed_7a.branch7x7x3_4.conv.weight", "fc.bias"}
    assert network.Mixed_6b.branch7x7_2.conv.kernel_size == (1, 7)


def test_features_are_2048_and_do_not_depend_on_the_batch(network):
    x = torch.rand(2, 3, 80, 80) * 2 - 1
    with torch.no_grad():
        both = network(x)
        assert both.shape == (2, 2048)
        assert torch.allclose(both[1:], network(x[1:]), atol=1e-4)


def test_pictures_are_resized_with_their_upper_left_corners_aligned():
    row = torch.tensor([0.0, 10.0, 20.0, 30.0])
    found = resized_as_tensorflow_1(row.view(1, 1, 1, 4).expand(1, 1, 4, 4), 8)
    assert found[0, 0, 0].tolist() == [0, 5, 10, 15, 20, 25, 30, 30]
    assert torch.equal(resized_as_tensorflow_1(found, 8), found)


def test_the_file_is_known_by_its_hash(network, tmp_path):
    with pytest.raises(FileNotFoundError, match=FILE_NAMES[0]):
        inception_features(tmp_path / "none.pth")
    path = tmp_path / FILE_NAMES[0]
    torch.save(network.state_dict(), path)
    with pytest.raises(ValueError, match=rf"SHA-256 [0-9a-f]+, expected {SHA256}"):
        inception_features(path)
    mine = inception_features(path, hashlib.sha256(path.read_bytes()).hexdigest())
    x = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        assert np.allclose(mine(x), network(x), atol=1e-4)
    torch.save({name: value for name, value in network.state_dict().items() if "7c" not in name}, path)
    with pytest.raises(ValueError, match="has no weights for Mixed_7c"):
        inception_features(path, hashlib.sha256(path.read_bytes()).hexdigest())


def test_features_are_those_of_torch_fidelity(network, tmp_path, monkeypatch):
    """The same weights in both; torch-fidelity takes bytes.

    It imports torchvision, whose detection operators may not fit the installed torch; no feature needs them.
    """
    monkeypatch.setitem(sys.modules, "torchvision._meta_registrations", ModuleType("torchvision._meta_registrations"))
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"an oracle that no extra installs: pip install --no-deps torch-fidelity torchvision ({error})")
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    other = FeatureExtractorInceptionV3("mine", ["2048"], feature_extractor_weights_path=str(tmp_path / "weights.pth"))
    levels = torch.randint(0, 256, (1, 3, 123, 123), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = other(levels)[0]
        found = network(levels.float() / 127.5 - 1)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
