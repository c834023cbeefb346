"""From the answers of a study to its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monai_fundusgen.apps.turing.answer import Recorded, Sheet
from monai_fundusgen.apps.turing.answer_book import AnswerBook
from monai_fundusgen.apps.turing.static_copy import read_answers
from monai_fundusgen.apps.turing.study import ANSWERS, Reader, Study, Trial, read_study
from monai_fundusgen.metrics.functional.reader_study import (
    Limits,
    SignalDetection,
    area_bootstrap,
    clustered_half_width,
    clustered_mean,
    fleiss_kappa,
    placements,
    reader_areas,
    roc_points,
    signal_detection,
    two_way_bootstrap,
    wilson_interval,
)
from monai_fundusgen.streams import stream


@dataclass(frozen=True)
class Judged:
    """An answer that counts, with the key opened.

    Attributes:
        reader: who gave it.
        recorded: the answer.
        position: of the picture in the reader's order, from 1.
        picture: its opaque name, the same for all readers.
        arm: where it came from.
        is_real: whether that shows real eyes.
    """

    reader: str
    recorded: Recorded
    position: int
    picture: str
    arm: str
    is_real: bool

    @property
    def correct(self) -> bool:
        """Whether the answer is right."""
        return self.recorded.answer.real == self.is_real

    @property
    def score(self) -> int:
        """How sure the reader was that it is synthetic: -5 (certainly real) to 5, never 0."""
        return -self.recorded.answer.confidence if self.recorded.answer.real else self.recorded.answer.confidence


@dataclass(frozen=True)
class ArmFigures:
    """Figures of an arm, all readers together; shares are 0 to 1.

    Attributes:
        arm: its name.
        is_real: whether it shows real eyes.
        answers: number of answers.
        correct: mean over the images of the share of readers that were right.
        half_width: of the 95 % interval with the image as unit, as in Table I.
        bootstrap: 95 % interval for readers and images drawn anew.
        judged_real: share of the answers "real".
        p_half: exact binomial test of the right answers against one half, answers taken as independent.
        p_real: Fisher's exact test of the answers "real" against those to the real arms; None for a real arm.
        kappa: Fleiss kappa of the readers.
        detection: d' and criterion against the real arms; None for a real arm.
        area: mean over the readers of the area under the ROC; None for a real arm.
        area_interval: 95 % interval of it, readers and images drawn anew.
        roc: points of the pooled ROC.
    """

    arm: str
    is_real: bool
    answers: int
    correct: float
    half_width: float
    bootstrap: Limits
    judged_real: float
    p_half: float
    p_real: float | None
    kappa: float
    detection: SignalDetection | None
    area: float | None
    area_interval: Limits | None
    roc: NDArray[np.float64] | None


@dataclass(frozen=True)
class ReaderFigures:
    """Figures of a reader on an arm.

    Attributes:
        reader: name.
        arm: name.
        answers: number of answers.
        correct: number of right ones.
        interval: Wilson's 95 % interval of the share.
        p_half: exact binomial test against one half.
        judged_real: number of answers "real".
        detection: d' and criterion against the real arms; None for a real arm, or without answers there.
        area: under the ROC; None likewise.
        median_s: median response time in seconds.
    """

    reader: str
    arm: str
    answers: int
    correct: int
    interval: Limits
    p_half: float
    judged_real: int
    detection: SignalDetection | None
    area: float | None
    median_s: float


@dataclass(frozen=True)
class Analysis:
    """All figures of a study.

    Attributes:
        study: the study.
        sheets: what each reader said, in the order of the plan.
        judged: every answer that counts.
        arms: figures of each arm.
        readers: figures of each reader on each arm.
        expected: number of answers when all readers are through.
        reasons: of each arm, how often each reason was ticked.
    """

    study: Study
    sheets: list[Sheet]
    judged: list[Judged]
    arms: list[ArmFigures]
    readers: list[ReaderFigures]
    expected: int
    reasons: dict[str, Counter[str]]


def collect(folder: Path, files: Sequence[Path] = ()) -> tuple[Study, list[Sheet]]:
    """Answers from the server's file and from files that browsers saved.

    Args:
        folder: of the study.
        files: saved answers.

    Raises:
        FileNotFoundError: no study, no such file, or no answers at all.
        ValueError: a damaged file, or two sources with answers of one reader.
    """
    study = read_study(folder)
    sources: list[tuple[Path, Sheet]] = []
    if (folder / ANSWERS).is_file():
        book = AnswerBook(folder, study)
        sources += [(folder / ANSWERS, sheet) for sheet in book.sheets() if sheet.answers]
        book.close()
    sources += [(path, read_answers(path, study)) for path in files]
    first: dict[str, Path] = {}
    for path, sheet in sources:
        if sheet.reader in first:
            raise ValueError(
                f"{path}: found answers of {sheet.reader}, who has answers in {first[sheet.reader]} too; expected one "
                f"source for each reader; leave one out"
            )
        first[sheet.reader] = path
    if not any(sheet.answers for _, sheet in sources):
        raise FileNotFoundError(f"{folder}: found no answers yet; serve the study, or name the files of its readers")
    names = [reader.name for reader in study.readers]
    return study, sorted((sheet for _, sheet in sources), key=lambda sheet: names.index(sheet.reader))


def open_key(study: Study, sheets: Sequence[Sheet]) -> list[Judged]:
    """Answers with the arm of their picture; those for practice are left out."""
    places: dict[str, tuple[Trial, int]] = {}
    for reader in study.readers:
        counted = [trial for trial in reader.trials if not trial.practice]
        places.update({trial.id: (trial, place) for place, trial in enumerate(counted, 1)})
    found = []
    for name, each in [(sheet.reader, each) for sheet in sheets for each in sheet.answers]:
        if each.answer.trial in places:
            trial, position = places[each.answer.trial]
            arm = study.pictures[trial.picture].arm
            found.append(Judged(name, each, position, trial.picture, arm, study.arms[arm]))
    return found


def answer_table(study: Study, judged: Sequence[Judged], arm: str, what: str) -> NDArray[np.float64]:
    """Answers on an arm as (readers, pictures), NaN where there is none.

    Args:
        study: the study.
        judged: the answers.
        arm: which.
        what: ``correct`` (0 or 1), or ``score`` (-5 to 5).
    """
    rows = {reader.name: row for row, reader in enumerate(study.readers)}
    pictures = _pictures(study, study.readers[0], arm)
    columns = {picture: column for column, picture in enumerate(pictures)}
    table = np.full((len(rows), len(columns)), np.nan)
    for each in judged:
        if each.arm == arm:
            table[rows[each.reader], columns[each.picture]] = float(getattr(each, what))
    return table


def _pictures(study: Study, reader: Reader, arm: str) -> list[str]:
    return sorted(
        trial.picture for trial in reader.trials if not trial.practice and study.pictures[trial.picture].arm == arm
    )


def analyse(folder: Path, files: Sequence[Path] = ()) -> Analysis:
    """All figures of a study, of as many answers as there are.

    Raises:
        FileNotFoundError, ValueError: see `collect`; also where nobody has answered a picture that counts.
    """
    study, sheets = collect(folder, files)
    judged = open_key(study, sheets)
    if not judged:
        raise ValueError(f"{folder}: found answers to practice pictures alone, expected some that count; read on first")
    reasons = {
        arm: Counter(name for each in judged if each.arm == arm for name in each.recorded.answer.reasons)
        for arm in study.arms
    }
    expected = sum(not trial.practice for reader in study.readers for trial in reader.trials)
    arms = [_arm_figures(study, judged, arm, number) for number, arm in enumerate(study.arms)]
    readers = [
        _reader_figures(reader.name, arm, judged)
        for reader in study.readers
        for arm in study.arms
        if any(each.reader == reader.name and each.arm == arm for each in judged)
    ]
    return Analysis(study, sheets, judged, arms, readers, expected, reasons)


def _arm_figures(study: Study, judged: Sequence[Judged], arm: str, number: int) -> ArmFigures:
    mine = [each for each in judged if each.arm == arm]
    real = [each for each in judged if each.is_real]
    correct = answer_table(study, judged, arm, "correct")
    said_real = sum(each.recorded.answer.real for each in mine)
    against = _against_real(study, judged, arm, number) if not study.arms[arm] and mine and real else None
    return ArmFigures(
        arm=arm, is_real=study.arms[arm], answers=len(mine), correct=clustered_mean(correct),
        half_width=clustered_half_width(correct),
        bootstrap=two_way_bootstrap(correct, stream(0, "reading study", 3, number)),
        judged_real=said_real / len(mine) if mine else float("nan"), p_half=_p_half(mine),
        p_real=None if against is None else _p_real(mine, real),
        kappa=fleiss_kappa(_said_counts(mine)), detection=None if against is None else _detection(mine, real),
        area=None if against is None else against[0], area_interval=None if against is None else against[1],
        roc=None if against is None else roc_points([each.score for each in mine], [each.score for each in real]),
    )  # fmt: skip


def _against_real(study: Study, judged: Sequence[Judged], arm: str, number: int) -> tuple[float, Limits]:
    noises = [answer_table(study, judged, name, "score") for name, is_real in study.arms.items() if is_real]
    placed = placements(answer_table(study, judged, arm, "score"), np.concatenate(noises, axis=1))
    areas = reader_areas(placed)
    mean = float(areas[np.isfinite(areas)].mean()) if np.isfinite(areas).any() else float("nan")
    return mean, area_bootstrap(placed, stream(0, "reading study", 4, number))


def _said_counts(judged: Sequence[Judged]) -> NDArray[np.int64]:
    """Of each picture, how many readers said synthetic and real, (I, 2)."""
    counts: dict[str, list[int]] = {}
    for each in judged:
        counts.setdefault(each.picture, [0, 0])[int(each.recorded.answer.real)] += 1
    return np.array(list(counts.values()), np.int64).reshape(-1, 2)


def _p_half(judged: Sequence[Judged]) -> float:
    if not judged:
        return float("nan")
    return float(stats.binomtest(sum(each.correct for each in judged), len(judged)).pvalue)


def _p_real(mine: Sequence[Judged], real: Sequence[Judged]) -> float:
    table = [
        [sum(each.recorded.answer.real is said for each in group) for said in (True, False)] for group in (mine, real)
    ]
    return float(stats.fisher_exact(table).pvalue)


def _detection(mine: Sequence[Judged], real: Sequence[Judged]) -> SignalDetection:
    hits, alarms = (sum(not each.recorded.answer.real for each in group) for group in (mine, real))
    return signal_detection(hits, len(mine), alarms, len(real))


def _reader_figures(name: str, arm: str, judged: Sequence[Judged]) -> ReaderFigures:
    own = [each for each in judged if each.reader == name]
    mine, real = [each for each in own if each.arm == arm], [each for each in own if each.is_real]
    against = not mine[0].is_real and bool(real)
    scores = [np.array([[each.score for each in group]], np.float64) for group in (mine, real)] if against else []
    correct = sum(each.correct for each in mine)
    return ReaderFigures(
        reader=name, arm=arm, answers=len(mine), correct=correct, interval=wilson_interval(correct, len(mine)),
        p_half=_p_half(mine), judged_real=sum(each.recorded.answer.real for each in mine),
        detection=_detection(mine, real) if against else None,
        area=float(reader_areas(placements(*scores))[0]) if against else None,
        median_s=float(np.median([each.recorded.answer.response_ms for each in mine])) / 1000,
    )  # fmt: skip
