"""``fundusgen segment``: results in the photograph's own geometry, and clear words for what is no fundus."""

import numpy as np
import pytest
import torch
from PIL import Image

from monai_fundusgen.__main__ import main
from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.evaluation import segment as room
from monai_fundusgen.inferers.field import FieldInferer
from monai_fundusgen.transforms.vessel_codes import VesselCodes
from monai_fundusgen.weights.bundles import SEGMENTER, bundle
from monai_fundusgen.weights.files import save_weights
from monai_fundusgen.weights.stages import stage_config


class GreenContrast(torch.nn.Module):
    """What is darker in green than its neighbourhood is an artery to the left of the middle, a vein to the right."""

    def forward(self, x):
        vessel = -6 * (x[:, 4:5] + 1.0)
        side = torch.linspace(4, -4, x.shape[-1]).expand_as(vessel)
        return torch.cat([vessel + side, vessel - side, vessel], dim=1)


class NothingThere(torch.nn.Module):
    """A network that finds nothing."""

    def forward(self, x):
        return x[:, :3] * 0 - 9


@pytest.fixture
def segmenter():
    return room.Segmenter(GreenContrast(), FieldInferer(512, autocast=None), VesselCodes(0.5), torch.device("cpu"))


@pytest.fixture(scope="module")
def eye():
    return phantom_arrays(3, 512)


@pytest.fixture
def photograph(eye, tmp_path):
    """A phantom eye, not squared: a black margin above and to the left."""
    path = tmp_path / "photographs" / "eye.png"
    path.parent.mkdir()
    pixels = np.pad(eye["image"], ((0, 0), (40, 0), (0, 25)))
    Image.fromarray(pixels.transpose(1, 2, 0)).save(path)
    return path


def read(path):
    return np.asarray(Image.open(path))


def test_results_have_the_size_and_place_of_the_photograph(segmenter, photograph, eye, tmp_path):
    (report,) = room.segment([photograph.parent], tmp_path / "out", segmenter)
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert files == [f"{folder}/eye.png" for folder in sorted(room.FOLDERS)]
    codes = read(tmp_path / "out/labels/eye.png")
    truth = np.pad(eye["vessel"][0], ((40, 0), (0, 25)))
    assert codes.shape == truth.shape and set(np.unique(codes)) <= {0, 1, 2, 3}
    found = codes > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.5
    assert (codes[:, :200] != 2).all() and (codes[:, 330:] != 1).all()
    vessel = read(tmp_path / "out/vessel/eye.png")
    assert ((vessel >= 128) == found).mean() > 0.999
    assert report["vessel"] == pytest.approx(found.sum() / eye["fov"].sum(), rel=0.02)
    assert read(tmp_path / "out/overlays/eye.png").shape == (*truth.shape, 3)


def test_the_overlay_paints_kinds_and_leaves_the_rest(segmenter):
    photograph = np.full((3, 1, 4), 100, np.uint8)
    picture = room.overlay(photograph, np.array([[0, 1, 2, 3]], np.uint8))[0].astype(int)
    assert (picture[0] == 100).all()
    assert [int(colour.argmax()) for colour in picture[1:]] == [0, 2, 1]


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


def test_bad_photographs_are_refused_before_anything_is_written(segmenter, photograph, tmp_path):
    y, x = np.mgrid[:400, :400]
    disc = ((y - 200) ** 2 + (x - 200) ** 2 < 150**2)[..., None]
    bad = {
        "black": (np.zeros((300, 300, 3), np.uint8), "no field of view"),
        "tiny": (np.full((60, 60, 3), [180, 90, 40], np.uint8), "60 px across"),
        "blue": ((disc * np.array([40, 90, 180])).astype(np.uint8), "no colour fundus photograph"),
        "sliver": (((abs(y - x) < 20)[..., None] * np.array([180, 90, 40])).astype(np.uint8), "no colour fundus"),
    }
    for name, (pixels, message) in bad.items():
        path = save(tmp_path / f"{name}.png", pixels)
        with pytest.raises(ValueError, match=message) as caught:
            room.segment([photograph, path], tmp_path / "out", segmenter)
        assert str(path) in str(caught.value)
    (tmp_path / "cut.png").write_bytes(photograph.read_bytes()[:3000])
    with pytest.raises(OSError, match=r"cut\.png: cannot be read as an image"):
        room.segment([tmp_path / "cut.png"], tmp_path / "out", segmenter)
    assert not (tmp_path / "out").exists()


def test_a_picture_without_vessels_leaves_nothing(tmp_path):
    blind = room.Segmenter(NothingThere(), FieldInferer(256, autocast=None), VesselCodes(0.5), torch.device("cpu"))
    y, x = np.mgrid[:400, :400]
    disc = ((y - 200) ** 2 + (x - 200) ** 2 < 150**2)[..., None]
    path = save(tmp_path / "plain.png", (disc * np.array([180, 90, 40])).astype(np.uint8))
    with pytest.raises(ValueError, match=r"plain\.png: 0\.0% of the field would be vessels"):
        room.segment([path], tmp_path / "out", blind)
    assert not list((tmp_path / "out").rglob("*.png"))


def test_results_are_not_written_over_unless_asked(segmenter, photograph, tmp_path):
    room.segment([photograph], tmp_path / "out", segmenter)
    with pytest.raises(FileExistsError, match="exists already; give another folder, or --overwrite"):
        room.segment([photograph], tmp_path / "out", segmenter)
    room.segment([photograph], tmp_path / "out", segmenter, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        room.segment([photograph], tmp_path / "file", segmenter)


def test_places_without_photographs_and_twins_are_refused(photograph, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no picture in this folder"):
        room.find_photographs([tmp_path / "empty"])
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        room.find_photographs([tmp_path / "nowhere.png"])
    twin = save(photograph.with_suffix(".jpg"), read(photograph))
    with pytest.raises(ValueError, match="would be named eye"):
        room.find_photographs([photograph, twin])


def console(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(["segment", *map(str, arguments)])
    return end.value.code, capsys.readouterr().err


def test_the_console_answers_a_users_error_with_code_two(photograph, tmp_path, capsys):
    code, told = console(capsys, tmp_path / "nowhere.png", "-o", tmp_path / "out")
    assert code == 2 and "nowhere.png: no such file or folder" in told
    code, told = console(capsys, photograph, "-o", tmp_path / "out", "--weights", tmp_path / "none.pt")
    assert code == 2 and "none.pt: no weights there" in told
    code, told = console(capsys, photograph, "-o", tmp_path / "out", "--field-deg", "400")
    assert code == 2 and "expected 15 to 120 degrees" in told


def test_the_shipped_network_finds_the_vessels_of_a_phantom(photograph, eye, tmp_path, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["segment", str(photograph), "-o", str(tmp_path / "out"), "-q"])
    found = read(tmp_path / "out/labels/eye.png") > 0
    truth = np.pad(eye["vessel"][0], ((40, 0), (0, 25)))
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.6
    assert capsys.readouterr().out == ""


def test_the_judge_is_another_network_of_the_same_bundle(tmp_path):
    network = stage_config(bundle(SEGMENTER), preset="judge").get_parsed_content("network_def")
    save_weights(network.state_dict(), tmp_path / "judge.pt")
    first, judge = room.load_segmenter(), room.load_segmenter(judge=True, weights=tmp_path / "judge.pt", field_deg=45)
    assert type(first.network.network) is not type(judge.network.network)
    assert judge.inferer.working_size == first.inferer.working_size * 45 / 60
    image = torch.zeros(1, 6, 64, 64)
    with torch.no_grad():
        assert first.network(image).shape == judge.network(image).shape == (1, 3, 64, 64)
    with pytest.raises(ValueError, match="weights of another network"):
        room.load_segmenter(weights=tmp_path / "judge.pt")
    with pytest.raises(FileNotFoundError, match=r"preset_tiny\.yaml: no such preset"):
        stage_config(bundle(SEGMENTER), preset="tiny")
