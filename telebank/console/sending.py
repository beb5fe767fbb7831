"""From a form that makes sense to a fax that the node has: drawn, handed over, asked for once.

The form has an id. Two clicks on it are one act: the second waits for the first and gets the same
answer from the node, also where the form is sent anew after a reload.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from fax.page.options import PageError, PageFault
from telebank.console.forms import Asked, NotSent
from telebank.console.node import Node
from telebank.console.options import SENDERS
from telebank.console.parts import ConsoleParts
from telebank.ops import fax_papers
from telebank.ops.control_client import Refused
from telebank.ops.fax_papers import DRAWING

CLICKS = 6
"""Clicks on one form at once: one is at work, the others wait for its answer."""
_WORDED: frozenset[PageFault] = frozenset({"no_pdf", "locked", "too_many", "too_big", "page"})
"""What the form has words for; of the others the machine's own words are shown."""


@dataclass(slots=True)
class _Form:
    """A form that is being sent."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    clicks: int = 0


class Sender:
    """Draws papers and has the node send them."""

    def __init__(self, parts: ConsoleParts, node: Node) -> None:
        self._parts = parts
        self._node = node
        self._places = threading.BoundedSemaphore(SENDERS)
        self._drawing = threading.BoundedSemaphore(DRAWING.at_once)
        self._counting = threading.Lock()
        self._forms: dict[str, _Form] = {}

    def send(self, asked: Asked, token: str, address: str) -> str:
        """The fax's id; the same for the same form. Raises `NotSent`, and as `Node`."""
        with self._form(asked.request), self._place():
            handed = self._hand_over(asked)
            try:
                fax = self._node.send(_body(asked, handed), token, address)
            except Refused:  # and not where it is away: it may be taking the paper now
                fax_papers.take_back(self._parts.data, handed)
                raise
            fax_papers.take_back(self._parts.data, handed)  # where it had this fax before
            return fax

    def _hand_over(self, asked: Asked) -> fax_papers.Handed:
        try:
            with self._drawing:
                return fax_papers.hand_over(
                    *(self._parts.data, asked.pdf, self._parts.resolution), name=asked.request
                )
        except PageError as error:
            raise NotSent("file", _wrong(error), str(error)) from error
        except OSError as error:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            raise NotSent("file", "disk", error.strerror or "", status) from error

    @contextmanager
    def _form(self, request: str) -> Iterator[None]:
        """One click on a form at a time."""
        with self._counting:
            form = self._forms.setdefault(request, _Form())
            if form.clicks >= CLICKS:
                raise busy()
            form.clicks += 1
        try:
            with form.lock:
                yield
        finally:
            with self._counting:
                form.clicks -= 1
                if not form.clicks:
                    del self._forms[request]

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise busy()
        try:
            yield
        finally:
            self._places.release()


def busy() -> NotSent:
    """More people send at once than may."""
    return NotSent("", "busy", status=HTTPStatus.SERVICE_UNAVAILABLE)


def _body(asked: Asked, handed: fax_papers.Handed) -> dict[str, object]:
    where = {"like": asked.like} if asked.like else {"to": asked.to}
    return {
        "request_id": asked.request,
        "paper": handed.name,
        "sha256": handed.sha256,
        "pages": handed.pages,
        "title": asked.title,
        **where,
        "at": "" if asked.due is None else asked.due.isoformat(),
        "language": asked.language,
    }


def _wrong(error: PageError) -> str:
    return error.code if error.code in _WORDED else "pdf"
