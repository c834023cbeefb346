"""A run of the data set bundle from the package: in this process, by torchrun, or on Ray."""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from monai_fundusgen.dataset.manifest import SETTINGS, finished
from monai_fundusgen.launch.workflow import opened

BUNDLE: Final = Path(__file__).parents[2] / "bundles" / "fundus_dataset_generation"
ENGINES: Final = ("local", "torchrun", "ray")
_BYTES_PER_PIXEL: Final = {"phantom": 1.0, "cascade": 0.6}  # of a sample's PNG files together, measured at 1024 px


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked for.

    Attributes:
        output: folder of the data set.
        num_samples: how many samples it is to hold.
        options: options of the bundle's ``configs/inference.yaml`` by name; what is None keeps the bundle's default.
        bundle: folder of the bundle.
        engine: local (this process), torchrun (``processes`` of them on this machine), ray (as many actors).
        processes: processes or actors; local has one.
    """

    output: Path
    num_samples: int
    options: dict[str, Any] = field(default_factory=dict)
    bundle: Path = BUNDLE
    engine: str = "local"
    processes: int = 1

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(f"engine: found {self.engine!r}, expected one of {', '.join(ENGINES)}")
        if self.processes < 1 or (self.engine == "local" and self.processes > 1):
            raise ValueError(
                f"processes: found {self.processes} with engine {self.engine}, expected 1 for local, and 1 or more for "
                "torchrun and ray"
            )
        if not (self.bundle / "configs" / "inference.yaml").is_file():
            raise FileNotFoundError(
                f"{self.bundle}: no configs/inference.yaml there; give the folder fundus_dataset_generation of the "
                "bundles (--bundle)"
            )

        known = set(yaml.safe_load((self.bundle / "configs" / "inference.yaml").read_text(encoding="utf-8")))
        for name in self.options:
            if re.split(r"#|::", name)[0] not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; {near[0]}?" if near else ""
                raise ValueError(f"option: found {name!r}, which the bundle does not know{hint}")

    def overrides(self) -> dict[str, Any]:
        """What the bundle is told."""
        told = {"output_dir": str(self.output), "num_samples": self.num_samples, "bundle_root": str(self.bundle)}
        return {**told, **{name: value for name, value in self.options.items() if value is not None}}


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes:
        folder: the data set.
        num_samples: samples that it is to hold.
        found: samples that were there before.
        made: samples made.
        rejected: maps that the gate refused meanwhile; None where several processes made the samples.
        waited_s: seconds in which making samples stood still for their writing; None likewise.
        seconds: how long it took, the loading of the networks included.
        finished: whether all samples are there.
    """

    folder: str
    num_samples: int
    found: int
    made: int
    rejected: int | None
    waited_s: float | None
    seconds: float
    finished: bool

    def plain(self) -> dict[str, Any]:
        """As plain JSON, with the rate."""
        rate = self.made / self.seconds if self.seconds else 0.0
        return {**asdict(self), "seconds": round(self.seconds, 2), "samples_per_second": round(rate, 4)}


def run(request: RunRequest) -> RunReport:
    """Make the samples that are missing.

    Raises:
        ValueError, OSError: as the parts of the bundle; the folder can be gone on with.
        ChildProcessError: a process of several failed.
    """
    start, before = time.perf_counter(), len(finished(request.output))
    rejected, waited = None, None
    if request.engine == "local":
        rejected, waited = _run_here(request)
    elif request.engine == "torchrun":
        _run_several(request)
    else:
        from monai_fundusgen.launch.ray_engine import run_on_ray

        run_on_ray(request.overrides(), request.bundle, request.processes)
    after = len(finished(request.output))
    deleted = bool(request.options.get("overwrite"))
    found = 0 if deleted else before
    seconds = time.perf_counter() - start
    return RunReport(
        str(request.output), request.num_samples, found, after - found, rejected, waited, seconds,
        finished=after >= request.num_samples,
    )  # fmt: skip


def _run_here(request: RunRequest) -> tuple[int, float]:
    workflow = opened(request.overrides(), request.bundle)
    try:
        workflow.run()
        progress, write = (workflow.parser.get_parsed_content(name) for name in ("progress", "write"))
    finally:
        workflow.parser.get_parsed_content("lock").release()
        workflow.finalize()
    return progress.rejected, round(write.waited_s, 3)


def _run_several(request: RunRequest) -> None:
    """One torchrun on this machine; signals reach its processes too."""
    configs = request.bundle / "configs"
    files = [str(configs / name) for name in ("inference.yaml", "multi_gpu.yaml")]
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={request.processes}",
        "-m", "monai.bundle", "run", "--config_file", str(files), "--meta_file", str(configs / "metadata.json"),
        *(f"--{name}={_argument(value)}" for name, value in request.overrides().items()),
    ]  # fmt: skip
    threads = max((os.cpu_count() or 1) // request.processes, 1)
    result = subprocess.run(command, check=False, env={"OMP_NUM_THREADS": str(threads), **os.environ})
    if result.returncode:
        raise ChildProcessError(
            f"torchrun ended with {result.returncode}; its messages stand above; the same command goes on from "
            f"{len(finished(request.output))} samples"
        )


def _argument(value: Any) -> str:
    """A value as ``monai.bundle run`` reads it back."""
    return value if isinstance(value, str) else repr(value)


def forecast(request: RunRequest) -> dict[str, Any]:
    """What a run would do; nothing is written.

    Raises:
        FileNotFoundError: a bundle or its weights are missing.
        ValueError: an option that cannot be.
    """
    from monai.bundle import ConfigParser

    from monai_fundusgen.dataset.placement import Placement

    parser = ConfigParser()
    parser.read_config(str(request.bundle / "configs" / "inference.yaml"))
    parser.update(request.overrides())
    for name in ("plan", "maps", "painter"):
        parser.get_parsed_content(name)
    told = {
        name: parser.get_parsed_content(name) for name in ("seed", "size", "mask_source", "photograph_source", "gate")
    }
    placement = Placement.for_run(request.num_samples, parser.get_parsed_content("shard_size"))
    found = len(finished(request.output)) if request.output.is_dir() else 0
    earlier, each = request.output / SETTINGS, _BYTES_PER_PIXEL[told["photograph_source"]]
    return {
        "folder": str(request.output), "num_samples": request.num_samples, "found": found,
        "holds": json.loads(earlier.read_text())["settings"]["mask_source"] if earlier.is_file() else None,
        **told, "shard_size": placement.shard_size, "stages": parser.get_parsed_content("stages"),
        "gigabytes": round(request.num_samples * told["size"] ** 2 * each / 1e9, 3),
    }  # fmt: skip
