"""Noise is a function of a sample's seed: not of the batch, its order, the rank or a restart."""

import pytest
import torch

from monai_fundusgen.diffusion.noise import SeededNoise


def test_a_samples_noise_ignores_batch_and_order():
    first, second = SeededNoise([7, 8, 9]), SeededNoise([9, 7])
    for _ in range(3):  # and stays so as the streams advance
        batch, other = first.normal(2, 5), second.normal(2, 5)
        assert torch.equal(batch[[2, 0]], other)


def test_draws_are_standard_normal_and_fresh():
    noise = SeededNoise(range(20))
    first, second = noise.normal(1000), noise.normal(1000)
    for draws in (first, second):
        assert draws.mean().item() == pytest.approx(0, abs=0.02) and draws.std().item() == pytest.approx(1, abs=0.02)
    assert abs((first * second).mean().item()) < 0.02
    assert abs(torch.corrcoef(first).triu(1)).max() < 0.15  # neighbouring seeds share nothing


def test_the_global_generator_is_neither_read_nor_moved():
    before = torch.get_rng_state()
    SeededNoise([1]).normal(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds_of_more_than_32_bits_count_in_full():
    one, other = SeededNoise([5, 5 + 2**32]).normal(100)  # torch's own generator gives both the same numbers
    assert not torch.equal(one, other)
    with pytest.raises(ValueError, match="seed: found -1"):
        SeededNoise([0, -1])
