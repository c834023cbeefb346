"""Make a study: choose pictures, make them alike, check them, deal them to the readers."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monai_fundusgen.apps.turing.leak_check import Finding, leak_check, measured, refuse_leaks
from monai_fundusgen.apps.turing.pictures import common_field, equal_file, squared
from monai_fundusgen.apps.turing.study import (
    CHECK,
    PICTURES,
    TOKENS,
    Picture,
    Reader,
    Study,
    Trial,
    write_study,
)
from monai_fundusgen.apps.turing.study_file import StudyPlan, read_plan
from monai_fundusgen.apps.web.tokens import token_sha256, write_tokens
from monai_fundusgen.data.reading import PHOTOGRAPHS
from monai_fundusgen.storage.whole_file import write_whole
from monai_fundusgen.streams import stream

_ID_BYTES, _TOKEN_BYTES = 12, 24
_OF_EACH: Final = 5  # pictures of each arm, at least, in a part of the session
_EPOCH: Final = (0, 0)  # every picture's time, which else tells the order in which they were made

Progress = Callable[[Sequence[Path], str], Iterable[Path]]


@dataclass(frozen=True)
class Chosen:
    """A picture that was chosen: its arm, its file, and whether it is for practice."""

    arm: str
    path: Path
    practice: bool


@dataclass(frozen=True)
class Built:
    """A study that was made, what its leak check found, and what readers may see of it."""

    study: Study
    findings: list[Finding]
    warnings: list[str]


def build(plan_path: Path, folder: Path, *, progress: Progress = lambda paths, _: paths) -> Built:
    """Make a study in a folder of its own, whole or not at all.

    Args:
        plan_path: YAML file of the study.
        folder: to write; must not exist.
        progress: wraps the pictures of a pass, told its name.

    Raises:
        FileExistsError: the folder is there.
        OSError, ValueError: see `read_plan`, `choose`, `squared`, `common_field` and `refuse_leaks`.
    """
    plan = read_plan(plan_path)
    if folder.exists():
        raise FileExistsError(f"{folder}: exists already; a study is never written over, give another folder")
    if not folder.absolute().parent.is_dir():
        raise FileNotFoundError(f"{folder}: found no folder {folder.absolute().parent} to make it in; make that first")
    chosen = choose(plan)
    scratch = Path(tempfile.mkdtemp(dir=folder.absolute().parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        built = _written(plan, chosen, scratch, progress)
        os.replace(scratch, folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return built


def choose(plan: StudyPlan) -> list[Chosen]:
    """Pictures of every arm, drawn by the study's seed; those for practice are spread over the arms.

    Raises:
        ValueError: an arm has too few pictures, or two pictures are the same file.
    """
    found = []
    for number, arm in enumerate(plan.arms):
        practice = len(range(number, plan.practice, len(plan.arms)))
        paths = sorted(path for path in arm.folder.iterdir() if path.suffix.lower() in PHOTOGRAPHS)
        if len(paths) < arm.count + practice:
            raise ValueError(
                f"{plan.path}, arms/{arm.name}: found {len(paths)} pictures in {arm.folder}, expected "
                f"{arm.count + practice} ({arm.count} to judge, {practice} for practice); lower count or practice"
            )
        drawn = stream(plan.seed, "reading study", 0, number).permutation(len(paths))[: arm.count + practice]
        found += [Chosen(arm.name, paths[index], place >= arm.count) for place, index in enumerate(drawn)]
    _refuse_twins(found)
    return found


def _refuse_twins(chosen: Sequence[Chosen]) -> None:
    first: dict[str, Path] = {}
    for each in chosen:
        digest = hashlib.sha256(each.path.read_bytes()).hexdigest()
        if digest in first:
            raise ValueError(
                f"{each.path}: found the same picture as {first[digest]}, expected every picture once; remove one"
            )
        first[digest] = each.path


def reading_order(plan: StudyPlan, chosen: Sequence[Chosen], reader: int) -> list[int]:
    """Order in which a reader sees the pictures, as places in ``chosen``: practice first, then arms interleaved.

    The session has parts in which every arm has its share, at least `_OF_EACH` pictures, shuffled: readers who tire or
    learn do so alike for all arms. With fewer in a part, the pictures before would tell the arm of the next.
    """
    rng = stream(plan.seed, "reading study", 1, reader)
    practice = [place for place, each in enumerate(chosen) if each.practice]
    parts: list[list[int]] = [[] for _ in range(max(min(arm.count for arm in plan.arms) // _OF_EACH, 1))]
    for arm in plan.arms:
        places = [place for place, each in enumerate(chosen) if each.arm == arm.name and not each.practice]
        for turn, place in enumerate(rng.permutation(places)):
            parts[turn * len(parts) // len(places)].append(int(place))
    return [int(place) for part in (practice, *parts) for place in rng.permutation(part)]


def _written(plan: StudyPlan, chosen: list[Chosen], folder: Path, progress: Progress) -> Built:
    paths = [each.path for each in chosen]
    shared = common_field([(path, squared(path, plan.size)[1]) for path in progress(paths, "looked at")])
    names = [secrets.token_hex(_ID_BYTES) for _ in chosen]
    by_path, traces = dict(zip(paths, names, strict=True)), {}
    (folder / PICTURES).mkdir()
    for path in progress(sorted(paths, key=by_path.__getitem__), "made alike"):
        content = equal_file(squared(path, plan.size)[0], shared, plan.jpeg_quality)
        target = folder / PICTURES / f"{by_path[path]}.png"
        write_whole(target, content)
        os.utime(target, _EPOCH)
        traces[path] = measured(content)
    rng = stream(plan.seed, "reading study", 2)
    findings = leak_check([traces[path] for path in paths], [each.arm for each in chosen], rng)
    warnings = refuse_leaks(findings)
    study, tokens = _dealt(plan, chosen, names)
    write_whole(folder / CHECK, _check_table(findings))
    write_tokens(folder / TOKENS, tokens)
    write_study(folder, study)
    return Built(study, findings, warnings)


def _dealt(plan: StudyPlan, chosen: list[Chosen], names: list[str]) -> tuple[Study, dict[str, str]]:
    tokens = {name: secrets.token_urlsafe(_TOKEN_BYTES) for name in plan.readers}
    readers = tuple(
        Reader(
            name,
            token_sha256(tokens[name]),
            tuple(
                Trial(secrets.token_hex(_ID_BYTES), names[place], chosen[place].practice)
                for place in reading_order(plan, chosen, number)
            ),
        )
        for number, name in enumerate(plan.readers)
    )
    pictures = {name: Picture(each.arm, str(each.path)) for name, each in zip(names, chosen, strict=True)}
    arms = {arm.name: arm.real for arm in plan.arms}
    return Study(secrets.token_hex(_ID_BYTES), plan.title, plan.tell_share, arms, pictures, readers), tokens


def _check_table(findings: Sequence[Finding]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("trace", "hidden", "accuracy", "chance", "p_value"))
    for finding in findings:
        rows.writerow((finding.trace, finding.hidden, *(f"{value:.4f}" for value in finding.leak)))
    return text.getvalue().encode()
