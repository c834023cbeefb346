"""Cases in, labels out: every file, resuming, bad cases, the expert's loop. Frames lie still: no registration."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.__main__ import main
from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.groundtruth import pipeline
from monai_fundusgen.groundtruth.phantom_folder import write_phantom_case
from monai_fundusgen.groundtruth.pipeline import GroundTruthRequest, build_groundtruth
from monai_fundusgen.groundtruth.registered import RegisteredCase, RegisteredFrame, RegistrationError
from monai_fundusgen.groundtruth.truth import TruthSettings
from monai_fundusgen.groundtruth.warp import Warp

TIMES_S = (11.0, 12.8, 14.0, 17.0, 22.0, 60.0)
SIZE = 384
TIMING = GroundTruthRequest(TruthSettings(kinds="timing", low=0.5, high=0.6), frames="ridges")


def lying_still(case, probability):
    """What registration gives for frames that lie on the photograph already; the last frame is left out."""
    shape = case.photograph.shape[1:]
    if not case.photograph[1].std() > 20:
        raise RegistrationError(f"{case.name}: no frame fits the photograph")
    frames = [
        RegisteredFrame(one, probability(one.image, one.valid), "", 0.9, 0.2, 0.9, Warp(), shape) for one in case.frames
    ]
    last = frames[-1]
    frames[-1] = RegisteredFrame(last.frame, last.probability, "blurred", 0.1, np.nan, np.nan, None, shape)
    kept = tuple(range(len(frames) - 1))
    return RegisteredCase(
        case,
        frames[0].probability,
        tuple(frames),
        frames[3].frame.name,
        kept,
        "times",
        0.8,
        ("a remark",),
        {"all": 1.0},
    )


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    root = tmp_path_factory.mktemp("cases")
    eyes = {}
    for name, seed in (("one", 2_000_001), ("two b", 2_000_002)):
        eyes[name] = write_phantom_case(root / name, seed, TIMES_S, size=SIZE, motion=0.0)
    bad = root / "bad"
    shutil.copytree(root / "one", bad)
    Image.fromarray(np.full((SIZE, SIZE, 3), 90, np.uint8)).save(bad / "photograph.png")
    return root, eyes


@pytest.fixture
def still(monkeypatch):
    monkeypatch.setattr(pipeline, "register_case", lying_still)


@pytest.fixture(scope="module")
def finished(cases, tmp_path_factory):
    """Output of a run over two good cases and a bad one, and its outcomes."""
    output = tmp_path_factory.mktemp("out") / "truth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "register_case", lying_still)
        outcomes, _ = build_groundtruth([cases[0] / name for name in ("one", "bad", "two b")], output, TIMING)
    return output, outcomes


@pytest.fixture
def copied(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "truth")


def pixels(path):
    return np.asarray(Image.open(path))


def test_a_bad_case_is_told_and_the_others_go_on(finished):
    output, outcomes = finished
    assert [(one.name, one.state) for one in outcomes] == [("one", "made"), ("bad", "failed"), ("two_b", "made")]
    assert "no frame fits the photograph" in outcomes[1].reason
    assert list(json.loads((output / "failures.json").read_text())) == ["bad"]
    assert not (output / "cases/bad").exists() and not (output / "studies/bad.png").exists()


def test_the_label_has_the_arteries_and_veins_of_the_eye(finished, cases):
    for name, eye in (("one", cases[1]["one"]), ("two_b", cases[1]["two b"])):
        label = pixels(finished[0] / f"cases/{name}/label.png")
        assert set(np.unique(label)) <= {0, 1, 2, 3, 255} and {1, 2} <= set(np.unique(label))
        truth = eye.raster.label
        told = np.isin(label, (1, 2)) & (truth[ARTERY] ^ truth[VEIN])
        assert (np.where(truth[ARTERY], 1, 2) == label)[told].mean() > 0.93


def test_everything_is_there_and_fits_together(finished):
    folder = finished[0] / "cases/one"
    report = json.loads((folder / "report.json").read_text())
    used = [frame for frame in report["frames"] if frame["used"]]
    assert len(used) == 5 and report["frames"][5]["reason"] == "blurred" and report["figures"]["frames_kept"] == 5
    assert sorted(path.name for path in (folder / "transforms").iterdir()) == sorted(
        f"{one['name']}.tfm" for one in used
    )
    label, opened = pixels(folder / "label.png"), pixels(folder / "uncertain.png") > 0
    assert np.array_equal(label == 255, opened)
    assert not label[pixels(folder / "fov.png") == 0].any()
    assert (pixels(folder / "support.png").max() <= 5) and np.array_equal(pixels(folder / "vessel.png") > 0, label > 0)
    assert (pixels(folder / "confidence.png")[np.isin(label, (1, 2))] >= round(0.8 * 255)).mean() > 0.98
    lines = (folder / "branches.csv").read_text().splitlines()
    assert len(lines) == 1 + report["figures"]["branches"] and "artery" in lines[1] + lines[2] + "".join(lines)
    page = (folder / "quality.html").read_text()
    assert "blurred" in page and "a remark" in page and 'src="http' not in page and page.count("data:image/jpeg") == 10
    assert all((folder / f"{name}.jpg").is_file() for name in ("before", "after", "edges", "kinds"))


def test_the_datalist_is_one_that_training_takes(finished):
    items = load_datalist(finished[0] / "datalist.json", needs=("label",))
    assert len(items) == 2
    item = LoadFundusd()(items[0])
    assert item["image"].shape == (3, SIZE, SIZE) and item["label"].shape == (2, SIZE, SIZE)
    label = pixels(finished[0] / "cases/one/label.png")
    assert np.array_equal(np.asarray(item["uncertain"][0]) > 0, label == 255)


def test_finished_cases_are_not_made_again_and_changed_ones_are(copied, cases, still, tmp_path):
    mine = shutil.copytree(cases[0] / "one", tmp_path / "one")
    before = (copied / "cases/one/report.json").stat().st_mtime_ns
    assert [one.state for one in build_groundtruth([mine], copied, TIMING)[0]] == ["kept"]
    assert (copied / "cases/one/report.json").stat().st_mtime_ns == before
    next((mine / "frames").iterdir()).unlink()
    assert [one.state for one in build_groundtruth([mine], copied, TIMING)[0]] == ["made"]
    assert json.loads((copied / "cases/one/report.json").read_text())["figures"]["frames"] == 5


def test_another_request_or_a_strangers_folder_is_refused(copied, cases, still, tmp_path):
    with pytest.raises(ValueError, match=r"begun with frames ridges; give the same, or a new folder"):
        build_groundtruth([cases[0] / "one"], copied, GroundTruthRequest(TIMING.settings, frames="network"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds 'thesis.txt'"):
        build_groundtruth([cases[0] / "one"], tmp_path / "mine", TIMING)


def test_what_an_expert_corrected_is_taken_over(copied):
    original = pixels(copied / "studies/labels/original/one.png")
    assert set(np.unique(original)) <= {0, 1, 2, 3}
    assert np.array_equal(original > 0, pixels(copied / "cases/one/label.png") > 0)  # open branches are there too
    final = original.copy()
    final[original == 1] = 2
    final[:5, 100:110] = 1
    (copied / "studies/labels/final").mkdir()
    Image.fromarray(final).save(copied / "studies/labels/final/one.png")
    stored = {"objects": {"one": {"labels": {"final": {"info": {"user": "mh", "time": "2026-11-21T10:00:00+00:00"}}}}}}
    (copied / "studies/datastore_v2.json").write_text(json.dumps(stored))
    outcomes, (told,) = build_groundtruth([], copied, TIMING)
    assert outcomes == [] and told["id"] == "one" and told["user"] == "mh"
    assert told["added_px"] == 50 and told["removed_px"] == 0 and told["changed_kind_px"] == (original == 1).sum()
    assert told["flipped_branches"] > 5
    assert json.loads((copied / "corrections.json").read_text()) == [told]
    labels = {item["image"][-7:]: item["label"] for item in load_datalist(copied / "datalist.json")}
    assert labels["one.png"].endswith("labels/final/one.png") and labels["o_b.png"].endswith("cases/two_b/label.png")


def test_a_corrected_label_of_another_size_is_refused(copied):
    (copied / "studies/labels/final").mkdir()
    Image.fromarray(np.zeros((9, 7), np.uint8)).save(copied / "studies/labels/final/one.png")
    with pytest.raises(ValueError, match=r"one.png: 7 x 9 px, its photograph 384 x 384"):
        build_groundtruth([], copied, TIMING)


def test_the_verb_says_what_failed_by_message_and_exit_code(cases, still, tmp_path, capsys):
    words = ["groundtruth", "-o", str(tmp_path / "out"), "--kinds", "timing", "--frames", "ridges", "--quiet"]
    with pytest.raises(SystemExit) as stop:
        main([*words, str(cases[0] / "bad"), str(cases[0] / "one")])
    assert stop.value.code == 1 and "no frame fits the photograph" in capsys.readouterr().err
    assert (tmp_path / "out/cases/one/label.png").is_file()


@pytest.mark.slow
def test_two_processes_register_and_label_a_moving_eye(tmp_path):
    for seed in (2_000_001, 2_000_002):
        write_phantom_case(tmp_path / f"eye{seed}", seed, TIMES_S, size=512)
    request = GroundTruthRequest(TruthSettings(kinds="timing"), frame_deg=45)
    outcomes, _ = build_groundtruth(sorted(tmp_path.glob("eye*")), tmp_path / "out", request, processes=2)
    assert [one.state for one in outcomes] == ["made", "made"]
    assert all((tmp_path / "out/studies" / f"{one.name}.png").is_file() for one in outcomes)
