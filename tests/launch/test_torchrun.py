"""What torchrun is told is what was asked for, and a failure says how to go on."""

from types import SimpleNamespace

import pytest
from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser

from monai_fundusgen.launch import torchrun

ASKED = {
    "seed": 3, "lr": 1e-05, "output_dir": "2024", "preset": "a,b", "name": "True", "crop": None, "shape": [1, 2],
    "network_def#channels": [8, 8], "datalist": {"a list.json": 2.0}, "twice": "$2 * 3", "same": "@seed",
}  # fmt: skip


def told(monkeypatch, tmp_path, returncode=0):
    """The words that torchrun is started with."""
    calls = []

    def run(command, **_):
        calls.append(command)
        return SimpleNamespace(returncode=returncode)

    monkeypatch.setattr(torchrun.subprocess, "run", run)
    torchrun.run_in_processes(tmp_path, ["train.yaml"], ASKED, 2, reached=lambda: "7 samples")
    return calls[0]


def test_options_reach_the_processes_with_their_types(monkeypatch, tmp_path):
    words = told(monkeypatch, tmp_path)
    assert "--nproc_per_node=2" in words
    assert words[words.index("--config_file") + 1] == str(["train.yaml", str(tmp_path / "configs/multi_gpu.yaml")])
    given = dict(word[2:].split("=", 1) for word in words if word.startswith("--") and word[2:].split("=")[0] in ASKED)
    parser = ConfigParser({name: DefaultParseValue(value) for name, value in given.items() if "#" not in name})
    found = {name: parser.get_parsed_content(name) for name in given if "#" not in name}
    expected = {**ASKED, "twice": 6, "same": 3}
    assert found == {name: value for name, value in expected.items() if "#" not in name}
    assert DefaultParseValue(given["network_def#channels"]) == [8, 8]


def test_a_process_that_fails_is_told_with_the_way_on(monkeypatch, tmp_path):
    with pytest.raises(ChildProcessError, match="torchrun ended with 3; .* the same command goes on from 7 samples"):
        told(monkeypatch, tmp_path, returncode=3)
