from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine

from monai_fundusgen.handlers.memory_advice import MemoryAdvice, is_out_of_memory


def failing(error):
    def step(engine, batch):
        raise error

    engine = Engine(step)
    MemoryAdvice().attach(engine)
    return lambda: engine.run([{"image": torch.zeros(2, 3, 5, 7)}])


@pytest.mark.parametrize("error", [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    MemoryError(),
])  # fmt: skip
def test_memory_that_is_short_names_the_batch_and_the_way_out(error):
    with pytest.raises(MemoryError, match=r"image \(2, 3, 5, 7\); lower crop_size or batch_size"):
        failing(error)()


def test_a_processor_that_cannot_allocate_is_recognised():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60)
    assert is_out_of_memory(error.value)


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes differ"):
        failing(RuntimeError("shapes differ"))()
