"""Verbs that need neither torch nor MONAI do not wait for them, and the help tells every default."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from monai_fundusgen.__main__ import main
from monai_fundusgen.weights.bundles import GENERATION, bundle, installed_bundles

HEAVY = ("torch", "monai", "ignite", "numba", "scipy", "skimage")


@pytest.mark.parametrize("arguments", [["verify", "SET"], ["show", "SET"], ["datalist", "paired", "SET"], ["--help"]])
def test_looking_at_files_loads_no_framework(arguments, finished_set, tmp_path):
    words = [word.replace("SET", str(finished_set)) for word in arguments]
    code = f"""
import json, sys
from monai_fundusgen.__main__ import main
try:
    main({words!r})
except SystemExit:
    pass
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_help_tells_the_defaults_that_the_bundle_has(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["generate", "--help"])
    told = capsys.readouterr().out
    config = yaml.safe_load((bundle(GENERATION) / "configs" / "inference.yaml").read_text())
    for name in ("seed", "mask_source", "batch_size", "shard_size"):
        line = told.split(f"--{name.replace('_', '-')} ")[1].split("--")[0]
        assert f"[default: ({config[name]})]" in " ".join(re.sub("[│]", " ", line).split()), name


def test_the_folders_of_the_bundles_are_told(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["bundles", "--json"])
    assert not stop.value.code
    found = json.loads(capsys.readouterr().out)
    assert list(found.values()) == [str(path) for path in installed_bundles()] and GENERATION in found


def test_show_tells_of_a_gate_only_where_there_was_one(finished_set, capsys):
    with pytest.raises(SystemExit):
        main(["show", str(finished_set)])
    told = capsys.readouterr().out
    assert "no gate on anatomy was asked for; 0 samples with a warning" in told and "refused" not in told
