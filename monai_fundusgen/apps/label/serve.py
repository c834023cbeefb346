"""Start MONAI Label with this package's app on a studies folder."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from monai_fundusgen.apps.web.hosts import LOOPBACK
from monai_fundusgen.data.label_studies import ENDINGS, LabelStudies
from monai_fundusgen.storage.whole_file import write_whole

#: Variable that hands the token to the server.
TOKEN: Final = "FUNDUSGEN_LABEL_TOKEN"
#: Folder of the app's own files: what people upload while a request lasts.
UPLOADS: Final = "uploads"

_MAIN: Final = Path(__file__).with_name("main.py")
_OWN: Final = ("main.py", "model", "lib", "logs", "bin", UPLOADS, "__pycache__")


def app_folder(path: str | Path) -> Path:
    """The folder that MONAI Label is told as ``--app``: it writes its logs and this app its weights there.

    Args:
        path: missing, empty, or made by this function.

    Raises:
        NotADirectoryError: a file.
        FileExistsError: the folder holds something else.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path}: found a file, expected a folder for the app; choose another name")
    foreign = sorted(one.name for one in path.iterdir() if one.name not in _OWN) if path.is_dir() else []
    if foreign:
        raise FileExistsError(f"{path}: holds {foreign[0]}, which is none of the app's; give a folder of its own")
    write_whole(path / "main.py", _MAIN.read_bytes())
    uploads = path / UPLOADS
    uploads.mkdir(exist_ok=True)
    for left in uploads.iterdir():  # of a server that was killed
        if left.is_file():
            left.unlink()
    return path.absolute()


def server_environment(app: Path, host: str) -> dict[str, str]:
    """Variables of the server: what it reads, where uploads lie, who may call.

    Args:
        app: folder of `app_folder`.
        host: address that it listens at; a token is made for any but this machine itself.
    """
    endings = ", ".join(f'"*{ending}"' for ending in ENDINGS)
    told = {
        "MONAI_LABEL_DATASTORE_FILE_EXT": f"[{endings}]",
        "MONAI_LABEL_TRACKING_ENABLED": "false",
        "TMPDIR": str(app / UPLOADS),
        "PYTHONUNBUFFERED": "1",
    }
    if host not in LOOPBACK:
        told[TOKEN] = os.environ.get(TOKEN) or secrets.token_urlsafe(24)
    return told


def server_command(studies: str | Path, app: Path, host: str, port: int) -> list[str]:
    """The command line of the server, in this interpreter.

    Raises:
        ImportError: MONAI Label is not installed beside this package.
        ValueError: a port that cannot be.
    """
    if find_spec("monailabel") is None:
        raise ImportError(
            "monailabel: not installed in this environment, whose NumPy and pydicom it would take back to older ones; "
            "`make label` in a clone, or monai_fundusgen/apps/label/install.sh, makes an environment for it"
        )
    if not 0 < port < 2**16:
        raise ValueError(f"port: found {port}, expected 1 to 65535")
    LabelStudies(studies).reconcile()
    return [
        sys.executable, "-m", "monailabel.main", "start_server", "--app", str(app), "--studies", str(studies),
        "--host", host, "--port", str(port), "--uvicorn_app", "monai_fundusgen.apps.label.asgi:app",
    ]  # fmt: skip


def serve(
    studies: str | Path,
    app: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    told: Callable[[str | None], None] = lambda token: None,
) -> None:
    """Become the server, until it is ended.

    Args:
        studies: studies folder; made where it is missing.
        app: see `app_folder`.
        host, port: where it listens.
        told: called with the token that callers need, None where they need none.

    Raises:
        ImportError, OSError, ValueError: as `server_command`, `app_folder` and the studies.
    """
    command = server_command(Path(studies).absolute(), Path(app).absolute(), host, port)
    folder = app_folder(app)
    environment = server_environment(folder, host)
    told(environment.get(TOKEN))
    os.chdir(folder)  # MONAI Label would read a file .env of whatever folder it is started in
    os.execve(sys.executable, command, {**os.environ, **environment})
