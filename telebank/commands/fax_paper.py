"""A PDF from the command line, handed to the node (`telebank.ops.fax_papers`); errors of the
command line for what is wrong with it."""

from pathlib import Path

import click

from fax.page.options import MAX_PDF_BYTES, PageError
from telebank.ops import fax_papers
from telebank.ops.fax_papers import Handed, check_size, take_back
from telebank.settings import SettingsError, load_settings

__all__ = ["Handed", "hand_over", "take_back"]

DRAWING = fax_papers.DRAWING


def hand_over(data: Path, file: Path) -> Handed:
    """Draw a PDF's pages and lay both where the node finds them; exit 2 where it is no PDF."""
    try:
        resolution = load_settings(data).fax.resolution
        pdf = _read(file)
        if not data.is_dir():
            raise click.UsageError(f"{data} is no data folder; give --data")
        return fax_papers.hand_over(data, pdf, resolution, DRAWING)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    except PageError as error:
        raise click.UsageError(f"{file}: {error}") from error
    except OSError as error:
        raise click.UsageError(f"{error.filename or file}: {error.strerror}") from error


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        pdf = stream.read(MAX_PDF_BYTES + 1)
    check_size(len(pdf))
    return pdf
