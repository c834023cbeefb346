"""Answers in an SQLite file: each is on the disk before the next picture is shown, and none is there twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.apps.clock import utc_now
from monai_fundusgen.apps.turing.answer import Answer, Consent, Recorded, Sheet
from monai_fundusgen.apps.turing.study import ANSWERS, Reader, Study, Trial

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS study (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS consents (reader TEXT PRIMARY KEY, role TEXT, years REAL, agreed_at TEXT);
CREATE TABLE IF NOT EXISTS shown (trial TEXT PRIMARY KEY, first_at TEXT, times INTEGER);
CREATE TABLE IF NOT EXISTS answers (
    trial TEXT PRIMARY KEY, reader TEXT, real INTEGER, confidence INTEGER, reasons TEXT, mark TEXT,
    response_ms INTEGER, answered_at TEXT
);
"""


class AnswerBook:
    """The answers of a study, in its folder.

    Args:
        folder: of the study.
        study: the study; a file with the answers of another is refused.

    Raises:
        ValueError: the file is no SQLite file, is damaged, or belongs to another study.
    """

    def __init__(self, folder: Path, study: Study) -> None:
        self._path, self._study = folder / ANSWERS, study
        self._file = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
            self._file.executescript(_TABLES)
            self._claim()
        except sqlite3.DatabaseError as error:
            self._file.close()
            raise ValueError(f"{self._path}: found {error}, expected the answers of this study; restore it") from error

    def _claim(self) -> None:
        with self._writing():
            found = self._file.execute("SELECT id FROM study").fetchone()
            if found is None:
                self._file.execute("INSERT INTO study VALUES (?)", (self._study.id,))
        if found is not None and found[0] != self._study.id:
            self._file.close()
            raise ValueError(
                f"{self._path}: found the answers of another study, expected those of {self._study.id}; move it away"
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A transaction: committed at the end, undone on an error."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def consent(self, reader: Reader) -> Consent | None:
        """What a reader told before the first picture; None before that."""
        row = self._file.execute("SELECT role, years FROM consents WHERE reader = ?", (reader.name,)).fetchone()
        return None if row is None else Consent(*row)

    def keep_consent(self, reader: Reader, consent: Consent) -> None:
        """Keep what a reader told; what was told first stays."""
        with self._writing():
            self._file.execute(
                "INSERT OR IGNORE INTO consents VALUES (?, ?, ?, ?)",
                (reader.name, consent.role, consent.years, utc_now()),
            )

    def current(self, reader: Reader) -> Trial | None:
        """The first trial of a reader without an answer; None at the end."""
        rows = self._file.execute("SELECT trial FROM answers WHERE reader = ?", (reader.name,))
        answered = {row[0] for row in rows}
        return next((trial for trial in reader.trials if trial.id not in answered), None)

    def show(self, trial: Trial) -> None:
        """Count that a picture was loaded."""
        with self._writing():
            self._file.execute(
                "INSERT INTO shown VALUES (?, ?, 1) ON CONFLICT (trial) DO UPDATE SET times = times + 1",
                (trial.id, utc_now()),
            )

    def keep(self, reader: Reader, answer: Answer) -> bool:
        """Keep the answer to a reader's current trial; on the disk when this returns.

        Returns:
            False, and nothing is kept, where the answer is to another trial: one answered before, or one to come.
        """
        with self._writing():
            current = self.current(reader)
            if current is None or current.id != answer.trial:
                return False
            self._file.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _row(reader, answer))
        return True

    def sheets(self) -> list[Sheet]:
        """What every reader that has begun has said, in the order of the plan."""
        return [
            Sheet(reader.name, consent, tuple(self._answers(reader)))
            for reader in self._study.readers
            if (consent := self.consent(reader)) is not None
        ]

    def _answers(self, reader: Reader) -> Iterator[Recorded]:
        rows = self._file.execute(
            "SELECT trial, real, confidence, reasons, mark, response_ms, answered_at, COALESCE(times, 0) FROM answers "
            "LEFT JOIN shown USING (trial) WHERE reader = ? ORDER BY answers.rowid",
            (reader.name,),
        )
        return map(_recorded, rows)


def _row(reader: Reader, answer: Answer) -> tuple[Any, ...]:
    mark = None if answer.mark is None else json.dumps(answer.mark)
    reasons = json.dumps(answer.reasons)
    return (
        answer.trial, reader.name, int(answer.real), answer.confidence, reasons, mark, answer.response_ms, utc_now()
    )  # fmt: skip


def _recorded(row: tuple[Any, ...]) -> Recorded:
    trial, real, confidence, reasons, mark, response_ms, answered_at, times = row
    region = None if mark is None else tuple(json.loads(mark))
    answer = Answer(trial, bool(real), confidence, tuple(json.loads(reasons)), region, response_ms)
    return Recorded(answer, answered_at, times)
