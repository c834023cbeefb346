"""The wheel, in an environment of its own and an empty folder: what pip users have."""

import json
import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[1]
SOURCES = ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "monai_fundusgen", "bundles")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing is left in the clone."""
    copy, dist = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        source = CLONE / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "runs", "synthetic"))
        else:
            shutil.copy(source, copy / name)
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", dist, copy)
    return next(dist.glob("*.whl"))


def pip(*arguments):
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Python of an environment that holds the wheel, and its dependencies from the one that runs the tests."""
    root = tmp_path_factory.mktemp("environment")
    venv.create(root)
    scripts = root / ("Scripts" if os.name == "nt" else "bin")
    python = next(path for path in (scripts / "python", scripts / "python.exe") if path.exists())
    pip("--python", python, "install", "--quiet", "--no-deps", wheel)
    found = subprocess.run([python, "-c", "import site; print(site.getsitepackages()[-1])"], **TEXT).stdout.strip()
    Path(found, "borrowed.pth").write_text("\n".join(site.getsitepackages()))
    return python


TEXT = {"check": True, "capture_output": True, "text": True}


def run(python, cwd, *arguments):
    """Output of a module run with neither the clone nor its tests in sight."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([str(python), "-m", *map(str, arguments)], cwd=cwd, env=environment, **TEXT).stdout


def test_the_wheel_holds_every_bundle_whole_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tracked = subprocess.run(["git", "ls-files", "bundles"], cwd=CLONE, check=False, capture_output=True, text=True)
    for name in tracked.stdout.split():
        assert f"monai_fundusgen/{name}" in names
    packages = {str(path.parent.relative_to(CLONE)) for path in (CLONE / "monai_fundusgen").rglob("__init__.py")}
    assert packages <= {str(Path(name).parent) for name in names}
    assert {name.split("/")[0].split("-")[0] for name in names} == {"monai_fundusgen"}
    assert wheel.stat().st_size < 100e6  # what the package index takes


def test_a_data_set_is_made_in_an_empty_folder_without_network_weights(installed, tmp_path):
    told = json.loads(run(installed, tmp_path, "monai_fundusgen", "bundles", "--json"))
    assert all("site-packages" in path for path in told.values()) and len(told) == 4
    for bundle in told.values():
        shutil.rmtree(Path(bundle) / "models", ignore_errors=True)  # a phantom run asks for none
    report = run(
        installed, tmp_path, "monai_fundusgen", "generate", "-n", 1, "-o", "out", "--option", "size=256", "--json"
    )
    assert json.loads(report.splitlines()[-1])["finished"] and (tmp_path / "out" / "images" / "eye000000.png").exists()
    root = told["fundus_dataset_generation"]
    configs = [f"--{option}_file={root}/configs/{name}" for option, name in (("config", "inference.yaml"), ("meta", "metadata.json"))]  # fmt: skip  # noqa: E501
    run(installed, tmp_path, "monai.bundle", "run", "--bundle_root", root, *configs, "--output_dir", "again",
        "--num_samples", 1, "--size", 256)  # fmt: skip
    first, again = ((tmp_path / name / "images" / "eye000000.png").read_bytes() for name in ("out", "again"))
    assert first == again and sorted(path.name for path in tmp_path.iterdir()) == ["again", "out"]
