"""What setup.cfg cannot say: the folder ``bundles`` is installed as ``monai_fundusgen/bundles``."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["monai_fundusgen*"]), "monai_fundusgen.bundles"],
    package_dir={"monai_fundusgen.bundles": "bundles"},
)
