"""A PDF on its way from a person to the node: drawn here, handed over as files.

The control socket takes bodies of 64 KB. A paper of 20 MB would be 27 MB of JSON in the loop that
carries the calls, and drawing it is seconds of work; so it is drawn from here, by a process with
the limits of `python -m fax.documents`, since strangers make PDFs. PDF and TIFF are left in a
folder of `DATA/fax/handed`, which the node takes by renaming. The socket is for the node's own user
and root only, who can write there anyhow.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from fax.documents.jobs import Failed
from fax.page.count import count_pages
from fax.page.options import MAX_PDF_BYTES, PageError, Resolution
from telebank.calls.control.faxes import HANDED, sweep
from telebank.calls.faxes.files import PAGES, PAPER
from telebank.calls.faxes.printing import Printer, PrintingOptions

DRAWING = PrintingOptions()


@dataclass(frozen=True, slots=True)
class Handed:
    """A folder under `DATA/fax/handed`."""

    name: str
    sha256: str
    """Of the PDF, in hex."""
    pages: int


def check_size(size: int) -> None:
    """Raises `PageError` for a PDF of too many bytes."""
    if size > MAX_PDF_BYTES:
        most = MAX_PDF_BYTES // 1_000_000
        raise PageError(f"larger than {most} MB; print it with smaller pictures", "too_big")


def hand_over(
    data: Path,
    pdf: bytes,
    resolution: Resolution,
    printing: PrintingOptions = DRAWING,
    name: str = "",
) -> Handed:
    """Draw a PDF's pages and lay both where the node finds them, in a folder of that name (16 hex
    digits; empty: a new one). What lies there of the same PDF, since it was not known whether the
    node took it, stays as it is. Not from a running event loop. Raises `PageError` where it is no
    PDF that can be drawn, and `OSError`; then nothing is left."""
    check_size(len(pdf))
    sweep(data)
    digest = hashlib.sha256(pdf).hexdigest()
    place = data / HANDED / (name or secrets.token_hex(8))
    if name and (count := _lies_there(place, digest)):
        return Handed(name, digest, count)
    folder = _new_folder(data)  # under another name until it is whole
    with contextlib.ExitStack() as unfinished:
        unfinished.callback(shutil.rmtree, folder, ignore_errors=True)
        count = _draw(pdf, folder, resolution, printing)
        _give(data, [folder, *folder.iterdir()])
        _clear(place)
        folder.rename(place)
        unfinished.pop_all()
    return Handed(place.name, digest, count)


def take_back(data: Path, handed: Handed) -> None:
    """Remove what the node did not take; only where it said so, since it may be at it else."""
    _clear(data / HANDED / handed.name)


def _clear(place: Path) -> None:
    """Remove a folder under a name that nobody else knows: what the node takes by renaming in this
    moment is either all here or all there."""
    gone = place.with_name(secrets.token_hex(8))
    with contextlib.suppress(OSError):
        place.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _lies_there(place: Path, digest: str) -> int:
    """How many pages lie there of this PDF; 0: none."""
    try:
        with (place / PAPER).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
                return 0
        count = count_pages(place / PAGES)
        os.utime(place)  # it is not an old one
    except (OSError, PageError):
        return 0
    return count


def _draw(pdf: bytes, folder: Path, resolution: Resolution, printing: PrintingOptions) -> int:
    """Write both files, durable; how many pages. Raises `PageError`, and `OSError`."""
    _write(folder / PAPER, pdf)
    printer = Printer(printing)
    answer = asyncio.run(printer.draw(folder / PAPER, folder / PAGES, resolution))
    if isinstance(answer, Failed):
        raise PageError(answer.why, answer.code)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return answer.pages


def _new_folder(data: Path) -> Path:
    made = []
    for folder in (data / HANDED.parent, data / HANDED):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            made.append(folder)
    _give(data, made)
    folder = data / HANDED / secrets.token_hex(8)
    folder.mkdir(mode=0o700)
    return folder


def _write(path: Path, octets: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(octets)
        stream.flush()
        os.fsync(stream.fileno())


def _give(data: Path, paths: list[Path]) -> None:
    """What root wrote is the node's, who reads it."""
    if os.getuid() == 0:
        owner = data.stat()
        for path in paths:
            os.chown(path, owner.st_uid, owner.st_gid)
