"""A bundle in several processes on this machine, by torchrun."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_fundusgen.weights.config_text import OPENS, quoted


def run_in_processes(
    bundle: Path, files: Sequence[str], overrides: Mapping[str, Any], processes: int, *, reached: Callable[[], str]
) -> None:
    """Run a bundle in several processes; signals reach them too.

    Args:
        bundle: its folder.
        files: its configuration files, each after those that it changes; ``multi_gpu.yaml`` comes behind them.
        overrides: what the bundle is told, by name.
        processes: how many; they share the processor cores, unless ``OMP_NUM_THREADS`` is set.
        reached: tells, after a failure, from where the same command goes on.

    Raises:
        ChildProcessError: one of them failed.
    """
    configs = bundle / "configs"
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}",
        "-m", "monai.bundle", "run", "--config_file", str([*files, str(configs / "multi_gpu.yaml")]),
        "--meta_file", str(configs / "metadata.json"),
        *(f"--{name}={_argument(value)}" for name, value in overrides.items()),
    ]  # fmt: skip
    threads = max((os.cpu_count() or 1) // processes, 1)
    result = subprocess.run(command, check=False, env={"OMP_NUM_THREADS": str(threads), **os.environ})
    if result.returncode:
        raise ChildProcessError(
            f"torchrun ended with {result.returncode}; its messages stand above; the same command goes on from "
            f"{reached()}"
        )


def _argument(value: Any) -> str:
    """A value as ``monai.bundle run`` reads it back, which takes ``2024`` for a number and ``a,b`` for two."""
    if not isinstance(value, str):
        return repr(value)
    return value if value.startswith(OPENS) else quoted(value)
