"""Random streams by name: what one seed decides in one place says nothing of what it decides in another.

A sample has one seed, and many things are drawn from it. Two generators that start from the same number run in step, so
that the pigment of an eye would tell its anatomy; every consumer therefore asks for a stream by its own name.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import numpy as np

#: Who draws from a seed. A new consumer gets a name of its own, and none is ever given to another.
Consumer = Literal[
    "anatomy",  # phantom: landmarks, calibres, tempers
    "growth",  # phantom: trunks, targets and wander of its vessels
    "crossings",  # phantom: which vessel lies in front
    "appearance",  # phantom: pigments and disc
    "camera",  # phantom: light, colour, optics
    "ground",  # phantom: texture of the background
    "grain",  # phantom: noise of the photograph
    "circulation",  # angiogram: arrival of the dye
    "angiogram",  # angiogram: texture of the background
    "motion",  # angiogram: how the eye moves between frames
    "frame times",  # angiogram: when its frames are taken, in training
    "angiogram grain",  # angiogram: noise of its frames
    "noise",  # mask diffusion: start and steps of a map
    "request",  # mask diffusion: what a map is asked for
    "style",  # cascade: look of the photograph
    "tone",  # cascade: depths of the vessels
    "disc",  # cascade: size of disc and cup
    "run",  # a run: seeds of its samples
    "attempt",  # gate: seed of a map that is drawn again
    "diffusion step",  # training: levels, noise and dropped conditions of a step
    "crops",  # export: which crops of a photograph
    "gan step",  # training: latents, noise and mixed styles of a step
    "validation",  # training: noise of the held-out maps
    "resampling",  # evaluation: bootstrap, halves and subsets of what is compared
    "draws",  # training: which item comes, and its augmentation
    "subset",  # study: which rows of a list an arm trains on
    "bootstrap",  # study: which images and seeds are drawn again
    "reading study",  # reading study: its pictures, their order, resampling of its answers
]

#: torch's CPU generator keeps 32 bits of its seed: s and s + 2**32 give the same stream.
SEED_LIMIT: Final = 2**32


def _sequence(seed: int, consumer: Consumer, counters: tuple[int, ...]) -> np.random.SeedSequence:
    """Entropy of a stream: the seed, and a key from the consumer's name and its counters."""
    if seed < 0:
        raise ValueError(f"seed: found {seed}, expected a whole number of at least 0")
    name = int.from_bytes(hashlib.sha256(consumer.encode()).digest()[:8], "big")
    return np.random.SeedSequence(int(seed), spawn_key=(name, *(int(counter) for counter in counters)))


def stream(seed: int, consumer: Consumer, *counters: int) -> np.random.Generator:
    """The generator of one consumer of a seed, at its beginning.

    Args:
        seed: at least 0, of any size.
        consumer: who draws.
        counters: which of several streams of that consumer, each at least 0: an epoch, a step, an attempt.

    Raises:
        ValueError: a seed below 0.
    """
    return np.random.Generator(np.random.PCG64(_sequence(seed, consumer, counters)))


def stream_seed(seed: int, consumer: Consumer, *counters: int) -> int:
    """A seed in [0, 2**32) for a generator that is not numpy's; arguments as for `stream`."""
    return int(_sequence(seed, consumer, counters).generate_state(1)[0])


def sample_seed(run_seed: int, index: int) -> int:
    """Seed of sample ``index`` of a run, in [0, 2**32).

    Within a run no two of the first 2**32 indices share a seed; hashing both numbers to 32 bits would repeat about a
    hundred samples in a million.
    """
    return (stream_seed(run_seed, "run") + index) % SEED_LIMIT
