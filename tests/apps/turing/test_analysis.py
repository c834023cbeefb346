"""From answers to figures: constructed answers with known figures, the page and the tables."""

import csv
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from monai_fundusgen.apps.turing.analysis import analyse
from monai_fundusgen.apps.turing.answer import parse_answer, parse_consent
from monai_fundusgen.apps.turing.answer_book import AnswerBook
from monai_fundusgen.apps.turing.report import write_report
from monai_fundusgen.apps.turing.study import Picture, Reader, Study, Trial, write_study
from monai_fundusgen.metrics.functional.reader_study import wilson_interval
from tests.apps.turing.conftest import CONSENT, said
from tests.apps.turing.test_static import saved, written

#: Number of pictures of 20 that 0 to 4 of 4 readers judged correctly, as in tests/metrics/test_reader_study.py.
TABLE_I = {
    "real": (1, 0, 14, 0, 5), "no structure": (0, 1, 1, 3, 15), "ours": (1, 6, 12, 1, 0), "stylegan": (8, 6, 6, 0, 0),
}  # fmt: skip
READERS = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """A study of the paper's size with answers that have its scores; each reader in another order."""
    folder = tmp_path_factory.mktemp("paper")
    names = {arm: [f"{arm}{number}" for number in range(20)] for arm in TABLE_I}
    everything = [name for arm in names for name in names[arm]]
    rng = np.random.default_rng(0)
    readers = tuple(
        Reader(
            name,
            "0" * 64,
            tuple(Trial(f"{name} {everything[at]}", everything[at], False) for at in rng.permutation(80)),
        )
        for name in READERS
    )
    pictures = {name: Picture(arm, f"{name}.png") for arm in names for name in names[arm]}
    study = Study("s" * 24, "Table I", True, {arm: arm == "real" for arm in names}, pictures, readers)
    write_study(folder, study)
    scores = {arm: np.repeat(range(5), counts) for arm, counts in TABLE_I.items()}
    book = AnswerBook(folder, study)
    for place, reader in enumerate(readers):
        book.keep_consent(reader, parse_consent(CONSENT))
        for trial in reader.trials:
            arm = pictures[trial.picture].arm
            number = names[arm].index(trial.picture)
            correct = bool((place + number) % 4 < scores[arm][number])  # so many of the four, not always the same
            real = correct == study.is_real(trial)
            assert book.keep(reader, parse_answer(said(trial.id, real=real, confidence=1 + place, reasons=["disc"])))
    book.close()
    return folder


def test_the_rows_of_table_i(paper):
    analysis = analyse(paper)
    found = {arm.arm: (100 * arm.correct, 100 * arm.half_width, 100 * arm.judged_real) for arm in analysis.arms}
    assert found["real"] == pytest.approx((60, 11.47, 60), abs=0.0101)  # 11.46: see the metrics' own test
    assert found["no structure"] == pytest.approx((90, 8.99, 10), abs=0.005)
    assert found["ours"] == pytest.approx((41.25, 7.35, 58.75), abs=0.005)
    assert found["stylegan"] == pytest.approx((22.5, 9.34, 77.5), abs=0.005)
    assert all(arm.answers == 80 for arm in analysis.arms) and len(analysis.judged) == analysis.expected == 320


def test_tests_and_detection_of_the_paper(paper):
    figures = {arm.arm: arm for arm in analyse(paper).arms}
    assert figures["ours"].p_half == pytest.approx(stats.binomtest(33, 80).pvalue)
    assert figures["ours"].p_real == pytest.approx(stats.fisher_exact([[47, 33], [48, 32]]).pvalue)
    z = stats.norm.ppf
    hits, alarms = z(18.5 / 81), z(32.5 / 81)
    assert figures["stylegan"].detection == pytest.approx((hits - alarms, -(hits + alarms) / 2))
    assert figures["stylegan"].detection.d_prime < 0 < figures["stylegan"].detection.criterion
    assert figures["no structure"].area > 0.6 > 0.5 > figures["stylegan"].area
    assert figures["real"].detection is figures["real"].area is figures["real"].p_real is None
    for arm in figures.values():
        assert arm.bootstrap.low < arm.correct < arm.bootstrap.high


def test_readers_have_their_own_figures(paper):
    rows = {(each.reader, each.arm): each for each in analyse(paper).readers}
    assert len(rows) == 16
    first = rows["a", "real"]  # 5 of the pictures that all know, and 1, 4, 5, 8, 9, 12, 13 of those that two do
    assert (first.correct, first.judged_real, first.answers, first.median_s) == (12, 12, 20, 0.9)
    assert first.interval == wilson_interval(12, 20) and first.p_half == pytest.approx(stats.binomtest(12, 20).pvalue)
    last = rows["d", "stylegan"]  # called synthetic: 5 of 20, of the real ones 7 of 20, always with one confidence
    assert (last.correct, last.judged_real) == (5, 15) and last.area == pytest.approx(0.5 + (5 - 7) / 20 / 2)


def answers_of(folder, study, reader, count, **more):
    book = AnswerBook(folder, study)
    book.keep_consent(study.reader(reader), parse_consent(CONSENT))
    for trial in study.reader(reader).trials[:count]:
        assert book.keep(study.reader(reader), parse_answer(said(trial.id, **more)))
    book.close()


def test_practice_does_not_count_and_an_unfinished_study_says_so(study_folder, study, tmp_path):
    answers_of(study_folder, study, "anna", 2)
    with pytest.raises(ValueError, match="answers to practice pictures alone"):
        analyse(study_folder)
    answers_of(study_folder, study, "ben", 6)
    analysis = analyse(study_folder)
    assert (len(analysis.judged), analysis.expected) == (4, 12)
    write_report(analysis, study_folder, tmp_path / "out")
    assert "The study is not finished" in (tmp_path / "out" / "report.html").read_text()


def test_answers_come_from_server_and_files_but_of_a_reader_from_one(study_folder, study, tmp_path):
    answers_of(study_folder, study, "anna", 8)
    path = written(tmp_path / "ben.json", saved(study, "ben"))
    analysis = analyse(study_folder, [path])
    assert [sheet.reader for sheet in analysis.sheets] == ["anna", "ben"] and len(analysis.judged) == 12
    twice = written(tmp_path / "anna.json", saved(study, "anna"))
    with pytest.raises(ValueError, match=r"anna\.json: found answers of anna, who has answers in .*sqlite too"):
        analyse(study_folder, [twice])


def test_no_answers_yet(study_folder):
    with pytest.raises(FileNotFoundError, match="found no answers yet; serve the study"):
        analyse(study_folder)


def test_the_report_stands_alone_and_the_tables_have_every_answer(paper, tmp_path):
    pytest.importorskip("jinja2")
    analysis = analyse(paper)
    write_report(analysis, paper, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert not re.search(r"<script|https?://|\bsrc=|\bhref=", page)
    assert "41.25 &plusmn; 7.35" in page and "90.00 &plusmn; 8.99" in page and "not finished" not in page
    with (tmp_path / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 320 and {row["reasons"] for row in rows} == {"disc"}
    right = {arm: sum(row["correct"] == "True" for row in rows if row["arm"] == arm) for arm in TABLE_I}
    assert right == {"real": 48, "no structure": 72, "ours": 33, "stylegan": 18}
    assert sorted(int(row["position"]) for row in rows if row["reader"] == "c") == list(range(1, 81))
    with (tmp_path / "arms.csv").open(newline="") as file:
        arms = {row["arm"]: row for row in csv.DictReader(file)}
    assert float(arms["ours"]["half_width_images"]) == pytest.approx(0.0735, abs=5e-5) and arms["real"]["d_prime"] == ""
    with (tmp_path / "readers.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 16


def test_names_in_the_report_are_text_not_markup(paper, tmp_path):
    pytest.importorskip("jinja2")
    analysis = analyse(paper)
    hostile = replace(analysis, study=replace(analysis.study, title="<script>alert(1)</script>"))
    write_report(hostile, paper, tmp_path)
    assert "<script" not in (tmp_path / "report.html").read_text()
