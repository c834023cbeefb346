"""Serve an application at an address of this machine, until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from monai_fundusgen.apps.web.guarded_app import ASGIApp
from monai_fundusgen.apps.web.hosts import LOOPBACK

_EVERYWHERE: Final = ("0.0.0.0", "::")


def hosts_of(host: str) -> tuple[str, ...]:
    """Names under which a server that listens at ``host`` may be asked for; ``*`` is any."""
    return ("*",) if host in _EVERYWHERE else (host, *LOOPBACK)


def listen(app: ASGIApp, *, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve an application until it is stopped.

    Args:
        app: see `guarded_app`.
        host: address to listen at.
        port: 1 to 65535.
        told: gets the address once it is reached there.

    Raises:
        OSError: the port is taken, or the address is not of this machine.
    """
    import uvicorn

    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise OSError(
            error.errno, f"cannot listen there ({error.strerror}); give another --port or --host", f"{host}:{port}"
        ) from error
    told(f"http://{host}:{port}")
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, h11_max_incomplete_event_size=16 * 1024
    )
    uvicorn.Server(settings).run(sockets=[listening])
