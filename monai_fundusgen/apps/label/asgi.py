"""MONAI Label's program behind the gate: ``start_server --uvicorn_app monai_fundusgen.apps.label.asgi:app``."""

from __future__ import annotations

import os

from monailabel.app import app as served

from monai_fundusgen.apps.label.gate import Gate
from monai_fundusgen.apps.label.serve import TOKEN

app = Gate(served, token=os.environ.get(TOKEN) or None)
