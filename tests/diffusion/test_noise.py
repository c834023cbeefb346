"""Noise is a function of a sample's seed: not of the batch, its order, the rank or a restart."""

import pytest
import torch

from monai_fundusgen.diffusion.noise import SeededNoise, mixed_seed, pending_seeds, sample_seed


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


def test_torch_keeps_32_bits_of_a_seed_so_larger_ones_are_refused():
    one, other = (torch.randn(4, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5 + 2**32))
    assert torch.equal(one, other)  # the trap
    for seed in (5 + 2**32, -1):
        with pytest.raises(ValueError, match="sample_seed"):
            SeededNoise([0, seed])


def test_no_two_samples_of_a_run_share_a_seed_and_runs_differ():
    seeds = [{sample_seed(run, index) for index in range(20_000)} for run in (0, 1)]
    assert [len(found) for found in seeds] == [20_000, 20_000]
    assert not seeds[0] & seeds[1]
    assert all(0 <= seed < 2**32 for seed in seeds[0])


def test_mixed_seeds_tell_their_words_apart():
    assert len({mixed_seed(a, b, c) for a in range(8) for b in range(8) for c in range(8)}) == 512


@pytest.mark.parametrize("world_size", [1, 2, 5])
def test_ranks_share_out_what_is_left_whoever_did_the_rest(world_size):
    seeds, done = range(10, 30), {10, 13, 29, 99}
    shares = [pending_seeds(seeds, done=done, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert sorted(sum(shares, [])) == [seed for seed in seeds if seed not in done]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_rank_outside_the_world_is_refused():
    with pytest.raises(ValueError, match="ranks count from 0"):
        pending_seeds(range(3), done=(), rank=2, world_size=2)
