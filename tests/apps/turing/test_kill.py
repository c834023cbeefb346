"""A server that is killed while answers come in: none is lost, none is there twice."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("uvicorn", reason="pip install 'monai-fundusgen[study]'")

from monai_fundusgen.apps.turing.answer_book import AnswerBook
from monai_fundusgen.apps.turing.build import build
from monai_fundusgen.apps.turing.study import read_study
from tests.apps.turing.conftest import CONSENT, Client, lay_out, said, serve_study, tokens


def send(client, answer, outcome):
    """Send an answer as the page does; a server that is gone leaves no outcome."""
    with contextlib.suppress(OSError):  # refused, cut off, or no answer
        outcome.append(client.ask("api/answer", answer))


def entered(server):
    """A reader who has consented."""
    client = Client(server.address)
    client.ask("api/enter", {"token": tokens(server.folder)["anna"]})
    client.ask("api/consent", CONSENT)
    return client


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_no_answer_is_lost_or_doubled(tmp_path, kills):
    build(lay_out(tmp_path, count=max(kills // 2, 2)), tmp_path / "study")
    study = read_study(tmp_path / "study")
    trials, rng = study.reader("anna").trials, np.random.default_rng(kills)
    server = serve_study(tmp_path / "study")
    client = entered(server)
    killed = set(map(int, rng.choice(len(trials), kills, replace=False)))
    for number, trial in enumerate(trials):
        answer = said(trial.id, real=bool(number % 3), confidence=1 + number % 5)
        outcome = []
        if number in killed:
            sending = threading.Thread(target=send, args=(client, answer, outcome))
            sending.start()
            time.sleep(rng.uniform(0, 0.012))
            server.kill()
            sending.join()
            server.start()
        if not outcome:  # the reader presses the button again
            send(client, answer, outcome)
        status, told = outcome[0]
        assert status in (200, 409)
        now = told["state"] if status == 409 else told
        assert now["stage"] == "done" if number == len(trials) - 1 else now["trial"] == trials[number + 1].id
    server.kill()
    (sheet,) = AnswerBook(tmp_path / "study", study).sheets()
    assert [each.answer.trial for each in sheet.answers] == [trial.id for trial in trials]
    assert [each.answer.confidence for each in sheet.answers] == [1 + n % 5 for n in range(len(trials))]


def test_a_port_that_is_taken_is_told(built):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "monai_fundusgen", "turing", "serve", str(built), "--port", port],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 2 and f"127.0.0.1:{port}" in done.stderr and "give another --port" in done.stderr
