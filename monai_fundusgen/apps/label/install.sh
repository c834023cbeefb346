#!/usr/bin/env bash
# Makes an environment with MONAI Label 0.8.5 and this package, apart from that of the package: the two want other
# versions of NumPy, pydicom and jsonschema.
#
#   install.sh DIRECTORY PACKAGE
#
# PACKAGE is a checkout, which is installed so that edits count, or a wheel. PYTHON chooses the interpreter (3.10 to
# 3.12). An environment that is there already is brought up to date.
set -euo pipefail

if [ "$#" -ne 2 ]; then
    echo "usage: $0 DIRECTORY PACKAGE" >&2
    exit 2
fi
python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))'; then
    echo "$0: found $("$python" --version), expected Python 3.10 to 3.12 (MONAI Label has no other); set PYTHON" >&2
    exit 1
fi
case $PWD/$1 in
    *[[:space:]]*) echo "$0: $PWD/$1: pip splits its list of constraints at spaces; choose a path without any" >&2; exit 1 ;;
esac

"$python" -m venv "$1"
env=$(cd "$1" && pwd)
py=$env/bin/python

# MONAI Label reads DICOM with pydicom 2, and pydicom-seg wants NumPy 1. sam2 comes as source and is built apart, where
# older pip reads PIP_CONSTRAINT and newer pip PIP_BUILD_CONSTRAINT: without them it would fetch another torch.
cat > "$env/constraints.txt" <<'PINS'
torch==2.13.0
torchvision==0.28.0
monai==1.6.1
numpy<2
pydicom<3
pynetdicom<3
dicomweb-client<0.60
PINS
export PIP_CONSTRAINT=$env/constraints.txt PIP_BUILD_CONSTRAINT=$env/constraints.txt
export SAM2_BUILD_CUDA=0
install() { "$py" -m pip install --quiet --disable-pip-version-check "$@"; }

install torch
install monailabel==0.8.5 monai 'pydicom<3' 'pynetdicom<3' 'dicomweb-client<0.60'

# This package without its requirements, and then those: all but jsonschema, which pydicom-seg holds back at 3 and which
# the server has no need of (pip complains of it).
if [ -d "$2" ]; then install --no-deps --editable "$2"; else install --no-deps --force-reinstall "$2"; fi
"$py" -c '
from importlib.metadata import requires
needed = (line for line in requires("monai-fundusgen") if "extra ==" not in line and not line.startswith("jsonschema"))
print("\n".join(needed))' > "$env/requirements.txt"
install -r "$env/requirements.txt"

# The usual wheel of torchvision is built for CUDA; beside a torch without CUDA its import stops at two operators that
# nobody has registered. Declaring them is enough for the server. A .pth file, because trainings run in other processes.
site=$("$py" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
rm -f "$site/declare_vision_operators.py" "$site/declare_vision_operators.pth"
if ! "$py" -c 'import torchvision' 2> /dev/null; then
    if [ "$("$py" -c 'import torch; print(torch.version.cuda)')" != None ]; then
        echo "$0: torch has CUDA, yet torchvision does not load:" >&2
        "$py" -c 'import torchvision' || exit 1
    fi
    cat > "$site/declare_vision_operators.py" <<'HOOK'
"""Declares two operators just before torchvision is loaded, so that its CUDA build loads beside a torch for the CPU."""

import sys


class DeclareOperators:
    """Finds nothing itself: the usual finders load the module once this has spoken."""

    declared = None  # what is declared lasts as long as this object

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "torchvision" and cls.declared is None:
            from torch import library

            cls.declared = library.Library("torchvision", "FRAGMENT")
            for operator in ("nms", "qnms"):
                cls.declared.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


sys.meta_path.insert(0, DeclareOperators)
HOOK
    echo 'import declare_vision_operators' > "$site/declare_vision_operators.pth"
    "$py" -c 'import torchvision'
fi

"$py" -c 'import importlib.metadata as installed
print(", ".join(f"{name} {installed.version(name)}" for name in ("monailabel", "monai", "torch", "numpy", "monai-fundusgen")))'
