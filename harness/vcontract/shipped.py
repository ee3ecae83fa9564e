"""Finds the files that ship with the package: the data of `wsdl/` and `contracts/`, and the pages for users."""

from pathlib import Path


def shipped(kind: str) -> Path:
    """Give the folder of shipped data, `wsdl` or `contracts`: inside the wheel, else beside the package in a checkout."""
    packaged = Path(__file__).parent / "_data" / kind
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / kind


def page(name: str) -> Path:
    """Give the file of a page for users, named from the package, or from the repository below `wsdl/` and `contracts/`."""
    kind, _, rest = name.partition("/")
    return shipped(kind) / rest if kind in {"wsdl", "contracts"} else Path(__file__).parent / name
