"""A run of the data set bundle from the package: in this process, by torchrun, or on Ray."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.dataset.manifest import SETTINGS, finished, read_settings
from monai_fundusgen.launch.options import refuse_options
from monai_fundusgen.launch.torchrun import run_in_processes
from monai_fundusgen.launch.workflow import opened
from monai_fundusgen.weights.bundles import GENERATION, bundle
from monai_fundusgen.weights.config_text import literal

ENGINES: Final = ("local", "torchrun", "ray")
_BYTES_PER_PIXEL: Final = {"phantom": 1.2, "cascade": 0.7}  # of a sample's files together, measured at 1024 px


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
    bundle: Path = field(default_factory=lambda: bundle(GENERATION))
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
        refuse_options(self.bundle / "configs" / "inference.yaml", self.options)

    def overrides(self) -> dict[str, Any]:
        """What the bundle is told."""
        told = {"output_dir": str(self.output), "num_samples": self.num_samples, "bundle_root": str(self.bundle)}
        given = {name: value for name, value in self.options.items() if value is not None}
        return {name: literal(value) for name, value in {**given, **told}.items()}


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
        repaired: samples that were there and were made again, since a file of theirs was missing or changed; of a run
            in one process.
    """

    folder: str
    num_samples: int
    found: int
    made: int
    rejected: int | None
    waited_s: float | None
    seconds: float
    finished: bool
    repaired: int = 0

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
    rejected, waited, repaired = None, None, 0
    if request.engine == "local":
        rejected, waited, repaired = _run_here(request)
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
        finished=after >= request.num_samples, repaired=repaired,
    )  # fmt: skip


#: Settings of a ``run.json`` that are options of the bundle under the same name.
_REPEATED: Final = (
    "seed", "size", "mask_source", "photograph_source", "field_deg", "field_cut", "target_density", "target_avr",
    "laterality", "gate", "max_attempts", "map_batch", "precision",
)  # fmt: skip


def run_of(folder: Path) -> RunRequest:
    """The run that made a data set, as far as its settings tell.

    Raises:
        FileNotFoundError: no data set there.
        ValueError: it was made from files elsewhere, which its settings do not lead to.
    """
    content = read_settings(folder)
    settings = content["settings"]
    elsewhere = [name for name in ("mask_folder", "style") if settings.get(name) is not None]
    if elsewhere:
        raise ValueError(
            f"{folder}: was made from a {' and a '.join(elsewhere)} whose place is not on record; repeat the generate "
            "command that made it: it repairs the same"
        )
    options = {name: settings[name] for name in _REPEATED if settings.get(name) is not None}
    return RunRequest(
        folder, content["num_samples"], {**options, "shard_size": settings.get("shard_size") or 0, "quiet": True}
    )


def _run_here(request: RunRequest) -> tuple[int, float, int]:
    workflow = opened(request.overrides(), request.bundle)
    workflow.run()
    progress, write, journal = (workflow.parser.get_parsed_content(name) for name in ("progress", "write", "journal"))
    workflow.finalize()
    return progress.rejected, round(write.waited_s, 3), len(journal.repaired)


def _run_several(request: RunRequest) -> None:
    files = [str(request.bundle / "configs" / "inference.yaml")]
    run_in_processes(
        request.bundle, files, request.overrides(), request.processes,
        reached=lambda: f"{len(finished(request.output))} samples",
    )  # fmt: skip


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
    for name in ("plan", "maps", "painter", "session"):
        parser.get_parsed_content(name)
    told = {
        name: parser.get_parsed_content(name) for name in ("seed", "size", "mask_source", "photograph_source", "gate")
    }
    placement = Placement.for_run(request.num_samples, parser.get_parsed_content("shard_size"))
    found = len(finished(request.output)) if request.output.is_dir() else 0
    earlier, each = request.output / SETTINGS, _BYTES_PER_PIXEL[told["photograph_source"]]
    return {
        "folder": str(request.output), "num_samples": request.num_samples, "found": found,
        "holds": read_settings(request.output)["settings"].get("mask_source") if earlier.is_file() else None,
        **told, "shard_size": placement.shard_size, "stages": parser.get_parsed_content("stages"),
        "gigabytes": round(request.num_samples * told["size"] ** 2 * each / 1e9, 3),
    }  # fmt: skip
