"""A release that adds a biller and an enquiry by data alone: tests/releases/gas.

`flows` are whole files; `add` holds what is put in front of the entries of a file that is there;
`recordings` are what the new texts say.
"""

import shutil
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "releases" / "gas"
INTO = {
    "services.yaml": "services:",
    "hosts/tb87.yaml": "services:",
    "prompts/zh.yaml": "texts:",
    "prompts/en.yaml": "texts:",
}
"""Behind which line of a file its additions go."""


def add_gas(release: Path, *, recordings: bool = True) -> None:
    """Make of a release's folder one that has gas bills and the price of paper gold."""
    shutil.copytree(FOLDER / "flows", release / "flows", dirs_exist_ok=True)
    if recordings:
        shutil.copytree(FOLDER / "recordings", release / "recordings", dirs_exist_ok=True)
    for path, behind in INTO.items():
        file = release / path
        head, line, rest = file.read_text("utf-8").partition(f"\n{behind}\n")
        assert line, f"{path} has no line {behind}"
        file.write_text(head + line + (FOLDER / "add" / path).read_text("utf-8") + rest, "utf-8")
