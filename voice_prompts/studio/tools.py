"""The studio's own libraries, imported by name.

They live in the studio's virtual environment (the `studio` extra), never in the one that runs the
bank, so nothing here may be imported by another room; `telebank voice make` starts this package
with the studio's interpreter instead.
"""

import importlib
from pathlib import Path
from typing import Any


class StudioError(Exception):
    """The studio lacks something; the text says which package brings it."""


def tool(name: str) -> Any:
    """The module `name`, or a StudioError that names the missing package."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise StudioError(
            f"the studio lacks {name}: {error}; install the studio extra (docs/voice.md)"
        ) from error


def package_folder(name: str) -> Path:
    """The folder of an installed data package."""
    module = tool(name)
    return Path(str(module.__file__)).parent
