"""The first use on a machine compiles the numba kernels: say so, and let a second process do half of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

_SECONDS: Final = "half a minute on two free processor cores"


def measure_a_drawing() -> None:
    """Call every kernel that measures the anatomy of a map, on a drawing of crossing lines."""
    from monai_fundusgen.metrics.functional.map_anatomy import map_anatomy

    label = np.zeros((2, 256, 256), dtype=bool)
    for place in range(24, 240, 24):
        label[0, place : place + 5, 20:236] = True
        label[1, 20:236, place : place + 4] = True
    map_anatomy(label, np.ones((256, 256), dtype=bool))


def grow_an_eye() -> None:
    """Call every kernel of the phantom: growth, drawing, photograph."""
    from monai_fundusgen.phantom.photograph import render_photograph
    from monai_fundusgen.phantom.tree import grow_retina
    from monai_fundusgen.vessels.drawing import rasterise

    retina = grow_retina(0)
    render_photograph(retina, rasterise(retina, 256), seed=0)


def is_compiled(kernel: Any) -> bool:
    """Whether numba's cache holds a kernel that is not older than its source."""
    source, name = Path(kernel.py_func.__code__.co_filename), kernel.py_func.__qualname__
    found = Path(kernel.stats.cache_path).glob(f"{source.stem}.{name}-*.nbi")
    return any(index.stat().st_mtime >= source.stat().st_mtime for index in found)


class KernelCompilation:
    """Before the first sample, compile what is not in the cache: here, and in a second process at the same time.

    Only the measuring of maps is needed by every run; the phantom's kernels by those that grow eyes.

    Args:
        mask_source: where vessels come from.
        say: is told once what takes so long.
    """

    def __init__(self, mask_source: str, say: Callable[[str], None]) -> None:
        self.mask_source, self.say = mask_source, say

    def __call__(self) -> None:
        """Compile, if need be; a second process that fails leaves its part to the first sample."""
        from monai_fundusgen.phantom.branching import colonise
        from monai_fundusgen.vessels.topology import _branches

        measures, grows = not is_compiled(_branches), self.mask_source == "phantom" and not is_compiled(colonise)
        if not (measures or grows):
            return
        self.say(f"compiling for the first use on this machine: once, {_SECONDS}")
        if not grows:
            measure_a_drawing()
            return
        code = f"from {__name__} import measure_a_drawing; measure_a_drawing()"
        with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as other:
            grow_an_eye()
            other.wait()
