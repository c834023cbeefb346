"""A verb that serves pages, in a process of its own."""

import signal
import subprocess
import sys

from tests.processes import free_port


class Served:
    """``fundusgen VERB ... --port`` at a free port of 127.0.0.1.

    Args:
        folder: what it serves.
        verb: words before the folder.
        options: words behind it.
    """

    def __init__(self, folder, verb, options=()):
        self.folder, self.port = folder, free_port()
        self.command = [sys.executable, "-m", "monai_fundusgen", *verb, str(folder), *options, "--port", str(self.port)]
        self.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        assert "http://127.0.0.1" in self.process.stdout.readline()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
