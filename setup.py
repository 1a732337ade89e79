"""What pyproject.toml cannot say: the report's folder, beside the library in a checkout, is installed inside it.

docs/decisions/packaging.md has the reason.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["rnnsweep*"]),
        *(f"rnnsweep.scripts.{name}" for name in find_packages(include=["analysis*"])),
    ],
    package_dir={"rnnsweep.scripts.analysis": "analysis"},
    package_data={"": ["*"]},
)
