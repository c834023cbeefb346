"""Cases in, labels out: each case once, several at a time, a bad one told while the others go on."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from monai_fundusgen import __version__
from monai_fundusgen.groundtruth.case import Probability
from monai_fundusgen.groundtruth.networks import FRAME_READERS, PhotographNetwork, frame_reader, photograph_reader
from monai_fundusgen.groundtruth.register import register_case
from monai_fundusgen.groundtruth.registered import RegisteredCase
from monai_fundusgen.groundtruth.results import original_codes, read_report, write_case
from monai_fundusgen.groundtruth.series import read_case
from monai_fundusgen.groundtruth.takeover import CASES, ORIGINALS, STUDIES, take_over
from monai_fundusgen.groundtruth.truth import CaseTruth, TruthSettings, case_truth
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.folder_lock import FolderLock
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.storage.whole_folder import whole_folder
from monai_fundusgen.weights.device import usable_device

RUN: Final = "run.json"
SCHEMA: Final = "monai_fundusgen ground truth"
FAILURES: Final = "failures.json"
#: What ends one case and not the others.
_CASE_ERRORS: Final = (OSError, ValueError, RuntimeError, MemoryError)

_LEAST_PX: Final = 256

Progress = Callable[[Iterable["Outcome"], int], Iterable["Outcome"]]


@dataclass(frozen=True)
class GroundTruthRequest:
    """How all cases of a run are made.

    Attributes:
        settings: of merging and of the kinds.
        frames: what finds vessels in frames, one of `FRAME_READERS`.
        frame_deg, photograph_deg: fields of the cameras in degrees; None: unknown.
        longest_px: larger photographs and frames are made smaller to it, and so are the results; None: as they are.
        frame_weights, photograph_weights: weights in place of the bundles' own.
        device: where the networks run.

    Raises:
        ValueError: a value that cannot be; names it.
    """

    settings: TruthSettings = field(default_factory=TruthSettings)
    frames: str = "network"
    frame_deg: float | None = None
    photograph_deg: float | None = None
    longest_px: int | None = None
    frame_weights: str | None = None
    photograph_weights: str | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.frames not in FRAME_READERS:
            raise ValueError(f"frames: found {self.frames!r}, expected one of {', '.join(FRAME_READERS)}")
        for name in ("frame_weights", "photograph_weights"):
            path = getattr(self, name)
            if path is not None and not Path(path).is_file():
                raise FileNotFoundError(f"{name} {path}: no such file; leave it out for the bundle's own weights")
        if self.longest_px is not None and self.longest_px < _LEAST_PX:
            raise ValueError(f"longest_px: found {self.longest_px}, expected at least {_LEAST_PX}, or nothing")
        usable_device(self.device)

    def told(self) -> dict[str, Any]:
        """What decides the result, for the record: weights by their SHA-256, no device."""
        weights = {
            name: None if path is None else file_sha256(path)
            for name, path in (("frame_weights", self.frame_weights), ("photograph_weights", self.photograph_weights))
        }
        plain = asdict(self)
        del plain["device"]
        return {**plain, **weights}


@dataclass(frozen=True)
class Outcome:
    """What became of one case: ``state`` is made, kept (was there already) or failed, ``reason`` says why it failed."""

    name: str
    state: str
    reason: str = ""


def case_names(folders: Sequence[Path]) -> dict[str, Path]:
    """Names of cases, fit for MONAI Label (letters, digits, ``_`` and ``-``), to their folders.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: two folders whose results would have one name.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such folder; give folders that hold a photograph and frames")
        name = re.sub(r"[^A-Za-z0-9_-]", "_", folder.resolve().name).lstrip("_-") or "case"
        if name in found:
            raise ValueError(f"{folder} and {found[name]}: both results would be named {name}; rename one of the two")
        found[name] = folder
    return found


def build_groundtruth(
    folders: Sequence[str | Path],
    output: str | Path,
    request: GroundTruthRequest,
    *,
    processes: int = 1,
    progress: Progress = lambda outcomes, _: outcomes,
) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """Make the truth of every case, take over what experts corrected, and write the datalist.

    The same command goes on where it was stopped: a case whose files are as they were is not made again. A case that
    cannot be made is told in `FAILURES` and in what is returned, and the next command tries it again.

    Args:
        folders: one for each case; none: the corrections alone are taken over.
        output: folder of the results.
        request: how; a folder keeps to the request of its first command.
        processes: cases at a time.
        progress: wraps the outcomes as they come, told how many there will be.

    Returns:
        Outcomes in the order of the folders, and the corrections (see `take_over`).

    Raises:
        OSError, ValueError: see `case_names`; another request than the folder's, or a folder of something else.
    """
    if processes < 1:
        raise ValueError(f"--processes: found {processes}, expected 1 or more")
    output = Path(output)
    cases = case_names([Path(folder) for folder in folders])
    if not cases and not (output / RUN).is_file():
        raise ValueError(f"{output}: found neither cases nor an earlier result there; give folders of cases")
    told = {"schema": SCHEMA, "version": __version__, "request": request.told()}
    _refuse_other(output, told)
    with FolderLock(output, "groundtruth"):
        if not (output / RUN).is_file():
            write_json(output / RUN, told)
        for stale in (output / CASES).glob(".*.part"):
            shutil.rmtree(stale)
        done = {one.name: one for one in progress(_made(cases, output, request, processes), len(cases))}
        outcomes = [done[name] for name in cases]
        write_json(output / FAILURES, {one.name: one.reason for one in outcomes if one.state == "failed"})
        finished = sorted(path.parent.name for path in (output / CASES).glob("*/report.json"))
        corrections = take_over(output, finished)
    return outcomes, corrections


def _refuse_other(output: Path, told: dict[str, Any]) -> None:
    """Compare a folder with what a run would write of itself, and change nothing.

    Raises:
        NotADirectoryError: there is a file in its place.
        FileExistsError: the folder holds something else.
        ValueError: it was begun in another way.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise NotADirectoryError(f"{output}: found a file, expected a folder; give another one for the results")
    written = read_report(output, RUN)
    if written is None:
        others = [path.name for path in output.iterdir() if not path.name.startswith(".groundtruth.")]
        if others:
            raise FileExistsError(
                f"{output}: holds {others[0]!r} and no {RUN} of this program; give a new folder for the results"
            )
    elif written.get("schema") != SCHEMA:
        raise FileExistsError(f"{output}: its {RUN} is not of ground truth; give a new folder for the results")
    elif written["request"] != told["request"]:
        differ = [name for name, value in told["request"].items() if written["request"].get(name) != value]
        was = ", ".join(f"{name} {written['request'].get(name)}" for name in differ)
        raise ValueError(f"{output}: begun with {was}; give the same, or a new folder")


def _made(cases: dict[str, Path], output: Path, request: GroundTruthRequest, processes: int) -> Iterator[Outcome]:
    """Outcomes as they come; in this process where one case is made at a time."""
    if processes == 1:
        for name, folder in cases.items():
            yield make_case(name, folder, output, request)
        return
    threads = max((os.cpu_count() or 1) // processes, 1)
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(threads,)
    ) as pool:
        futures = [pool.submit(make_case, name, folder, output, request) for name, folder in cases.items()]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def make_case(name: str, folder: Path, output: Path, request: GroundTruthRequest) -> Outcome:
    """Make one case, unless it is there as these files make it."""
    try:
        inputs = {path.relative_to(folder).as_posix(): file_sha256(path) for path in _files(folder)}
        target = output / CASES / name
        before = read_report(target)
        if before is not None and before.get("inputs") == inputs and _shown(output, name):
            return Outcome(name, "kept")
        truth = truth_of(folder, request)
        if target.exists():
            shutil.rmtree(target)
        with whole_folder(target) as partial:
            write_png(output / STUDIES / f"{name}.png", np.moveaxis(truth.registered.case.photograph, 0, -1))
            write_png(output / ORIGINALS / f"{name}.png", original_codes(truth))
            write_case(partial, truth, {"schema": SCHEMA, "version": __version__, "name": name, "inputs": inputs})
    except _CASE_ERRORS as error:
        return Outcome(name, "failed", f"{folder}: {error}" if str(folder) not in str(error) else str(error))
    return Outcome(name, "made")


def _shown(output: Path, name: str) -> bool:
    return all((output / place / f"{name}.png").is_file() for place in (STUDIES, ORIGINALS))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def truth_of(folder: Path, request: GroundTruthRequest) -> CaseTruth:
    """Read, register and label one case.

    Raises:
        OSError, ValueError: unreadable, or frames and photograph that do not fit together.
    """
    case = read_case(folder, longest_px=request.longest_px)
    frames, photographs = _readers(request)
    registered = as_recorded(register_case(case, frames), frames)
    chance = None if photographs is None else photographs(case.photograph, case.photograph_valid)
    return case_truth(registered, request.settings, chance)


def as_recorded(registered: RegisteredCase, reader: Probability) -> RegisteredCase:
    """The case with the vessels of its kept frames read anew as recorded.

    Registration reads them after flat field and even contrast, which make frames alike; that costs thin vessels.

    Args:
        registered: after `register_case`.
        reader: what finds vessels in frames.
    """
    frames = tuple(
        replace(one, probability=reader(one.frame.image, one.frame.valid)) if one.kept else one
        for one in registered.frames
    )
    return replace(registered, frames=frames)


@lru_cache(maxsize=1)
def _readers(request: GroundTruthRequest) -> tuple[Probability, PhotographNetwork | None]:
    """Networks of a request, read once a process."""
    frames = frame_reader(request.frames, request.device, field_deg=request.frame_deg, weights=request.frame_weights)
    if request.settings.kinds == "timing":
        return frames, None
    return frames, photograph_reader(
        request.device, field_deg=request.photograph_deg, weights=request.photograph_weights
    )
