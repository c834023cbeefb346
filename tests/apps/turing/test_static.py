"""The study as a folder: what is in it, and what the answers that come back from it must be."""

import json
import re

import pytest

from monai_fundusgen.apps.turing.pages import ASSETS
from monai_fundusgen.apps.turing.static_copy import ANSWERS_FORMAT, read_answers, write_static
from monai_fundusgen.apps.turing.study import PICTURES
from tests.apps.turing.conftest import CONSENT, said


def saved(study, reader="anna", count=8):
    """The answers file of a browser."""
    answers = [
        said(trial.id, real=number % 2 == 0) | {"answered_at": "2026-01-01T00:00:00.000Z", "times_shown": 1}
        for number, trial in enumerate(study.reader(reader).trials[:count])
    ]
    return {"format": ANSWERS_FORMAT, "study": study.id, "reader": reader, "consent": CONSENT, "answers": answers}


def written(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_folder_holds_the_page_and_the_pictures_and_tells_nothing(built, tmp_path):
    from monai_fundusgen.apps.turing.study import read_study

    study = read_study(built)
    assert write_static(built, "anna", tmp_path / "out") == 8
    trials = study.reader("anna").trials
    expected = ["index.html", *(f"assets/{name}" for name in ASSETS), *(f"pictures/{trial.id}.png" for trial in trials)]
    files = {path.relative_to(tmp_path / "out").as_posix(): path for path in (tmp_path / "out").rglob("*.*")}
    assert sorted(files) == sorted(expected)
    assert {path.stat().st_mtime for path in files.values()} == {0.0}
    for trial in trials:
        assert (
            files[f"pictures/{trial.id}.png"].read_bytes() == (built / PICTURES / f"{trial.picture}.png").read_bytes()
        )
    text = "".join(path.read_text() for name, path in files.items() if not name.endswith(".png"))
    secret = [*study.arms, *study.pictures, "ben", "patient", "eye0000"]
    assert not [word for word in secret if word in text] and not re.search(r"https?://", text)
    order = [json.loads(line)["trials"] for line in re.findall(r"^const STUDY = (.*);$", text, re.M)]
    assert [[each["id"] for each in trials_told] for trials_told in order] == [[trial.id for trial in trials]]


def test_the_folder_is_made_once_and_for_readers_of_the_study(built, tmp_path):
    with pytest.raises(ValueError, match="reader: found 'carl', expected one of this study's: anna, ben"):
        write_static(built, "carl", tmp_path / "out")
    assert not list(tmp_path.iterdir())
    write_static(built, "anna", tmp_path / "out")
    with pytest.raises(FileExistsError, match="exists already; give another folder"):
        write_static(built, "anna", tmp_path / "out")


def test_saved_answers_come_back(study, tmp_path):
    sheet = read_answers(written(tmp_path / "a.json", saved(study, count=5)), study)
    assert (sheet.reader, sheet.consent.role, len(sheet.answers)) == ("anna", "resident", 5)
    assert [each.answer.real for each in sheet.answers] == [True, False, True, False, True]


def changed(whole, **change):
    return saved(whole) | change


def with_answers(study, edit):
    told = saved(study)
    told["answers"] = edit(told["answers"])
    return told


def with_first(study, **change):
    return with_answers(study, lambda all: [all[0] | change])


BAD = {
    "no JSON": (lambda _: "{", "expected answers that a reader's browser saved"),
    "a list": (lambda _: [1], "found another format"),
    "another format": (lambda study: changed(study, format="x"), "found another format"),
    "another study": (lambda study: changed(study, study="f" * 24), "found the answers of study 'ffff"),
    "another reader": (lambda study: changed(study, reader="carl"), "reader: found 'carl'"),
    "no consent": (lambda study: changed(study, consent=None), "consent: found None"),
    "no answers": (lambda study: changed(study, answers=None), "answers: found no list"),
    "one twice": (lambda study: with_answers(study, lambda all: all[:3] + all[2:3]), "as answer 4, expected"),
    "one left out": (lambda study: with_answers(study, lambda all: all[:2] + all[3:]), "as answer 3, expected"),
    "too many": (lambda study: with_answers(study, lambda all: [*all, all[0]]), "as answer 9, expected"),
    "an impossible one": (lambda study: with_first(study, confidence=9), "confidence: found 9"),
    "no time": (lambda study: with_first(study, answered_at=3), "found 3 and 1, expected its time"),
    "another's": (lambda study: changed(study, answers=saved(study, "ben")["answers"]), "as answer 1, expected"),
    "endless": (lambda _: "[" * 100_000, "expected answers that a reader's browser saved"),
    "huge": (lambda _: " " * (9 * 2**20), "more than 8388608 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_files_that_were_changed_are_refused(study, tmp_path, fault):
    content, told = BAD[fault]
    path = written(tmp_path / "answers anna.json", content(study))
    with pytest.raises(ValueError) as caught:
        read_answers(path, study)
    assert told in str(caught.value) and str(path) in str(caught.value)
