"""Parts of the app that need no MONAI Label."""

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np
import pytest

from monai_fundusgen.apps.label import runs, serve, weights
from monai_fundusgen.apps.label.gate import Gate
from monai_fundusgen.apps.label.order import next_image
from monai_fundusgen.apps.label.painting import PAINTED_PX, painted_photograph
from monai_fundusgen.data.label_studies import FINAL, ORIGINAL, LabelStudies
from monai_fundusgen.handlers.run_record import HISTORY
from monai_fundusgen.storage.picture_file import png_bytes


def ask(gate, headers=None, body=(b"x",)):
    """Status, headers and body of the answer to a request."""
    sent, parts = [], list(body)

    async def receive():
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    given = {"host": "127.0.0.1:8000", **(headers or {})}
    scope = {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in given.items()]}
    asyncio.run(gate(scope, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def echo(scope, receive, send):
    """A program that reads the whole body first."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_what_may_pass_passes_and_gets_headers():
    for host in ("127.0.0.1:8000", "localhost", "[::1]:8000", "127.0.0.1"):
        status, headers, body = ask(Gate(echo), {"host": host}, (b"ab", b"c"))
        assert (status, body) == (200, b"abc") and headers[b"x-content-type-options"] == b"nosniff"
    assert ask(Gate(echo), {"origin": "http://127.0.0.1:8000"})[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "elsewhere.example:8000"}, 403),
        ({"host": ""}, 403),
        ({"host": "127.0.0.1.example"}, 403),
        ({"origin": "http://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"content-length": "11"}, 413),
        ({"content-length": "many"}, 413),
    ],
)
def test_what_may_not_is_told_why(headers, status):
    found, _, body = ask(Gate(echo, max_body=10), headers)
    assert found == status and len(json.loads(body)["detail"]) > 30


def test_a_body_that_does_not_tell_its_length_is_counted():
    assert ask(Gate(echo, max_body=10), body=(b"12345", b"12345"))[0] == 200
    assert ask(Gate(echo, max_body=10), body=(b"12345", b"123456"))[0] == 413


def test_with_a_token_only_those_who_know_it_pass_under_any_name():
    gate = Gate(echo, token="secret")
    for given, status in (("Bearer secret", 200), ("bearer secret", 200), ("Bearer wrong", 401), ("", 401)):
        assert ask(gate, {"host": "eyes.example", "authorization": given})[0] == status
    assert ask(gate, {"host": "eyes.example"})[0] == 401


def entry(confidence=None, *tags):
    info = {} if confidence is None else {"confidence": confidence}
    return {"image": {"info": info}, "labels": dict.fromkeys(tags, {})}


def test_the_least_sure_comes_first_then_what_has_no_score_and_never_what_is_done():
    objects = {"a": entry(), "b": entry(0.7, ORIGINAL), "c": entry(0.2, FINAL), "d": entry(0.4), "e": entry(0.4)}
    order = []
    while (found := next_image(objects)) is not None:
        order.append(found[0])
        objects[found[0]] = entry(None, FINAL)
    assert order == ["d", "e", "b", "a"]


def test_a_request_tells_options_of_their_type_and_the_rest_is_the_servers():
    told = runs.asked({"max_epochs": 3, "device": "cpu", "output_dir": "/etc", "learning_rate": 1}, runs.TRAINING)
    assert told == {**runs.TRAINING, "max_epochs": 3, "learning_rate": 1}
    assert runs.asked({"tag": ["final", "original"]}, runs.GENERATION)["tag"] == "final"


@pytest.mark.parametrize(
    "wrong",
    [{"seed": -1}, {"seed": "0; rm"}, {"num_samples": 2.5}, {"num_samples": True}, {"num_samples": 10**9},
     {"mask_source": "folder"}, {"tag": "../x"}, {"size": None}, {"size": float("nan")}],
)  # fmt: skip
def test_an_option_that_cannot_be_is_named(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: found .* expected"):
        runs.asked(wrong, runs.GENERATION)


def test_options_come_through_yaml_as_numbers():
    import yaml

    words = runs._options({"learning_rate": 1e-5, "seed": 3})[1::2]
    assert [yaml.safe_load(word.partition("=")[2]) for word in words] == [1e-5, 3]


@pytest.fixture
def studies(tmp_path):
    """Three photographs of one colour with final labels."""
    found = LabelStudies(tmp_path / "studies")
    for place in range(3):
        found.add_image(f"eye{place}", png_bytes(np.full((8, 12, 3), 50 + place, np.uint8)), ".png", {})
        found.save_label(f"eye{place}", FINAL, np.full((8, 12), place + 1, np.uint8), {"user": "anna"})
    return found


def test_a_training_has_a_folder_for_its_labels_and_options(studies, tmp_path, monkeypatch):
    """So a kill is gone on from, and the next correction starts another one."""
    seen = []

    def trained(arguments):
        words = list(map(str, arguments))
        folder = tmp_path / words[words.index("--output") + 1]
        seen.append((folder, words))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / HISTORY).write_text('{"epoch": 1, "validation": {"dice": 0.8}}\n')
        (folder / "model.pt").write_bytes(f"weights {len(seen)}".encode())

    monkeypatch.setattr(runs, "_run", trained)
    model_dir = tmp_path / "model"
    tuning = runs.FineTuning(studies, model_dir)
    shipped = weights.served_weights(model_dir)
    record = tuning({"max_epochs": 2})
    assert record["trained_on"] == 2 and record["validation"] == {"dice": 0.8}
    assert seen[0][1][seen[0][1].index("--pretrained") + 1] == str(shipped)
    assert weights.served_weights(model_dir).read_bytes() == b"weights 1"
    (model_dir / weights.PUBLISHED).unlink()
    tuning({"max_epochs": 9})  # the same but for its length
    assert seen[1][0] == seen[0][0] and weights.published_record(model_dir)["trained_on"] == 2
    tuning({"max_epochs": 9})  # now from other weights
    studies.save_label("eye0", FINAL, np.full((8, 12), 2, np.uint8), {"user": "ben"})
    (model_dir / weights.PUBLISHED).unlink()
    tuning({"max_epochs": 9})  # on another label
    assert len({folder for folder, _ in seen}) == 3
    listed = json.loads(seen[0][0].with_suffix(".json").read_text())
    assert len(listed["training"]) == 3


def test_a_training_needs_a_label_to_train_on_and_one_to_hold_back(studies, tmp_path):
    with pytest.raises(ValueError, match="3 final labels, of which 3 would be held back; expected at least 4"):
        runs.FineTuning(studies, tmp_path / "model")({"num_validation": 3})


def test_a_task_that_fails_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(ChildProcessError, match="train x ended with 1"):
        runs._run(["train", "x"])


def test_a_generation_goes_into_the_studies_once_and_grows(tmp_path, monkeypatch, finished_set):
    """The verb is stood in for by a data set that was made before."""
    import shutil

    seen = []

    def generated(arguments):
        words = list(map(str, arguments))
        folder = words[words.index("-o") + 1]
        seen.append(words)
        shutil.copytree(finished_set, folder, dirs_exist_ok=True)

    monkeypatch.setattr(runs, "_run", generated)
    studies = LabelStudies(tmp_path / "studies")
    generation = runs.Generation(studies, tmp_path / "model")
    told = generation({"num_samples": 4})
    assert (told["added"], told["labels"]) == (4, 4)
    again = generation({"num_samples": 4})
    assert (again["added"], again["present"], again["prefix"]) == (0, 4, told["prefix"])
    assert generation({"num_samples": 4, "seed": 1})["prefix"] != told["prefix"]
    generation({"num_samples": 6})
    assert "--extend" not in seen[1] and seen[-1][-2:] == ["--extend", "6"]
    assert all(set(one["labels"]) == {ORIGINAL} for one in studies.objects().values())


def test_hvgn_keeps_vessels_and_tells_their_kinds(tmp_path, phantom):
    """With weights of no training: each vessel gets some kind, nothing else does, upright."""
    pytest.importorskip("torch_geometric")
    import torch
    import yaml
    from monai.bundle import ConfigParser

    from monai_fundusgen.apps.label.hvgn import HVGN, load_hvgn, trained_hvgn
    from monai_fundusgen.weights.bundles import bundle
    from monai_fundusgen.weights.files import save_weights
    from tests.apps.label.conftest import write_picture

    assert trained_hvgn(tmp_path) is None
    folder = tmp_path / HVGN
    (folder / "configs").mkdir(parents=True)
    config = yaml.safe_load((bundle(HVGN) / "configs" / "inference.yaml").read_text())
    config["features_def"]["width"] = 0.125
    config["weights"] = "$@bundle_root + '/model.pt'"
    (folder / "configs" / "inference.yaml").write_text(yaml.safe_dump(config))
    torch.manual_seed(0)
    parser = ConfigParser(config)
    save_weights(parser.get_parsed_content("network_def").state_dict(), folder / "model.pt")
    assert trained_hvgn(tmp_path) == folder
    photograph, codes = phantom
    found = load_hvgn(folder)(write_picture(tmp_path / "eye.png", photograph), codes > 0)
    assert found.shape == codes.shape and found.dtype == np.uint8
    assert ((found > 0) <= (codes > 0)).all() and (found > 0).sum() > 0.9 * (codes > 0).sum()


class Stripes:
    """Paints what it is given: green where an artery is, blue where a vein is."""

    def __call__(self, vessels, planned):
        (sample,) = vessels
        assert sample.label.shape == (2, PAINTED_PX, PAINTED_PX)
        picture = np.zeros((3, PAINTED_PX, PAINTED_PX), np.uint8)
        picture[0][sample.fov] = 90
        picture[1][sample.label[0]] = 255
        picture[2][sample.label[1]] = 255
        return [picture]


@pytest.mark.parametrize("shape", [(160, 240), (240, 160), (PAINTED_PX, PAINTED_PX)])
def test_what_is_painted_lies_on_its_label(shape):
    """Not square, and not of the painter's size."""
    height, width = shape
    codes = np.zeros(shape, np.uint8)
    codes[height // 4 : height // 4 + height // 30, width // 4 : width // 2] = 1
    codes[height // 2 : 3 * height // 4, 2 * width // 3 : 2 * width // 3 + width // 30] = 2
    painted = painted_photograph(Stripes(), codes).astype(float)
    assert painted.shape == (*shape, 3)
    for channel, code in ((1, 1), (2, 2)):
        found, truth = painted[..., channel] > 127, codes == code
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.8


def test_a_map_without_vessels_and_a_field_of_another_size_are_refused():
    codes = np.zeros((40, 60), np.uint8)
    with pytest.raises(ValueError, match="no artery and no vein"):
        painted_photograph(Stripes(), codes)
    codes[20, 10:50] = 1
    with pytest.raises(ValueError, match="60 x 40 px, its photograph 40 x 60"):
        painted_photograph(Stripes(), codes, np.ones((60, 40), bool))


def test_the_folder_of_the_app_is_its_own(tmp_path):
    app = serve.app_folder(tmp_path / "app")
    assert "FundusLabel" in (app / "main.py").read_text()
    (app / serve.UPLOADS / "tmpabc.png").write_bytes(b"left by a kill")
    (app / "model").mkdir()
    serve.app_folder(app)
    assert not list((app / serve.UPLOADS).iterdir())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("mine")
    with pytest.raises(FileExistsError, match=r"thesis\.tex"):
        serve.app_folder(tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.tex"]


def test_other_machines_need_a_token_and_this_one_none(tmp_path, monkeypatch):
    monkeypatch.delenv(serve.TOKEN, raising=False)
    assert serve.TOKEN not in serve.server_environment(tmp_path, "127.0.0.1")
    first, second = (serve.server_environment(tmp_path, "0.0.0.0")[serve.TOKEN] for _ in range(2))
    assert len(first) >= 32 and first != second
    monkeypatch.setenv(serve.TOKEN, "chosen")
    assert serve.server_environment(tmp_path, "0.0.0.0")[serve.TOKEN] == "chosen"


def test_without_monai_label_the_way_to_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="make label"):
        serve.serve(tmp_path / "studies", tmp_path / "app")
    assert not list(tmp_path.iterdir())
