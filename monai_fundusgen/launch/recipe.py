"""The recipe of all shipped weights: every stage trained in turn, in the time there is."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monai_fundusgen.handlers.run_record import read_history
from monai_fundusgen.storage.whole_file import write_whole


@dataclass(frozen=True)
class RecipeStage:
    """One training of the recipe.

    Attributes:
        name: of its folder.
        bundle: that is trained.
        share: of the time.
        memory_gib: largest memory of the process in its first minutes on HRF's 24 photographs, on a processor; of the
            masks while they are read.
        preset: of the bundle; None: its own settings.
        photographs: trains on the datalist of photographs; False: on phantoms alone.
        start: stage whose best weights it begins with, and waits for.
    """

    name: str
    bundle: str
    share: float
    memory_gib: float
    preset: str | None = None
    photographs: bool = True
    start: str | None = None


#: In this order, so that each stage may use those before it.
RECIPE: Final = (
    RecipeStage("segmenter", "fundus_av_unet", 0.25, 2.7),
    RecipeStage("judge", "fundus_av_unet", 0.1, 2.6, preset="judge"),
    RecipeStage("enlarger", "fundus_superresolution_edsr", 0.15, 1.9),
    RecipeStage("photographs", "fundus_photograph_pix2pixhd", 0.15, 1.7),
    RecipeStage("angiograms", "fa_vessel_unet", 0.05, 2.5, photographs=False),
    RecipeStage("masks", "fundus_av_mask_ddpm", 0.2, 2.6),
    RecipeStage("guided_masks", "fundus_av_mask_ddpm", 0.1, 2.8, preset="guided", start="masks"),
)
_ENOUGH_S: Final = 5.0  # less than this is not begun


def chosen_stages(names: Sequence[str]) -> list[RecipeStage]:
    """The stages of these names in the order of the recipe; all of them without a name.

    Raises:
        ValueError: no such stage.
    """
    known = [stage.name for stage in RECIPE]
    strange = [name for name in names if name not in known]
    if strange:
        raise ValueError(f"stage: found {', '.join(strange)}, expected some of {', '.join(known)}")
    return [stage for stage in RECIPE if not names or stage.name in names]


def minutes_of(stages: Sequence[RecipeStage], left: float) -> float:
    """Minutes of the first of the stages that are left, in its share of the minutes that are left."""
    return left * stages[0].share / sum(stage.share for stage in stages)


@dataclass(frozen=True)
class RecipeRun:
    """Training of the stages.

    Attributes:
        output: folder; each stage has one in it, by its name.
        datalist: photographs with artery/vein labels; None: phantom eyes alone.
        max_minutes: of all of them together; None: each as long as its bundle says.
        seed: of every training.
    """

    output: Path
    datalist: Path | None
    max_minutes: float | None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.max_minutes is not None and self.max_minutes <= 0:
            raise ValueError(f"max_minutes: found {self.max_minutes:g}, expected more than 0")
        if self.datalist is not None and not self.datalist.is_file():
            raise FileNotFoundError(f"{self.datalist}: no such datalist; make one with `fundusgen datalist`")
        if self.output.exists() and not self.output.is_dir():
            raise NotADirectoryError(f"{self.output}: is a file; give a folder")

    def described(self, stages: Sequence[RecipeStage]) -> Iterator[str]:
        """A line for each stage: how long it may take, and how much memory."""
        left, remaining = self.max_minutes, list(stages)
        for stage in stages:
            minutes = None if left is None else minutes_of(remaining, left)
            length = "until its bundle's last epoch" if minutes is None else f"at most {minutes:.1f} min"
            yield f"{stage.name} ({stage.bundle}): {length}, about {stage.memory_gib:.1f} GiB"
            left = None if left is None or minutes is None else left - minutes
            remaining = remaining[1:]

    def run(self, stages: Sequence[RecipeStage], say: Callable[[str], None]) -> None:
        """Train one stage after the other, each in a process of its own; the same call again goes on with all.

        A stage that ends early leaves its time to those after it.

        Raises:
            ChildProcessError: a training failed; the stages before it are done, those after it were not begun.
        """
        end = None if self.max_minutes is None else time.monotonic() + 60 * self.max_minutes
        remaining = list(stages)
        while remaining:
            stage = remaining[0]
            left = None if end is None else (end - time.monotonic()) / 60
            minutes = None if left is None else minutes_of(remaining, left)
            start = self._start_weights(stage)
            if minutes is not None and 60 * minutes < _ENOUGH_S:
                say(f"{stage.name}: no time left; the same command goes on")
            elif start is not None and not start.is_file():
                say(f"{stage.name}: needs the weights of {stage.start}, so train that stage first")
            else:
                self._train(stage, minutes)
                history = read_history(self.output / stage.name)
                say(f"{stage.name}: epoch {history[-1].get('epoch', 0) if history else 0}, {self.output / stage.name}")
            remaining.pop(0)

    def _start_weights(self, stage: RecipeStage) -> Path | None:
        """What a stage begins with, the same whenever it goes on: a copy, for the other stage may go on too."""
        if stage.start is None:
            return None
        weights, kept = self.output / stage.start / "model.pt", self.output / f"{stage.name}_start.pt"
        if not kept.exists() and weights.is_file():
            write_whole(kept, weights.read_bytes())
        return kept

    def _train(self, stage: RecipeStage, minutes: float | None) -> None:
        command = [sys.executable, "-m", "monai_fundusgen", "train", stage.bundle, "-o", str(self.output / stage.name)]
        datalist = self.datalist if stage.photographs else None
        told = {
            "--preset": stage.preset, "--datalist": datalist, "--minutes": minutes, "--seed": self.seed,
            "--pretrained": self._start_weights(stage),
        }  # fmt: skip
        command += [text for name, value in told.items() if value is not None for text in (name, str(value))]
        result = subprocess.run(command, check=False)
        if result.returncode:
            raise ChildProcessError(
                f"{stage.name}: its training ended with {result.returncode}; its message stands above; the same "
                "command goes on from the last checkpoint"
            )
