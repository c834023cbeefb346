"""A study as a folder for one reader: opened from disk, no server; the answers come back as a file."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.apps.turing.answer import REASONS, ROLES, Recorded, Sheet, parse_answer, parse_consent
from monai_fundusgen.apps.turing.pages import ASSETS, page
from monai_fundusgen.apps.turing.study import Reader, Study, picture_path, read_study
from monai_fundusgen.apps.web.page_files import source
from monai_fundusgen.storage.whole_file import write_whole

ANSWERS_FORMAT: Final = "fundusgen reading answers 1"
_START: Final = "index.html"
_MAX_BYTES: Final = 8 * 2**20  # of an answers file: 2000 answers have half of one MiB


def write_static(folder: Path, name: str, output: Path) -> int:
    """Write the folder of one reader, whole or not at all.

    Args:
        folder: of the study.
        name: of the reader.
        output: to write; must not exist.

    Returns:
        Number of pictures.

    Raises:
        FileExistsError: the output is there.
        FileNotFoundError, ValueError: no study, no such reader, or a picture is missing.
    """
    study = read_study(folder)
    reader = study.reader(name)
    if output.exists():
        raise FileExistsError(f"{output}: exists already; give another folder")
    if not output.absolute().parent.is_dir():
        raise FileNotFoundError(f"{output}: found no folder {output.absolute().parent} to make it in; make that first")
    scratch = Path(tempfile.mkdtemp(dir=output.absolute().parent, prefix=f".{output.name}.", suffix=".part"))
    try:
        _fill(scratch, study, folder, reader)
        scratch.chmod(0o755)
        os.replace(scratch, output)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return len(reader.trials)


def _fill(scratch: Path, study: Study, folder: Path, reader: Reader) -> None:
    contents = {_START: page().encode()}
    for name, file in ASSETS.items():
        contents[f"assets/{name}"] = source(*file).encode()
    told = json.dumps(_told(study, reader)).replace("</", "<\\/")
    contents["assets/store.js"] = f"const STUDY = {told};\n{source('turing', 'static_store.js')}".encode()
    for trial in sorted(reader.trials, key=lambda each: each.id):
        contents[f"pictures/{trial.id}.png"] = picture_path(folder, trial).read_bytes()
    for name, content in contents.items():
        write_whole(scratch / name, content)
        os.utime(scratch / name, (0, 0))


def _told(study: Study, reader: Reader) -> dict[str, Any]:
    """What the page gets to know: no arm, no file name, no other reader."""
    return {
        "id": study.id, "title": study.title, "reader": reader.name, "share": study.share(),
        "trials": [{"id": trial.id, "practice": trial.practice} for trial in reader.trials],
        "reasons": REASONS, "roles": ROLES, "answers_format": ANSWERS_FORMAT,
    }  # fmt: skip


def read_answers(path: Path, study: Study) -> Sheet:
    """Answers of a file that a reader's browser saved.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no answers file, of another study or reader, or an answer that cannot be or is there twice.
    """
    told = _json(path)
    if told.get("study") != study.id:
        raise ValueError(
            f"{path}: found the answers of study {told.get('study')!r}, expected {study.id!r}; leave it out"
        )
    try:
        reader = study.reader(str(told.get("reader")))
        consent = parse_consent(told.get("consent"))
        answers = told.get("answers")
        if not isinstance(answers, list):
            raise ValueError("answers: found no list, expected one")
        found = [_recorded(each) for each in answers]
    except ValueError as error:
        raise ValueError(f"{path}: {error}; ask the reader to save the file again") from error
    _refuse_disorder(path, reader, found)
    return Sheet(reader.name, consent, tuple(found))


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, dict) or told.get("format") != ANSWERS_FORMAT:
            raise ValueError("another format")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; give the answers that a reader's browser saved") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: found {error}, expected answers that a reader's browser saved") from error
    return told


def _recorded(told: Any) -> Recorded:
    answer = parse_answer(told)
    at, times = told.get("answered_at"), told.get("times_shown", 1)
    if not isinstance(at, str) or len(at) > 40 or isinstance(times, bool) or not isinstance(times, int) or times < 0:
        raise ValueError(f"answer to {answer.trial!r}: found {at!r} and {times!r}, expected its time and times shown")
    return Recorded(answer, at, times)


def _refuse_disorder(path: Path, reader: Reader, found: list[Recorded]) -> None:
    """The page asks in the reader's order, so the answers are the beginning of it."""
    expected = [trial.id for trial in reader.trials[: len(found)]]
    given = [each.answer.trial for each in found]
    if given != expected:
        place = next(
            (at for at, pair in enumerate(zip(given, expected, strict=False)) if pair[0] != pair[1]), len(expected)
        )
        raise ValueError(
            f"{path}: found {given[place]!r} as answer {place + 1}, expected the pictures of {reader.name} in their "
            f"order, each once; the file was changed, ask the reader to save it again"
        )
