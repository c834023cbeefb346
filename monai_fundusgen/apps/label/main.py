"""What MONAI Label loads of a folder that is its ``--app``: the class of the app."""

from monai_fundusgen.apps.label.server import FundusLabel

__all__ = ["FundusLabel"]
