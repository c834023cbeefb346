"""The server: what a reviewer gets, what nobody gets, what is refused, and who may save."""

import gzip
import json
import re
import struct

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason="pip install 'monai-fundusgen[study]'")
from starlette.testclient import TestClient

from monai_fundusgen.apps.review.label_codes import read_codes
from monai_fundusgen.apps.review.leases import LEASE_S, Leases
from monai_fundusgen.apps.review.reviewers import Reviewers, tokens_of
from monai_fundusgen.apps.review.server import make_app
from monai_fundusgen.apps.review.source import find_source
from monai_fundusgen.apps.review.store import ReviewStore
from tests.apps.review.conftest import lay_out, packed, turned
from tests.reference.label_drawings import cross

HERE = "http://127.0.0.1:8200"
GZIP = {"content-type": "application/gzip"}
TOKENS = {"anna": "anna's token", "ben": "ben's token"}


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def made(folder, clock=None, tokens=None):
    source = find_source(folder)
    leases = Leases(clock) if clock else Leases()
    return make_app(ReviewStore(source, source.folder), Reviewers(tokens), leases=leases)


@pytest.fixture
def app(folder, clock):
    return made(folder, clock)


class Page:
    """A page of a reviewer's browser, without a screen."""

    def __init__(self, app, name="anna", page=None, **headers):
        self.client = TestClient(app, base_url=HERE, headers=headers)
        self.page = page or f"{name}1"
        assert self.client.post("/api/enter", json={"name": name}).status_code == 200
        self.ids = [row["id"] for row in self.client.get("/api/state").json()["photographs"]]
        self.id = self.ids[0]

    def tell(self, path, **more):
        return self.client.post(f"/api/{path}", json={"photograph": self.id, "page": self.page} | more)

    def save(self, codes, base):
        body = codes if isinstance(codes, bytes) else packed(codes)
        return self.client.post(f"/api/save/{self.id}?page={self.page}&base={base}", content=body, headers=GZIP)

    def codes(self, which="current"):
        answer = self.client.get(f"/labels/{self.id}/{which}")
        assert answer.status_code == 200, answer.text
        return np.frombuffer(answer.content, np.uint8).reshape(cross().shape)


def dotted(number):
    codes = cross()
    codes[0, :number] = 1
    return codes


def test_a_label_is_reviewed_from_name_to_final(app, folder):
    client = TestClient(app, base_url=HERE)
    assert client.get("/api/state").json() == {"stage": "name"}
    page = Page(app)
    state = page.client.get("/api/state").json()
    assert [(row["name"], row["state"]) for row in state["photographs"]] == [
        ("anna_left", "untouched"), ("ben_right", "untouched"),
    ]  # fmt: skip
    told = page.tell("open").json()
    assert (told["width"], told["height"], told["revision"], told["mine"]) == (140, 90, 0, True)
    picture = page.client.get(f"/photographs/{page.id}")
    assert picture.content == (folder / "images" / "anna_left.jpg").read_bytes()
    assert picture.headers["content-type"] == "image/jpeg"
    assert np.array_equal(page.codes(), cross())
    told = page.save(turned(), 0).json()
    assert (told["revision"], told["state"], told["by"]) == (1, "in work", "anna")
    assert np.array_equal(page.codes(), turned()) and np.array_equal(page.codes("original"), cross())
    assert page.tell("final", base=1).json()["state"] == "final"
    assert np.array_equal(read_codes(folder / "review" / "anna_left.final.png"), turned())
    assert json.loads((folder / "review" / "anna_left.json").read_text())["final"]["version"]["by"] == "anna"


def test_branches_come_with_the_revision_that_they_are_of(app):
    page = Page(app)
    page.tell("open")
    counts = []
    for codes, base in ((turned(), 0), (cross(), 1)):
        page.save(codes, base)
        answer = page.client.get(f"/branches/{page.id}")
        assert answer.headers["x-revision"] == str(base + 1)
        counts.append(struct.unpack("<I", answer.content[:4])[0])
    assert counts == [4, 2]  # all vein, the two vessels meet in a junction; else each is one branch


def test_a_photograph_that_browsers_do_not_show_comes_as_png(folder):
    with Image.open(folder / "images" / "anna_left.jpg") as image:
        image.save(folder / "images" / "anna_left.tif")
        pixels = np.asarray(image)
    (folder / "images" / "anna_left.jpg").unlink()
    page = Page(made(folder))
    answer = page.client.get(f"/photographs/{page.id}")
    assert answer.headers["content-type"] == "image/png"
    import io

    assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), pixels)


# ---- two at one photograph ----------------------------------------------------------------------------------------


def test_the_second_reviewer_is_told_and_cannot_save(app):
    anna, ben = Page(app, "anna"), Page(app, "ben")
    assert anna.tell("open").json()["mine"] is True
    told = ben.tell("open").json()
    assert (told["mine"], told["holder"]) == (False, "anna")
    answer = ben.save(dotted(1), 0)
    assert answer.status_code == 409 and "anna took this photograph over" in answer.json()["error"]
    assert ben.tell("final", base=0).status_code == 409
    assert np.array_equal(anna.codes(), cross())
    rows = ben.client.get("/api/state").json()["photographs"]
    assert [row["at_work"] for row in rows] == ["anna", None]


def test_who_takes_over_saves_and_nothing_of_the_first_is_lost(app, folder):
    anna, ben = Page(app, "anna"), Page(app, "ben")
    anna.tell("open")
    anna.save(dotted(1), 0)
    told = ben.tell("open", over=True).json()
    assert (told["mine"], told["revision"]) == (True, 1)
    assert anna.tell("beat").json() | {"since": 0, "at": 0} == {
        "mine": False, "holder": "ben", "since": 0, "id": anna.id, "name": "anna_left", "state": "in work",
        "revision": 1, "by": "anna", "at": 0, "at_work": "ben",
    }  # fmt: skip
    assert ben.save(dotted(2), 1).status_code == 200
    assert anna.save(dotted(3), 1).status_code == 409
    assert anna.tell("open", over=True).json()["revision"] == 2
    assert anna.save(dotted(3), 2).status_code == 200
    kept = sorted((folder / "review" / "kept").iterdir())
    assert [int((read_codes(path)[0] > 0).sum()) for path in kept] == [1, 2]


def test_two_tabs_of_one_reviewer_are_two_pages(app):
    first, second = Page(app, "anna", "tab1"), Page(app, "anna", "tab2")
    first.tell("open")
    assert second.tell("open").json()["mine"] is False and second.save(dotted(1), 0).status_code == 409
    first.tell("release")
    assert second.tell("open").json()["mine"] is True


def test_a_page_that_falls_silent_loses_its_place_but_not_its_work(app, clock):
    anna, ben = Page(app, "anna"), Page(app, "ben")
    anna.tell("open")
    anna.save(dotted(1), 0)
    clock.now += LEASE_S - 1
    assert ben.tell("open").json()["mine"] is False
    anna.tell("beat")
    clock.now += LEASE_S - 1
    assert ben.tell("beat").json()["mine"] is False
    clock.now += 2
    assert ben.tell("open").json()["mine"] is True and np.array_equal(ben.codes(), dotted(1))


def test_a_silent_page_saves_on_where_nobody_came_between(app, clock):
    anna, ben = Page(app, "anna"), Page(app, "ben")
    anna.tell("open")
    clock.now += 10 * LEASE_S
    assert anna.save(dotted(1), 0).status_code == 200
    clock.now += 10 * LEASE_S
    ben.tell("open")
    ben.save(dotted(2), 1)
    ben.tell("release")
    answer = anna.save(dotted(3), 1)
    assert answer.status_code == 409 and "made on revision 1, but ben saved revision 2 since" in answer.json()["error"]


def test_a_new_server_takes_the_save_of_an_old_page_and_a_replayed_one_once(folder):
    page = Page(made(folder))
    page.tell("open")
    assert page.save(dotted(1), 0).json()["revision"] == 1
    again = Page(made(folder), page=page.page)
    assert again.save(dotted(1), 0).json()["revision"] == 1  # it had arrived: the answer had not
    assert again.save(dotted(2), 1).json()["revision"] == 2


# ---- who gets in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "wrong", "ä", 17, None, ["a"], "x" * 5000, "anna"])
def test_a_wrong_token_opens_nothing(folder, token):
    client = TestClient(made(folder, tokens=TOKENS), base_url=HERE)
    answer = client.post("/api/enter", json={"code": token, "name": "anna"})
    assert answer.status_code == 403 and "no reviewer here" in answer.json()["error"]
    assert "set-cookie" not in answer.headers and client.get("/api/state").json() == {"stage": "code"}


def test_a_token_is_its_owner(folder):
    client = TestClient(made(folder, tokens={"anna": "t-1", "ben": "t-2"}), base_url=HERE)
    answer = client.post("/api/enter", json={"code": "t-2"})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert client.get("/api/state").json()["reviewer"] == "ben"


def test_tokens_are_compared_whole_with_all_reviewers(monkeypatch):
    import hmac

    compared = []
    monkeypatch.setattr(
        hmac, "compare_digest", lambda *pair, kept=hmac.compare_digest: compared.append(pair) or kept(*pair)
    )
    assert Reviewers({"anna": "t-1", "ben": "t-2"}).who("t-1") == "anna"
    assert len(compared) == 2 and {len(one) for pair in compared for one in pair} == {64}


def test_tokens_stay_over_starts_and_leave_with_their_reviewer(tmp_path):
    first = tokens_of(tmp_path, ["anna", "ben"])
    second = tokens_of(tmp_path, ["ben", "carl"])
    assert (
        second["ben"] == first["ben"]
        and list(second) == ["ben", "carl"]
        and len({*first.values(), *second.values()}) == 3
    )
    assert (tmp_path / "tokens.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", " ", "a" * 61, "<b>", "a/b", "a\nb", 5, None])
def test_a_name_that_is_none_is_told(app, name):
    answer = TestClient(app, base_url=HERE).post("/api/enter", json={"name": name})
    assert answer.status_code == 403 and "Give a name" in answer.json()["error"]


PATHS = ("/photographs/{0}", "/labels/{0}/current", "/labels/{0}/original", "/branches/{0}")


def test_nothing_is_to_be_had_without_entering(app):
    known, client = Page(app).id, TestClient(app, base_url=HERE)
    for path in PATHS:
        assert client.get(path.format(known)).status_code == 401
    for path in ("open", "beat", "release", "final"):
        assert client.post(f"/api/{path}", json={"photograph": known, "page": "a"}).status_code == 401
    assert client.post(f"/api/save/{known}?page=a&base=0", content=packed(cross()), headers=GZIP).status_code == 401
    assert "photographs" not in client.get("/api/state").json()


@pytest.mark.parametrize("path", [
    "/photographs/../datalist.json", "/photographs/..%2f..%2fetc%2fpasswd", "/photographs/anna_left",
    "/photographs/%00", "/labels/anna_left.png", "/labels/x/current", "/labels/{id}/../current", "/labels/{id}/final",
    "/branches/", "/review", "/review/tokens.csv", "/assets/../server.py", "/assets/..%2fserver.py", "/docs",
    "/assets/review.html", "/assets/LICENSE.txt",
])  # fmt: skip
def test_no_path_leaves_what_is_served(app, path):
    page = Page(app)
    assert page.client.get(path.replace("{id}", page.id)).status_code == 404


@pytest.mark.parametrize("told", [{}, {"photograph": 5}, {"photograph": "../x"}, {"photograph": ["a"]}])
def test_unknown_photographs_are_told(app, told):
    answer = Page(app).client.post("/api/open", json={"page": "a"} | told)
    assert answer.status_code == 404 and "no such photograph" in answer.json()["error"]


@pytest.mark.parametrize(("told", "error"), [
    ({"page": "../x"}, "page: found '../x'"),
    ({"page": ""}, "page: found ''"),
    ({"page": "a" * 65}, "page: found"),
    ({"page": 5}, "page: found '5'"),
    ({"base": -1}, "base: found '-1', expected a revision"),
    ({"base": "x"}, "base: found 'x'"),
    ({"base": True}, "base: found 'True'"),
    ({"base": 1.5}, "base: found '1.5'"),
    ({}, "base: found 'None'"),
])  # fmt: skip
def test_impossible_requests_are_told(app, told, error):
    answer = Page(app).tell("final", **told)
    assert answer.status_code == 400 and error in answer.json()["error"]


@pytest.mark.parametrize(("body", "kind", "status", "told"), [
    (b"", "application/gzip", 400, "found 0 px"),
    (b"no gzip", "application/gzip", 400, "found no gzip"),
    (gzip.compress(bytes(500)), "application/gzip", 400, "found 500 px, expected 12600"),
    (gzip.compress(bytes(10**8)), "application/gzip", 413, "larger than"),
    (gzip.compress(bytes(10**6)), "application/gzip", 400, "found more than 12600 px"),
    (gzip.compress(b"\7" * 12600), "application/gzip", 400, "found code 7"),
    (bytes(10**7), "application/gzip", 413, "larger than"),
    (packed(cross()), "text/plain", 415, "application/gzip"),
    (packed(cross()), "multipart/form-data", 415, "application/gzip"),
])  # fmt: skip
def test_bad_and_huge_labels_are_refused_and_change_nothing(app, folder, body, kind, status, told):
    page = Page(app)
    page.tell("open")
    answer = page.client.post(
        f"/api/save/{page.id}?page={page.page}&base=0", content=body, headers={"content-type": kind}
    )
    assert answer.status_code == status and told in answer.json()["error"]
    assert np.array_equal(page.codes(), cross()) and not list((folder / "review").glob("**/*.png"))


def test_a_body_without_end_is_cut_off(app):
    page, given = Page(app), []

    def endless():
        while len(given) < 10_000:
            given.append(1)
            yield b"a" * 1024

    answer = page.client.post(f"/api/save/{page.id}?page=a&base=0", content=endless(), headers=GZIP)
    assert answer.status_code == 413


def test_other_sites_are_kept_out(app):
    page = Page(app, origin=HERE)
    page.tell("open")
    elsewhere = {"origin": "http://evil.example"}
    body = {"photograph": page.id, "page": page.page, "base": 0}
    for path in ("open", "beat", "release", "final", "enter"):
        assert page.client.post(f"/api/{path}", json=body, headers=elsewhere).status_code == 403
    answer = page.client.post(
        f"/api/save/{page.id}?page={page.page}&base=0", content=packed(turned()), headers=GZIP | elsewhere
    )
    assert answer.status_code == 403 and page.save(turned(), 0).status_code == 200
    assert page.client.get("/", headers={"host": "evil.example"}).status_code == 400


# ---- what is wrong with files -------------------------------------------------------------------------------------


def cut(path):
    path.write_bytes(path.read_bytes()[:-1500] if path.suffix == ".jpg" else path.read_bytes()[:80])


def other_size(path):
    Image.new("L" if path.suffix == ".png" else "RGB", (50, 60), 1).save(path)


@pytest.mark.parametrize(("name", "spoil", "told"), [
    ("images/anna_left.jpg", cut, "cannot be read as an image"),
    ("labels/anna_left.png", cut, "cannot be read as an image"),
    ("labels/anna_left.png", other_size, "the label is 50 x 60 px, the photograph 140 x 90; expected one size"),
    ("labels/anna_left.png", lambda path: path.unlink(), "missing"),
    ("labels/anna_left.png", lambda path: Image.new("L", (140, 90), 77).save(path), "unknown label colour (77, 77"),
])  # fmt: skip
def test_a_spoilt_file_is_told_and_the_others_go_on(app, folder, name, spoil, told):
    page = Page(app)
    spoil(folder / name)
    answer = page.tell("open")
    assert answer.status_code == 422 and told in answer.json()["error"] and "anna_left" in answer.json()["error"]
    assert str(folder) not in answer.text  # nor any other path of this machine
    page.id = page.ids[1]
    assert page.tell("open").status_code == 200


# ---- the page -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/assets/review.js", "/api/state", "/nothing", "/photographs/x"])
def test_every_answer_has_the_security_headers(app, path):
    headers = Page(app).client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"


def test_the_page_has_no_inline_script_and_loads_nothing_from_elsewhere(app):
    client = TestClient(app, base_url=HERE)
    page = client.get("/").text
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == [] and not re.search(r"\son\w+=|javascript:|\bstyle=", page)
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert name.startswith("assets/")
        text = client.get(f"/{name}").text
        if "openseadragon" in name:
            continue  # a library; what it loads is watched in the browser
        assert text and not re.search(r"https?://|innerHTML|insertAdjacentHTML|document\.write|\beval\b", text), name


def test_the_viewer_comes_with_its_licence():
    from importlib.resources import files

    folder = files("monai_fundusgen.apps.review") / "static" / "openseadragon"
    licence = (folder / "LICENSE.txt").read_text()
    assert "Redistribution and use in source and binary forms" in licence and "OpenSeadragon contributors" in licence
    assert (folder / "openseadragon.min.js").read_text().startswith("//! openseadragon 6.1.1")


def test_many_photographs_are_listed_at_once(tmp_path):
    folder = lay_out(tmp_path / "many", ["one"])
    for number in range(300):
        for kind, ending in (("images", "jpg"), ("labels", "png")):
            (folder / kind / f"eye{number}.{ending}").write_bytes(b"not read before it is opened")
    assert len(Page(made(folder)).ids) == 301
