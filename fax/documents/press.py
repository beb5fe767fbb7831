"""Does what `fax.documents.jobs` asks, in the process that prints.

Files have mode 0600 in folders of mode 0700, and appear under their names only when they are whole.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fax.documents.jobs import (
    Answer,
    BindPages,
    Done,
    DrawPages,
    Failed,
    PrintPaper,
    Question,
    part_of,
)
from fax.documents.layout import write_pdf
from fax.documents.paper import PaperError
from fax.page.draw import pages
from fax.page.options import MAX_PDF_BYTES, PageError, PageFault
from fax.page.received import to_pdf
from fax.page.tiff import write_tiff


def run(question: Question) -> Answer:
    """Do what is asked. Trouble with what was given is an answer, and so is a full disk."""
    try:
        match question:
            case PrintPaper():
                return Done(_print(question))
            case DrawPages():
                return Done(_draw(question))
            case BindPages():
                with sealed(Path(question.pdf)) as part:
                    return Done(to_pdf(Path(question.tiff), part))
    except (PaperError, PageError) as error:
        code: PageFault = error.code if isinstance(error, PageError) else "other"
        return Failed(str(error), code)
    except OSError as error:
        return Failed(f"{error.filename or 'a file'}: {error.strerror or error}")
    except MemoryError:
        return Failed("this takes more memory than one document may: send it in parts")


def _print(question: PrintPaper) -> int:
    pdf, count = write_pdf(question.paper), 0
    if question.tiff:
        with sealed(Path(question.tiff)) as part:
            count = write_tiff(pages(pdf, question.resolution), part, question.resolution)
    if question.pdf:
        with sealed(Path(question.pdf)) as part:
            part.write_bytes(pdf)
    return count


def _draw(question: DrawPages) -> int:
    source = Path(question.pdf)
    if source.stat().st_size > MAX_PDF_BYTES:
        raise PageError(
            f"the PDF is larger than {MAX_PDF_BYTES} bytes: send it in parts", "too_big"
        )
    drawn = pages(source.read_bytes(), question.resolution, question.continued)
    with sealed(Path(question.tiff)) as part:
        return write_tiff(drawn, part, question.resolution)


@contextmanager
def sealed(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its name when all went well."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    part = part_of(path, os.getpid())
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
