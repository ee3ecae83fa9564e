"""Finds the files that ship with the package: the data of `wsdl/` and `contracts/`, and the pages for users."""

from pathlib import Path

_TUTORIALS = ("conform-in-ci", "before-an-upgrade", "parallel-stress", "drill-your-client")
_AROUND = ("prepare-a-test-bed", "what-it-cannot-know", "api")
_DATA = {"contracts": "contracts/README.md", "oracle": "contracts/ORACLE.md", "wsdl": "wsdl/README.md"}
_FIRST = {"verbs": "README.md", "safety": "SAFETY.md"}


def shipped(kind: str) -> Path:
    """Give the folder of shipped data, `wsdl` or `contracts`: inside the wheel, else beside the package in a checkout."""
    packaged = Path(__file__).parent / "_data" / kind
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / kind


def page(name: str) -> Path:
    """Give the file of a page for users, named from the package, or from the repository below `wsdl/` and `contracts/`."""
    kind, _, rest = name.partition("/")
    return shipped(kind) / rest if kind in {"wsdl", "contracts"} else Path(__file__).parent / name


def topics() -> dict[str, Path]:
    """Give the pages by the names under which `vcontract help` prints them: first what begins with a job of the user's."""
    guides = {name: page(f"docs/{name}.md") for name in (*_TUTORIALS, *_AROUND)}
    rooms = {file.parent.name.removeprefix("_"): file for file in sorted(Path(__file__).parent.glob("*/**/README.md"))}
    rooms = {name: file for name, file in rooms.items() if "_data" not in file.parts}
    return guides | {name: page(where) for name, where in (_FIRST | _DATA).items()} | rooms
