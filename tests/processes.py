"""Processes copied from one that has loaded MONAI and the package, which takes longer than most tests do.

What a copy does, and its end by exit code or signal, are those of a program; only its start is quick.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
import sys
import time

import torch

_SERVER = multiprocessing.get_context("forkserver")
#: What the process that is copied has loaded; also all that `monai_fundusgen.sampling.workers` asks for.
_LOADED = [
    "monai.bundle", "ignite.distributed", "monai_fundusgen.__main__", "monai_fundusgen.launch.run",
    "monai_fundusgen.launch.bundle_run", "monai_fundusgen.dataset.writer", "monai_fundusgen.sampling.sources",
    "monai_fundusgen.sampling.finish",
]  # fmt: skip


def start(module, words, log, **environment):
    """``python -m module words`` on one thread and without a GPU; it writes to the file ``log``."""
    _SERVER.set_forkserver_preload(_LOADED)
    process = _SERVER.Process(target=_run, args=(module, [str(word) for word in words], str(log), environment))
    process.start()
    return process


def _run(module, words, log, environment):
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.environ.update({"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **environment})
    torch.set_num_threads(1)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def run_ranks(words, folder, *, count=2):
    """``python -m monai.bundle words`` as so many ranks of one group, in the environment that torchrun gives them."""
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count)}
    logs = [folder / f"rank{rank}.log" for rank in range(count)]
    ranks = [
        start("monai.bundle", words, log, **group, RANK=str(rank), LOCAL_RANK=str(rank))
        for rank, log in enumerate(logs)
    ]
    while {rank.exitcode for rank in ranks} in ({None}, {None, 0}):  # one that failed leaves the others waiting
        time.sleep(0.02)
    for rank in ranks:
        rank.kill()
    assert not any(rank.exitcode for rank in ranks), "".join(log.read_text()[-3000:] for log in logs)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
