"""MONAI Label 0.8.5 with the app of this package, asked by MONAI Label's own client: ``make test-label``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.conventions import SYNTHETIC_ON_GIVEN_MAP
from monai_fundusgen.data.label_studies import FINAL, ORIGINAL, LabelStudies, read_codes
from monai_fundusgen.weights.bundles import SEGMENTER, bundle
from tests.apps.label.conftest import pixels_of, running, serve_command, write_picture
from tests.processes import free_port

pytestmark = pytest.mark.label

TINY = {
    "max_epochs": 1, "iterations_per_epoch": 2, "image_size": 256, "source_size": 256, "window_size": 128,
    "num_validation": 1,
}  # fmt: skip
#: Samples that take seconds each, so that a kill falls into the middle.
FOUR = {"num_samples": 4, "seed": 7, "size": 1024, "photograph_source": "phantom"}
FAST = {"mirrors": 1}
LONG_S = 420


@pytest.fixture(scope="module")
def world(tmp_path_factory, phantom):
    """The server, its client, its folders, and a phantom photograph in the studies in three kinds of file."""
    from monailabel.client import MONAILabelClient

    root = tmp_path_factory.mktemp("label")
    photograph, codes = phantom
    (root / "studies").mkdir()
    for name in ("eye.png", "eye_tif.tif"):
        write_picture(root / "studies" / name, photograph)
    Image.fromarray(photograph).save(root / "studies" / "eye_jpg.jpg", quality=95)
    write_picture(root / "truth.png", codes)
    (root / "answers").mkdir()
    port = free_port()
    with running(serve_command("studies", "app", port), root, port) as url:
        client = MONAILabelClient(url, str(root / "answers"))
        yield SimpleNamespace(root=root, url=url, client=client, studies=LabelStudies(root / "studies"), truth=codes)


def dice(found, truth):
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


def refusal(call):
    with pytest.raises(Exception) as told:
        call()
    return told.value.msg


def finished(client, limit_s=LONG_S):
    """Status of the task at hand once it runs no more."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        status = client.train_status()
        if status["status"] not in ("SUBMITTED", "RUNNING"):
            return status
        time.sleep(1)
    raise AssertionError(f"still running after {limit_s} s: {status}")


def test_it_tells_models_tasks_names_and_colours(world):
    info = world.client.info()
    assert info["labels"] == {"artery": 1, "vein": 2, "crossing": 3}
    assert set(info["models"]) == {"artery_vein", "vessel", "synthesize"}
    assert set(info["trainers"]) == {"fine_tune", "generate"} and set(info["strategies"]) == {"lowest_confidence"}
    assert set(info["scoring"]) == {"confidence", "corrections"}
    colours = info["models"]["artery_vein"]["config"]["label_colors"]
    assert set(colours) == set(info["labels"]) and len({tuple(colour) for colour in colours.values()}) == 3


def test_the_datastore_lists_photographs_of_three_kinds_of_file(world):
    objects = world.client.datastore()["objects"]
    assert {name: one["image"]["ext"] for name, one in objects.items()} == {
        "eye": ".png", "eye_tif": ".tif", "eye_jpg": ".jpg"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["eye", "eye_tif", "eye_jpg"])
def test_arteries_and_veins_come_in_the_size_of_the_photograph_and_upright(world, name):
    file, told = world.client.infer("artery_vein", name, {} if name == "eye" else FAST)
    found = pixels_of(file)
    assert file.endswith(".png") and found.dtype == np.uint8 and found.shape == world.truth.shape
    assert set(np.unique(found)) <= {0, 1, 2, 3} and 0 < told["confidence"] < 1
    upright = dice(found > 0, world.truth > 0)
    turned = [dice(other > 0, world.truth > 0) for other in (found[::-1], found[:, ::-1], found[::-1, ::-1])]
    assert upright > 0.55 and upright > max(turned) + 0.3
    for bit in (1, 2):
        assert dice((found & bit) > 0, (world.truth & bit) > 0) > dice((found & bit) > 0, (world.truth & (3 - bit)) > 0)


@pytest.mark.data
def test_a_test_photograph_of_hrf(world, hrf_av):
    name = sorted((hrf_av / "images").iterdir())[-1].name
    stem = name.partition(".")[0]
    world.client.upload_image(str(hrf_av / "images" / name), stem, {})
    found = pixels_of(world.client.infer("artery_vein", stem, FAST)[0])
    (path,) = (hrf_av / "av").glob(f"{stem}*")
    truth = read_codes(path)
    assert found.shape == truth.shape and found.shape[0] != found.shape[1]
    assert dice(found > 0, truth > 0) > 0.7
    for bit in (1, 2):
        assert dice((found & bit) > 0, (truth & bit) > 0) > 0.5
    urllib.request.urlopen(urllib.request.Request(f"{world.url}/datastore/image?id={stem}", method="DELETE"))


def test_hvgn_is_offered_only_where_it_has_weights(world):
    message = refusal(lambda: world.client.infer("artery_vein_hvgn", "eye", {}))
    assert "no weights of it are shipped" in message and "fundusgen train fundus_av_hvgn" in message


def test_vessels_alone_are_zero_and_one(world):
    found = pixels_of(world.client.infer("vessel", "eye", FAST)[0])
    assert set(np.unique(found)) == {0, 1} and dice(found > 0, world.truth > 0) > 0.55


def test_a_photograph_is_painted_on_an_uploaded_label_map(world):
    file, told = world.client.infer("synthesize", "", {"seed": 5}, file=str(world.root / "truth.png"))
    picture = Image.open(file)
    pixels = np.asarray(picture).astype(float)
    assert picture.mode == "RGB" and pixels.shape[:2] == world.truth.shape
    assert told["label"] == "uploaded" and picture.info["Description"] == SYNTHETIC_ON_GIVEN_MAP
    field = pixels.sum(axis=2) > 60
    vessel = (world.truth > 0) & field
    turned = vessel[:, ::-1] & field & ~vessel
    assert pixels[vessel, 1].mean() < 0.95 * pixels[turned, 1].mean()  # vessels are dark where the label has them


def test_a_saved_label_keeps_what_was_there_and_who_saved_it(world):
    client = world.client
    client.save_label("eye", str(world.root / "truth.png"), ORIGINAL, {"user": "network"})
    corrected = np.where(world.truth == 1, 2, world.truth).astype(np.uint8)
    write_picture(world.root / "corrected.png", corrected)
    client.save_label("eye", str(world.root / "truth.png"), FINAL, {"user": "anna"})
    client.save_label("eye", str(world.root / "corrected.png"), FINAL, {"user": "ben"})
    info = client.datastore()["objects"]["eye"]["labels"][FINAL]["info"]
    assert (info["user"], info["version"], info["history"][0]["user"]) == ("ben", 2, "anna")
    assert (pixels_of(client.download_label("eye", FINAL)) == corrected).all()
    assert (read_codes(world.studies.versions("eye", FINAL)[0]) == world.truth).all()
    assert (read_codes(world.studies.label_file("eye", ORIGINAL)) == world.truth).all()


@pytest.mark.parametrize("path", ["/etc/hostname", "../truth.png", "main.py"])
def test_no_file_but_those_of_the_studies_is_read(world, path):
    for call in (
        lambda: world.client.infer("artery_vein", path, {}),
        lambda: world.client.infer("artery_vein", "eye", {"image": path}),
        lambda: world.client.infer("synthesize", "eye", {"label": path}),
    ):
        assert "expected the id of one of the studies" in refusal(call)


def test_names_that_lead_out_of_the_studies_are_refused_and_nothing_is_written(world):
    before = sorted(world.root.rglob("*.png"))
    picture = str(world.root / "truth.png")
    assert "letters, digits" in refusal(lambda: world.client.upload_image(picture, "../evil", {}))
    assert "letters, digits" in refusal(lambda: world.client.save_label("eye", picture, "../../evil", {}))
    assert "no such photograph" in refusal(lambda: world.client.save_label("nobody", picture, FINAL, {}))
    assert [path for path in sorted(world.root.rglob("*.png")) if "uploads" not in path.parts] == [
        path for path in before if "uploads" not in path.parts
    ]


def test_what_is_no_label_or_no_photograph_is_told_so(world):
    (world.root / "text.png").write_text("no picture")
    write_picture(world.root / "turned.png", world.truth.T.copy())
    write_picture(world.root / "grey.png", np.full(world.truth.shape, 77, np.uint8))
    for name, told in (("text", "cannot be read"), ("turned", "its photograph has"), ("grey", "unknown label colour")):
        message = refusal(lambda name=name: world.client.save_label("eye", str(world.root / f"{name}.png"), FINAL, {}))
        assert told in message and str(world.root) not in message.replace("the upload", ""), message
    picture = str(world.root / "truth.png")
    assert "no field of view" in refusal(lambda: world.client.infer("artery_vein", "", {}, file=picture))
    assert "expected a number" in refusal(lambda: world.client.infer("artery_vein", "eye", {"field_deg": "wide"}))


def test_pages_of_other_sites_and_too_much_are_refused(world):
    def status(headers, data=None):
        request = urllib.request.Request(f"{world.url}/info/", headers=headers, data=data)
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(request)
        return error.value.code

    assert status({"Origin": "http://elsewhere.example"}) == 403
    assert status({"Host": "elsewhere.example"}) == 403
    assert status({"Content-Length": str(2**40)}, data=b"x") == 413
    with urllib.request.urlopen(f"{world.url}/info/") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_weights_cannot_be_sent_over_the_network(world):
    boundary = b"--x\r\nContent-Disposition: form-data; name=file; filename=m.pt\r\n\r\nweights\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{world.url}/model/artery_vein", method="PUT", headers=headers, data=boundary)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request)
    assert not list((world.root / "app" / "model").rglob("*.pt"))


def test_a_generation_killed_in_the_middle_goes_on(world):
    client, generated = world.client, world.root / "app" / "model" / "generated"
    client.train_start("generate", FOUR)
    end = time.monotonic() + LONG_S
    while not list(generated.glob("*/images/*.png")) and time.monotonic() < end:
        time.sleep(0.05)
    assert client.train_stop()["status"] == "STOPPED"
    made = {path.name: path.read_bytes() for path in generated.glob("*/images/*.png")}
    assert 0 < len(made) < 4 and not [name for name in client.datastore()["objects"] if name.startswith("syn")]
    client.train_start("generate", FOUR)
    assert finished(client)["status"] == "DONE"
    for path in generated.glob("*/images/*.png"):
        assert made.get(path.name, path.read_bytes()) == path.read_bytes()
    objects = client.datastore()["objects"]
    found = sorted(name for name in objects if name.startswith("syn"))
    assert len(found) == 4 and [name.partition("_")[2] for name in found] == [f"eye{place:06d}" for place in range(4)]
    for name in found:
        assert set(objects[name]["labels"]) == {ORIGINAL} and objects[name]["image"]["info"]["datalist"]
        label = read_codes(world.studies.label_file(name, ORIGINAL))
        assert label.shape == (1024, 1024) and {1, 2} <= set(np.unique(label))


def test_the_network_learns_on_final_labels_and_serves(world):
    client = world.client
    for name in ("eye", "eye_tif", "eye_jpg"):
        client.save_label(name, str(world.root / "truth.png"), FINAL, {"user": "anna"})
    before = pixels_of(client.infer("artery_vein", "eye", FAST)[0])
    client.train_start("fine_tune", TINY)
    status = finished(client)
    assert status["status"] == "DONE", "\n".join(status["details"])
    record = client.info()["train_stats"]["fine_tune"]
    assert (record["trained_on"], record["held_back"]) == (2, 1)
    after = pixels_of(client.infer("artery_vein", "eye", FAST)[0])
    assert after.shape == before.shape and (world.root / "app" / "model" / "fundus_av_unet.pt").is_file()


def test_an_impossible_option_ends_the_task_with_its_message(world):
    world.client.train_start("generate", {**FOUR, "num_samples": "many"})
    status = finished(world.client)
    assert status["status"] == "ERROR" and any("num_samples" in line for line in status["details"])


def test_the_least_sure_photograph_comes_first(world):
    client = world.client
    waiting = sorted(name for name, one in client.datastore()["objects"].items() if FINAL not in one["labels"])
    assert client.next_sample("lowest_confidence", {})["id"] == waiting[0]  # none has a score: by name
    for place, name in enumerate(waiting):
        world.studies.update_info(name, {"confidence": 0.9 - 0.1 * place})
    told = client.next_sample("lowest_confidence", {})
    assert told["id"] == waiting[-1] and told["confidence"] == pytest.approx(0.9 - 0.1 * (len(waiting) - 1))


def test_scoring_writes_confidences_and_corrections(world):
    for tag in (ORIGINAL, FINAL):
        world.client.save_label("eye", str(world.root / "truth.png"), tag, {"user": "anna"})
    world.client.upload_image(str(world.root / "studies" / "eye.png"), "waiting", {})
    for method, told in (("corrections", "eye"), ("confidence", "scored")):
        request = urllib.request.Request(f"{world.url}/scoring/{method}?run_sync=true", data=b"{}", method="POST")
        request.add_header("Content-Type", "application/json")
        answer = json.load(urllib.request.urlopen(request, timeout=LONG_S))
        assert told in json.dumps(answer)
    objects = world.client.datastore()["objects"]
    assert objects["eye"]["labels"][FINAL]["info"]["changes"]["changed_kind_px"] == 0
    waiting = [one for one in objects.values() if FINAL not in one["labels"]]
    assert waiting and all(0 < one["image"]["info"]["confidence"] < 1 for one in waiting)


def test_the_studies_become_a_datalist(world):
    for name in ("eye", "eye_tif", "eye_jpg"):
        world.client.save_label(name, str(world.root / "truth.png"), FINAL, {"user": "anna"})
    version = world.client.datastore()["objects"]["eye"]["labels"][FINAL]["info"]["version"]
    output = world.root / "back.json"
    command = [sys.executable, "-m", "monai_fundusgen", "label", "import", str(world.studies.root), "-o", str(output)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "3 final labels" in told and f"eye: version {version} by anna" in told
    assert len(json.loads(output.read_text())["training"]) == 3


def test_the_stock_bundle_app_serves_the_bundle_as_it_is(tmp_path, phantom):
    from monailabel.client import MONAILabelClient

    photograph, truth = phantom
    apps, name = tmp_path / "apps", f"{SEGMENTER}_segmentation"
    command = [sys.executable, "-m", "monailabel.main", "apps", "--download", "--name", "monaibundle", "--output", apps]
    subprocess.run(command, check=True, capture_output=True)
    shutil.copytree(bundle(SEGMENTER), apps / "monaibundle" / "model" / name)
    (tmp_path / "studies").mkdir()
    write_picture(tmp_path / "studies" / "eye.png", photograph)
    port = free_port()
    start = [
        sys.executable, "-m", "monailabel.main", "start_server", "--app", "apps/monaibundle", "--studies", "studies",
        "--host", "127.0.0.1", "--port", str(port), "--conf", "models", name, "--conf", "zoo_source", "local",
        "--conf", "sam2", "false",
    ]  # fmt: skip
    with running(start, tmp_path, port) as url:
        client = MONAILabelClient(url, str(tmp_path))
        assert name in client.info()["models"]
        found = pixels_of(client.infer(name, "eye", {"device": "cpu"})[0])
    assert found.shape == truth.shape and set(np.unique(found)) <= {0, 1, 2, 3}
    assert dice(found > 0, truth > 0) > 0.55
