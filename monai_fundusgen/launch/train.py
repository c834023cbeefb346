"""A training of one of the bundles, in this process or by torchrun."""

from __future__ import annotations

import difflib
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.handlers.run_record import read_history
from monai_fundusgen.launch.torchrun import run_in_processes

BUNDLES: Final = Path(__file__).parents[2] / "bundles"
#: Short names of the stages that data sets are made with.
STAGES: Final = {
    "masks": "fundus_av_mask_ddpm",
    "photographs": "fundus_photograph_pix2pixhd",
    "enlarger": "fundus_superresolution_edsr",
}


def stage_bundle(stage: str, bundles: Path = BUNDLES) -> Path:
    """Folder of the bundle that a stage's name means: a short name, or the name of a bundle that can be trained.

    Raises:
        ValueError: no such bundle; those that there are are named.
    """
    folder = bundles / STAGES.get(stage, stage)
    trainable = sorted(path.parents[1].name for path in bundles.glob("*/configs/train.yaml"))
    if folder.name in trainable:
        return folder
    near = difflib.get_close_matches(stage, [*STAGES, *trainable], n=1)
    raise ValueError(
        f"stage: found {stage!r}; expected {', '.join(STAGES)}, or a bundle: {', '.join(trainable)}"
        + (f"; {near[0]}?" if near else "")
    )


@dataclass(frozen=True)
class TrainRequest:
    """What a training is asked for.

    Attributes:
        bundle: folder of the bundle.
        output: folder of the training; its own weights and settings there are gone on with.
        preset: ``configs/preset_<name>.yaml`` of the bundle; None: its own settings.
        options: options of the bundle's ``configs/train.yaml`` by name; what is None keeps the bundle's.
        processes: processes on this machine.
    """

    bundle: Path
    output: Path
    preset: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    processes: int = 1

    def __post_init__(self) -> None:
        if self.processes < 1:
            raise ValueError(f"processes: found {self.processes}, expected 1 or more")
        presets = [
            path.stem.removeprefix("preset_") for path in sorted((self.bundle / "configs").glob("preset_*.yaml"))
        ]
        if self.preset is not None and self.preset not in presets:
            raise ValueError(
                f"preset: found {self.preset!r}, expected {', '.join(presets) or 'none: this bundle has no preset'}"
            )
        for name in ("output_dir", "bundle_root"):
            if name in self.options:
                raise ValueError(f"--option {name}=...: give the folder with --output; it is named once")

    def files(self) -> list[str]:
        """Configuration files, each after those that it changes."""
        names = ["train.yaml", *([f"preset_{self.preset}.yaml"] if self.preset else [])]
        return [str(self.bundle / "configs" / name) for name in names]

    def overrides(self) -> dict[str, Any]:
        """What the bundle is told."""
        told = {"output_dir": str(self.output), "bundle_root": str(self.bundle)}
        return {**told, **{name: value for name, value in self.options.items() if value is not None}}


def next_step(bundle: Path, output: Path) -> str:
    """What takes the weights of a training: data sets, or the inference that lies beside them.

    Args:
        bundle: that was trained.
        output: folder of the training.
    """
    if bundle.name in STAGES.values():
        return f"fundusgen generate --weights {output} takes them"
    if not (output / "configs" / "inference.yaml").is_file():
        return "the bundle's inference takes them"
    return (
        f"python -m monai.bundle run --bundle_root {output} --config_file {output}/configs/inference.yaml "
        f"--meta_file {output}/configs/metadata.json takes them"
    )


def train(request: TrainRequest) -> dict[str, Any]:
    """Train, or go on where the folder's checkpoint ends.

    Returns:
        The last line of the folder's history (epoch, losses, what was validated), and the weights' path.

    Raises:
        ValueError, OSError: as the parts of the bundle; MONAI wraps them in RuntimeError.
        ChildProcessError: a process of several failed.
    """
    if request.processes == 1:
        _train_here(request)
    else:
        run_in_processes(
            request.bundle, request.files(), request.overrides(), request.processes,
            reached=lambda: "the last checkpoint",
        )  # fmt: skip
    history = read_history(request.output)
    return {**(history[-1] if history else {}), "weights": str(request.output / "model.pt")}


def _train_here(request: TrainRequest) -> None:
    from monai.bundle import create_workflow

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "parsing config_file")  # MONAI asks to trust the file: it is the bundle's
        workflow = create_workflow(
            workflow_type="train",
            config_file=request.files(),
            meta_file=str(request.bundle / "configs" / "metadata.json"),
            logging_file=str(request.bundle / "configs" / "logging.conf"),
            **request.overrides(),
        )
    try:
        workflow.run()
    finally:
        if "folder" in workflow.parser:
            workflow.parser.get_parsed_content("folder").close()
        workflow.finalize()
