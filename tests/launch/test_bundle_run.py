"""What a run through ``monai.bundle`` refuses, and the one message that an error ends with."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from monai.bundle import create_workflow

from monai_fundusgen.launch.bundle_run import _Quiet, tell_and_exit, user_message
from monai_fundusgen.storage.whole_file import write_json
from monai_fundusgen.weights.files import read_weights

CONFIG = {
    "imports": ["$from monai_fundusgen.launch.bundle_run import guard_run"],
    "max_epochs": 1,
    "learning_rate": 0.1,
    "network_def": {"_target_": "torch.nn.Conv2d", "in_channels": 1, "out_channels": 1, "kernel_size": 1},
    "initialize": ["$guard_run()"],
    "run": ["$@network_def"],
}


@pytest.fixture
def configs(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/train.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    (tmp_path / "configs/preset.yaml").write_text("+imports: []\nlearning_rate: 0.2\nfinalize: []\n")
    write_json(tmp_path / "configs/metadata.json", {"version": "1"})
    return tmp_path / "configs"


def opened(configs, files=("train.yaml", "preset.yaml"), **options):
    return create_workflow(config_file=[str(configs / name) for name in files], logging_file=False, **options)


def refusal(configs, **options):
    with pytest.raises(RuntimeError) as caught:
        opened(configs, **options)
    return user_message(caught.value)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ({"epochs": 1}, "--max_epochs?"),
        ({"learningrate": 1}, "--learning_rate?"),
        ({"lerning_rate": 1}, "--learning_rate?"),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest(configs, wrong, near):
    message = refusal(configs, **wrong)
    assert message.startswith(f"--{next(iter(wrong))}: the bundle has no option of that name") and near in message


def test_options_of_every_file_nested_ones_and_tracking_are_known(configs):
    opened(configs, max_epochs=2, **{"network_def#kernel_size": 3}).run()
    opened(configs, finalize=[])
    opened(configs, tracking_uri="file:///dev/null")


@pytest.mark.parametrize("value", [0, -1, 1.5, "many", True, "$nothing"])
def test_an_impossible_value_is_refused_by_name(configs, value):
    message = refusal(configs, max_epochs=value)
    assert message.startswith("--max_epochs: ") and "expected a whole number from 1" in message


def test_an_error_of_this_package_is_told_as_it_is(configs, tmp_path):
    run = opened(configs, run=["$guard_run.__globals__['sys'] and read('nowhere.pt')"])
    run.parser.globals["read"] = read_weights
    with pytest.raises(RuntimeError) as caught:
        run.run()
    assert user_message(caught.value).startswith("nowhere.pt: no weights there")


def test_what_a_part_refuses_to_be_built_with_is_told_with_its_name(configs):
    run = opened(configs, **{"network_def#kernle_size": 3})
    with pytest.raises(RuntimeError) as caught:
        run.run()
    assert user_message(caught.value).startswith("torch.nn.Conv2d: ") and "kernle_size" in user_message(caught.value)


def test_a_fault_of_the_program_keeps_its_traceback(capsys):
    try:
        raise ZeroDivisionError("division")
    except ZeroDivisionError as error:
        assert user_message(error) is None
        tell_and_exit(type(error), error, error.__traceback__)
    assert "Traceback" in capsys.readouterr().err


def test_an_error_is_not_logged_before_it_is_told():
    record = logging.LogRecord("engine", logging.ERROR, "", 0, "Engine run is terminating", None, None)
    assert _Quiet().filter(record)
    try:
        raise OSError(28, "No space left on device", "model.pt")
    except OSError:
        assert not _Quiet().filter(record)


def test_the_process_ends_with_one_message_and_exit_code_2(configs):
    result = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(configs / "train.yaml"), "--epochs", "1"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert result.returncode == 2
    assert "Traceback" not in result.stderr + result.stdout
    assert (result.stderr + result.stdout).count("no option of that name") == 1
