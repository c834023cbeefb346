"""The server: what a reader gets, what nobody gets, and what is refused."""

import json
import re

import numpy as np
import pytest

pytest.importorskip("starlette", reason="pip install 'monai-fundusgen[study]'")
from starlette.testclient import TestClient

from monai_fundusgen.apps.turing.answer_book import AnswerBook
from monai_fundusgen.apps.turing.leak_check import leak_check, measured
from monai_fundusgen.apps.turing.server import make_app
from monai_fundusgen.apps.turing.study import PICTURES
from tests.apps.turing.conftest import CONSENT, said, tokens

HERE = "http://127.0.0.1:8100"


@pytest.fixture
def app(study_folder):
    return make_app(study_folder)


def browser(app, folder=None, reader=None, **headers):
    """A browser; with a reader's name, one that has entered and consented."""
    client = TestClient(app, base_url=HERE, headers=headers)
    if reader:
        assert client.post("/api/enter", json={"token": tokens(folder)[reader]}).status_code == 200
        client.post("/api/consent", json=CONSENT)
    return client


def test_a_reader_comes_through_from_the_code_to_the_end(app, study_folder, study):
    client = browser(app)
    assert client.get("/api/state").json() == {"title": "Real or not", "stage": "code"}
    state = client.post("/api/enter", json={"token": tokens(study_folder)["ben"]}).json()
    assert (state["stage"], state["pictures"], state["practice"]) == ("consent", 6, 2)
    assert state["share"] == {"real": 3, "all": 6}
    state = client.post("/api/consent", json=CONSENT).json()
    seen = []
    while state["stage"] != "done":
        seen.append((state["stage"], state["number"], state["of"]))
        assert client.get(f"/pictures/{state['trial']}").headers["content-type"] == "image/png"
        state = client.post("/api/answer", json=said(state["trial"], mark=[0, 0, 0.5, 1], reasons=["disc"])).json()
    assert seen == [("practice", n, 2) for n in (1, 2)] + [("reading", n, 6) for n in range(1, 7)]
    book = AnswerBook(study_folder, study)
    (sheet,) = book.sheets()
    assert (sheet.reader, sheet.consent.role, sheet.consent.years) == ("ben", "resident", 3)
    assert [each.answer.trial for each in sheet.answers] == [trial.id for trial in study.reader("ben").trials]
    assert all(each.times_shown == 1 and each.answer.mark == (0, 0, 0.5, 1) for each in sheet.answers)


@pytest.mark.parametrize("token", ["", "wrong", "ä", 17, None, ["a"], "x" * 5000])
def test_a_wrong_token_opens_nothing(app, token):
    client = browser(app)
    answer = client.post("/api/enter", json={"token": token})
    assert answer.status_code == 403 and "no reader of this study" in answer.json()["error"]
    assert "set-cookie" not in answer.headers and client.get("/api/state").json()["stage"] == "code"


def test_nothing_is_to_be_had_without_a_token(app, study):
    client = browser(app)
    trial = study.readers[0].trials[0].id
    assert client.post("/api/answer", json=said(trial)).status_code == 401
    assert client.post("/api/consent", json=CONSENT).status_code == 401
    assert client.get(f"/pictures/{trial}").status_code == 401
    client.cookies.set("fundusgen_reader", "guessed")
    assert client.get(f"/pictures/{trial}").status_code == 401


def test_every_token_is_compared_whole_and_with_all_readers(study, study_folder, monkeypatch):
    import hmac

    from monai_fundusgen.apps.web import tokens as room

    compared = []
    monkeypatch.setattr(
        room.hmac, "compare_digest", lambda *pair, kept=hmac.compare_digest: compared.append(pair) or kept(*pair)
    )
    assert study.reader_of(tokens(study_folder)["anna"]).name == "anna"
    assert len(compared) == len(study.readers) and {len(one) for pair in compared for one in pair} == {64}


def test_the_cookie_is_for_this_server_alone(app, study_folder):
    answer = browser(app).post("/api/enter", json={"token": tokens(study_folder)["anna"]})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie


def test_only_the_current_picture_of_the_reader_is_served(app, study_folder, study):
    anna, ben = (browser(app, study_folder, name) for name in ("anna", "ben"))
    own, other = (study.reader(name).trials for name in ("anna", "ben"))
    assert anna.get(f"/pictures/{own[0].id}").status_code == 200
    for wrong in (own[1].id, own[-1].id, other[0].id, own[0].picture, "0" * 24):
        assert anna.get(f"/pictures/{wrong}").status_code == 404
    anna.post("/api/answer", json=said(own[0].id))
    assert anna.get(f"/pictures/{own[0].id}").status_code == 404  # no way back
    assert ben.get("/api/state").json()["trial"] == other[0].id


def test_no_picture_before_consent(app, study_folder, study):
    client = browser(app)
    client.post("/api/enter", json={"token": tokens(study_folder)["anna"]})
    trial = study.reader("anna").trials[0].id
    assert client.get(f"/pictures/{trial}").status_code == 404
    assert client.post("/api/answer", json=said(trial)).status_code == 409


@pytest.mark.parametrize("path", [
    "/pictures/../study.json", "/pictures/..%2fstudy.json", "/pictures/%2e%2e%2fstudy.json", "/study.json",
    "/assets/../study.json", "/assets/..%2f..%2fstudy.json", "/assets/report.html", "/tokens.csv", "/answers.sqlite",
    "/pictures/%00", "/pictures/", "/assets/", "/api/answers", "/docs",
])  # fmt: skip
def test_no_path_leaves_what_is_served(app, study_folder, path):
    answer = browser(app, study_folder, "anna").get(path)
    assert answer.status_code == 404 and b"trials" not in answer.content


def test_a_replayed_answer_changes_nothing(app, study_folder, study):
    client = browser(app, study_folder, "anna")
    first, second = study.reader("anna").trials[:2]
    assert client.post("/api/answer", json=said(first.id, real=True)).status_code == 200
    for _ in range(3):
        answer = client.post("/api/answer", json=said(first.id, real=False))
        assert answer.status_code == 409 and "answered before" in answer.json()["error"]
        assert answer.json()["state"]["trial"] == second.id
    (sheet,) = AnswerBook(study_folder, study).sheets()
    assert [(each.answer.trial, each.answer.real) for each in sheet.answers] == [(first.id, True)]


def test_an_answer_ahead_or_for_another_reader_changes_nothing(app, study_folder, study):
    client = browser(app, study_folder, "anna")
    for trial in (study.reader("anna").trials[1].id, study.reader("ben").trials[0].id, "nonsense"):
        assert client.post("/api/answer", json=said(trial)).status_code == 409
    assert AnswerBook(study_folder, study).sheets()[0].answers == ()


def test_what_was_told_first_stays(app, study_folder, study):
    client = browser(app, study_folder, "anna")
    client.post("/api/consent", json={"agreed": True, "role": "other", "years": 50})
    assert AnswerBook(study_folder, study).sheets()[0].consent.role == "resident"


@pytest.mark.parametrize(("change", "told"), [
    ({"real": "yes"}, "real: found 'yes', expected true or false"),
    ({"real": None}, "real: found None"),
    ({"confidence": 0}, "confidence: found 0, expected a whole number, 1 to 5"),
    ({"confidence": 6}, "confidence: found 6"),
    ({"confidence": True}, "confidence: found True"),
    ({"confidence": 2.5}, "confidence: found 2.5"),
    ({"trial": 5}, "trial: found 5, expected the id of a picture"),
    ({"reasons": "disc"}, "reasons: found 'disc'"),
    ({"reasons": ["nose"]}, "reasons: found ['nose'], expected a list of some of vessels"),
    ({"mark": [0, 0, 1]}, "mark: found [0, 0, 1], expected left, top, right and bottom"),
    ({"mark": [0, 0, 2, 1]}, "mark: found [0, 0, 2, 1]"),
    ({"mark": [0, 0, 1, 10**400]}, "mark: found [0, 0, 1, 1000"),
    ({"response_ms": 10**400}, "response_ms: found 1000"),
    ({"mark": [0.5, 0, 0.5, 1]}, "expected left below right"),
    ({"response_ms": -1}, "response_ms: found -1"),
    ({"response_ms": 1e300}, "response_ms: found 1e+300"),
])  # fmt: skip
def test_impossible_answers_are_told(app, study_folder, study, change, told):
    client = browser(app, study_folder, "anna")
    answer = client.post("/api/answer", json=said(study.reader("anna").trials[0].id) | change)
    assert answer.status_code == 400 and told in answer.json()["error"]
    assert AnswerBook(study_folder, study).sheets()[0].answers == ()


@pytest.mark.parametrize(
    "consent", [{}, CONSENT | {"agreed": False}, CONSENT | {"role": "king"}, CONSENT | {"years": 99}]
)
def test_impossible_consents_are_told(app, study_folder, consent):
    client = browser(app)
    client.post("/api/enter", json={"token": tokens(study_folder)["anna"]})
    answer = client.post("/api/consent", json=consent)
    assert answer.status_code == 400 and "found" in answer.json()["error"] and "expected" in answer.json()["error"]


@pytest.mark.parametrize(("content", "kind", "status"), [
    (b"x" * 20_000, "application/json", 413),
    (b"x" * 5_000_000, "application/json", 413),
    (b"{", "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b"[" * 9000, "application/json", 400),
    (b"[1]", "application/json", 400),
    (b'{"token": "a"}', "text/plain", 415),
    (b"token=a", "application/x-www-form-urlencoded", 415),
])  # fmt: skip
def test_bad_and_huge_requests_are_refused(app, content, kind, status):
    answer = browser(app).post("/api/enter", content=content, headers={"content-type": kind})
    assert answer.status_code == status and answer.json()["error"]


def test_a_body_without_end_is_cut_off(app):
    """No length is announced, so that the size counts as it comes."""
    given = []

    def endless():
        while len(given) < 10_000:
            given.append(1)
            yield b"a" * 1024

    answer = browser(app).post("/api/enter", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_other_sites_are_kept_out(app, study_folder):
    token = {"token": tokens(study_folder)["anna"]}
    assert browser(app, origin="http://evil.example").post("/api/enter", json=token).status_code == 403
    assert browser(app, origin="http://[").post("/api/enter", json=token).status_code == 403
    assert browser(app, origin=HERE).post("/api/enter", json=token).status_code == 200
    assert browser(app, host="evil.example").get("/").status_code == 400  # a name that points here
    assert browser(app, host="localhost:8100").get("/").status_code == 200
    assert browser(app, host="[::1]:8100").get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/assets/reading.js", "/api/state", "/nothing", "/pictures/x"])
def test_every_answer_has_the_security_headers(app, path):
    headers = browser(app).get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer" and headers["x-frame-options"] == "DENY"


def test_the_page_has_no_inline_script_and_loads_nothing_from_elsewhere(app):
    client = browser(app)
    page = client.get("/").text
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == [] and not re.search(r"\son\w+=|javascript:|style=", page)
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert name.startswith("assets/")
        text = client.get(f"/{name}").text
        assert text and not re.search(r"https?://|innerHTML|insertAdjacentHTML|document\.write|\beval\b", text), name


def everything_a_browser_gets(client, study, reader):
    """All texts and headers of a whole session."""
    texts = [client.get(path).text for path in ("/", "/assets/reading.js", "/assets/store.js", "/assets/viewer.js")]
    for trial in study.reader(reader).trials:
        state = client.get("/api/state")
        picture = client.get(f"/pictures/{trial.id}")
        answer = client.post("/api/answer", json=said(trial.id))
        texts += [state.text, answer.text, str(state.headers), str(picture.headers), str(answer.headers)]
    return texts


def test_neither_arm_nor_file_name_nor_another_reader_reaches_a_browser(app, study_folder, study):
    browser(app, study_folder, "ben")  # has told role and experience
    texts = everything_a_browser_gets(browser(app, study_folder, "anna"), study, "anna")
    secret = [*study.arms, *study.pictures, "ben", study.id]
    secret += [picture.source.rsplit("/", 1)[1] for picture in study.pictures.values()]
    for text in texts:
        assert not [word for word in secret if word in text]


def test_the_served_pictures_and_their_headers_do_not_tell_the_arms(app, study_folder, study):
    client, traces, headers, arms = browser(app, study_folder, "anna"), [], [], []
    for trial in study.reader("anna").trials:
        answer = client.get(f"/pictures/{trial.id}")
        traces.append(measured(answer.content))
        headers.append(dict(answer.headers))
        arms.append(study.pictures[trial.picture].arm)
        client.post("/api/answer", json=said(trial.id))
    assert all(each == headers[0] for each in headers)
    for finding in leak_check(traces, arms, np.random.default_rng(0)):
        if finding.hidden:
            assert finding.leak.p_value == 1 and finding.leak.accuracy == pytest.approx(finding.leak.chance), finding


def test_a_picture_that_is_gone_is_told_without_its_name(app, study_folder, study):
    client = browser(app, study_folder, "anna")
    trial = study.reader("anna").trials[0]
    (study_folder / PICTURES / f"{trial.picture}.png").unlink()
    answer = client.get(f"/pictures/{trial.id}")
    assert answer.status_code == 500 and "tell the one who runs the study" in answer.json()["error"]
    assert trial.picture not in answer.text
    (study_folder / PICTURES / f"{trial.picture}.png").symlink_to(study_folder / "study.json")
    assert client.get(f"/pictures/{trial.id}").status_code == 500


def test_reloads_are_counted(app, study_folder, study):
    client = browser(app, study_folder, "anna")
    trial = study.reader("anna").trials[0]
    for _ in range(3):
        client.get(f"/pictures/{trial.id}")
    client.post("/api/answer", json=said(trial.id))
    assert AnswerBook(study_folder, study).sheets()[0].answers[0].times_shown == 3


def test_answers_of_another_study_and_damaged_ones_are_refused(built, study_folder, study):
    AnswerBook(study_folder, study).close()
    key = json.loads((study_folder / "study.json").read_text()) | {"id": "f" * 24}
    (study_folder / "study.json").write_text(json.dumps(key))
    with pytest.raises(ValueError, match=r"answers\.sqlite: found the answers of another study"):
        make_app(study_folder)
    (study_folder / "answers.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(ValueError, match=r"answers\.sqlite: found .*not a database.*restore it"):
        make_app(study_folder)
