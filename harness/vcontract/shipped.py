"""Where the data that ships with the package lies: `wsdl/` and `contracts/`."""

from pathlib import Path


def shipped(kind: str) -> Path:
    """Give the folder of shipped data, `wsdl` or `contracts`: inside the wheel, else beside the package in a checkout."""
    packaged = Path(__file__).parent / "_data" / kind
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / kind
