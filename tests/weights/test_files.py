import pytest
import torch
from torch import nn

from monai_fundusgen.weights.files import load_weights, read_weights, save_weights


def network(width=4):
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width))


def test_what_is_saved_comes_back_to_half_precision(tmp_path):
    torch.manual_seed(0)
    original, other = network(), network()
    save_weights(original.state_dict(), tmp_path / "model.pt")
    load_weights(other, tmp_path / "model.pt")
    for a, b in zip(original.parameters(), other.parameters(), strict=True):
        assert torch.equal(a.half().float(), b) and b.dtype == torch.float32
    assert not other.training


def test_a_training_checkpoint_gives_its_averaged_weights(tmp_path):
    plain, averaged, target = network(), network(), network()
    torch.save({"model": plain.state_dict(), "ema": averaged.state_dict()}, tmp_path / "checkpoint.pt")
    load_weights(target, tmp_path / "checkpoint.pt")
    assert torch.equal(target[0].weight, averaged[0].weight)


def test_weights_of_another_preset_are_refused_with_the_keys_named(tmp_path):
    save_weights(network(8).state_dict(), tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"0\.weight is \(8, 1, 3, 3\), expected \(4, 1, 3, 3\).*preset"):
        load_weights(network(4), tmp_path / "model.pt")


def test_a_weight_that_is_not_a_number_is_refused(tmp_path):
    broken = network()
    broken[0].bias.data[1] = torch.nan
    torch.save(broken.state_dict(), tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"NaN or infinity, the first is 0\.bias"):
        load_weights(network(), tmp_path / "model.pt")


@pytest.mark.parametrize("value", [torch.nan, 1e20])
def test_weights_of_a_training_that_diverged_do_not_replace_good_ones(tmp_path, value):
    diverged = network()
    save_weights(diverged.state_dict(), tmp_path / "model.pt")
    good = (tmp_path / "model.pt").read_bytes()
    diverged[0].bias.data[1] = value
    with pytest.raises(ValueError, match=r"model\.pt: not written: 1 weights .* the first is 0\.bias .*diverged"):
        save_weights(diverged.state_dict(), tmp_path / "model.pt")
    assert (tmp_path / "model.pt").read_bytes() == good


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="not a readable weights file"):
        load_weights(network(), tmp_path / "model.pt")


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="train the bundle first"):
        load_weights(network(), tmp_path / "model.pt")


def test_a_tensor_under_two_names_is_stored_once(tmp_path):
    shared = torch.randn(64, 64)
    save_weights({"a": shared, "b": shared}, tmp_path / "shared.pt")
    save_weights({"a": shared, "b": shared.clone()}, tmp_path / "apart.pt")
    sizes = [(tmp_path / name).stat().st_size for name in ("shared.pt", "apart.pt")]
    assert sizes[0] < sizes[1] - 64 * 64
    state = read_weights(tmp_path / "shared.pt")
    assert torch.equal(state["a"], shared.half()) and torch.equal(state["b"], shared.half())
