import json
import os
import shutil
import signal
import time

import pytest

from monai_fundusgen.__main__ import INTERRUPTED, USER_ERROR, main
from monai_fundusgen.dataset.manifest import finished
from tests.processes import start
from tests.verbs import run

FAST = ["--option", "size=256", "--quiet"]


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    root = tmp_path_factory.mktemp("cli") / "set"
    with pytest.raises(SystemExit) as stop:
        main(["generate", "-n", "3", "-o", str(root), *FAST])
    assert not stop.value.code
    return root


def test_a_set_is_made_verified_shown_and_exported(generated, capsys, tmp_path):
    assert run(capsys, "verify", generated)[:2] == (0, f"{generated}: all is as the manifest says\n")
    code, out, _ = run(capsys, "show", generated, "--sheet", tmp_path / "sheet.png", "-n", 2)
    assert code == 0 and out.startswith("3 samples: 3 from phantom") and f"{tmp_path / 'sheet.png'}: 2 samples" in out
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
    code, out, _ = run(capsys, "export", generated, tmp_path / "drive", "--to", "drive", "--testing", 0.34)
    assert (code, out) == (0, f"{tmp_path / 'drive'}: 3 samples as drive, 1 of them for testing\n")
    assert "dicom" in run(capsys, "export", "--to", "list")[1]


def test_the_same_command_changes_nothing_and_reports_in_json(generated, capsys):
    before = contents(generated)
    code, out, _ = run(capsys, "generate", "-n", 3, "-o", generated, "--json", *FAST)
    report = json.loads(out)
    assert (code, report["found"], report["made"], report["finished"]) == (0, 3, 0, True)
    assert contents(generated) == before


def test_other_settings_are_refused_and_overwriting_allows_them(capsys, tmp_path):
    root = tmp_path / "set"
    assert run(capsys, "generate", "-n", 1, "-o", root, *FAST)[0] == 0
    code, _, err = run(capsys, "generate", "-n", 1, "-o", root, "--seed", 5, *FAST)
    assert code == USER_ERROR and "seed: there 0, now 5" in err and "--overwrite" in err
    code, _, err = run(capsys, "generate", "-n", 2, "-o", root, *FAST)
    assert code == USER_ERROR and "a run of 1 samples, now 2 are asked for; extend it" in err
    assert run(capsys, "generate", "-n", 1, "-o", root, "--seed", 5, "--overwrite", *FAST)[0] == 0
    assert json.loads((root / "run.json").read_text())["settings"]["seed"] == 5


def test_an_extended_set_is_the_larger_one(generated, capsys, tmp_path):
    root = tmp_path / "set"
    assert run(capsys, "generate", "-n", 1, "-o", root, *FAST)[0] == 0
    code, out, _ = run(capsys, "generate", "-n", 1, "-o", root, "--extend", 3, "--json", *FAST)
    assert code == 0 and json.loads(out)["made"] == 2
    assert contents(root) == contents(generated)


def test_the_tasks_of_an_array_job_make_the_set_of_one_run(generated, capsys, tmp_path):
    root = tmp_path / "set"
    for task in ("1/2", "0/2"):
        assert run(capsys, "generate", "-n", 3, "-o", root, "--part", task, *FAST)[0] == 0
    assert contents(root) == contents(generated)


def test_a_dry_run_writes_nothing(capsys, tmp_path):
    code, out, _ = run(capsys, "generate", "-n", 20000, "-o", tmp_path / "set", "--mask-source", "ddpm", "--dry-run")
    told = json.loads(out)
    assert code == 0 and told["shard_size"] == 10000 and told["gate"] is True and not (tmp_path / "set").exists()
    assert len(told["stages"]["mask"]["weights"]) == 64 and told["gigabytes"] > 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--mask-source", "moon"], "'moon'"), (["--engine", "spark"], "'spark', expected one of local, torchrun, ray"),
        (["--processes", "2"], "processes: found 2 with engine local"), (["--part", "3"], "found '3', expected K/M"),
        (["--part", "2/2"], "part: found 2 of 2 parts"),
        (["--part", "0/2", "--overwrite"], "--overwrite with --part"), (["--option", "size"], "--option: found 'size'"),
        (["--bundle", "nowhere"], "no configs/inference.yaml"), (["--seed", "-1"], "seed: found -1"),
        (["--shard-size", "-5"], "shard_size: found -5"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(arguments, complaint, capsys, tmp_path):
    code, _, err = run(capsys, "generate", "-n", 1, "-o", tmp_path / "set", *arguments, "--quiet")
    assert code == USER_ERROR and complaint in err
    assert not list((tmp_path / "set").rglob("*.png"))


def test_a_bad_set_gives_exit_code_one_and_a_missing_one_two(generated, capsys, tmp_path):

    copied = shutil.copytree(generated, tmp_path / "set")
    (copied / "images" / "eye000000.png").unlink()
    code, out, _ = run(capsys, "verify", copied, "--json")
    assert code == 1 and json.loads(out)["problems"][0]["file"] == "images/eye000000.png"
    assert run(capsys, "verify", tmp_path / "nowhere")[0] == USER_ERROR
    assert run(capsys, "show", tmp_path / "nowhere")[0] == USER_ERROR


def test_an_interrupted_run_ends_after_its_batch_with_its_own_exit_code_and_goes_on(generated, tmp_path):
    root = tmp_path / "set"
    words, log = ["generate", "-n", 3, "-o", root, "--batch-size", 1, *FAST], tmp_path / "log"
    process = start("monai_fundusgen", words, log)
    while not list(root.glob("images/*.png")) and process.is_alive():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    process.join(120)
    assert process.exitcode == INTERRUPTED, log.read_text()
    assert 0 < len(finished(root)) < 3 and not list(root.rglob("*.part"))
    again = start("monai_fundusgen", words, log)
    again.join(120)
    assert again.exitcode == 0, log.read_text()
    assert contents(root) == contents(generated)


def test_options_that_the_bundle_does_not_know_are_refused(capsys, tmp_path):
    code, _, err = run(capsys, "generate", "-n", 1, "-o", tmp_path / "set", "--option", "target_densty=0.1")
    assert code == USER_ERROR and "'target_densty', which the bundle does not know; target_density?" in err


@pytest.mark.parametrize("verb", ["verify", "show", "export", "generate"])
def test_settings_that_cannot_be_read_are_named_with_the_way_out(verb, generated, capsys, tmp_path):
    root = shutil.copytree(generated, tmp_path / "set")
    (root / "run.json").write_text("{garbage")
    rest = {"export": [tmp_path / "out", "--to", "drive"], "show": ["--sheet", tmp_path / "x.png"]}.get(verb, [])
    arguments = ["-n", 3, "-o", root, *FAST] if verb == "generate" else [root, *rest]
    code, _, err = run(capsys, verb, *arguments)
    expected = 1 if verb == "verify" else USER_ERROR
    assert code == expected and "run.json: not the settings of a run" in err and "another folder" in err


def test_an_emptied_picture_is_not_exported(generated, capsys, tmp_path):
    root = shutil.copytree(generated, tmp_path / "set")
    (root / "images" / "eye000001.png").write_bytes(b"")
    code, _, err = run(capsys, "export", root, tmp_path / "out", "--to", "nnunet")
    assert code == USER_ERROR and "eye000001.png: no whole PNG of 0 bytes" in err and not (tmp_path / "out").exists()


def test_numbers_and_folders_that_cannot_be_are_named(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    for number, complaint in ((-2, "found -2, expected at least 1"), (10**20, "expected at most 100000000")):
        code, _, err = run(capsys, "generate", "-n", number, "-o", tmp_path / "set", *FAST)
        assert code == USER_ERROR and complaint in err
    code, _, err = run(capsys, "generate", "-n", 1, "-o", tmp_path / "file" / "set", *FAST)
    assert code == USER_ERROR and "choose another output folder" in err
