"""What people fill in to have a fax sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import PurePath
from typing import Final

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from fax.page.options import MAX_PDF_BYTES
from telebank.calls.control.faxes import harmless
from telebank.calls.faxes.tolls import SIP, normalised
from telebank.ops.fax_due import in_reach, read_due

MAX_FORM: Final = MAX_PDF_BYTES + 65_536
"""Largest form with its PDF, in bytes."""
FIRST: Final = 65_536
"""Bytes of a form that are read of somebody who may not send it, or where it is too large: every
field stands before the file. They are here before the request is looked at
(`telebank.console.serving`), so nobody waits for them."""
LATE = timedelta(minutes=2)
"""So long after its time a form still means now: people look before they click."""
KEPT = {"to": 128, "like": 40, "at": 40, "language": 2}
"""Fields that are filled in again, and their longest values."""
_ID = re.compile(r"[0-9a-f]{16}")
_FAX = re.compile(r"[0-9A-Za-z-]{1,40}")
_MAX_NAME = 64
_MAX_PARTS = 20


class NotSent(Exception):  # noqa: N818 - a refusal of what a person filled in
    """Which field is wrong, why (`telebank.console.fax_texts`), and what the machine says."""

    def __init__(
        self, field: str, why: str, detail: str = "", status: int = 400, *, over: bool = False
    ) -> None:
        super().__init__(why)
        self.field = field
        self.why = why
        self.detail = detail
        self.status = status
        self.over = over
        """Whether the node knows this form and refused it: its id is used up."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A form that makes sense."""

    request: str
    pdf: bytes
    title: str
    to: str
    like: str
    due: datetime | None
    """In UTC; None: now."""
    language: str


def read(
    form: Mapping[str, str], name: str | None, pdf: bytes, zone: tzinfo, now: datetime
) -> Asked:
    """What a form asks for; `name` of its file. Raises `NotSent`."""
    request, like = form_id(form), form.get("like", "")
    if not request or (like and _FAX.fullmatch(like) is None):
        raise NotSent("", "form")
    if not pdf:
        raise NotSent("file", "empty" if name else "no_file")
    if len(pdf) > MAX_PDF_BYTES:
        raise NotSent("file", "too_big", status=413)
    language = "en" if form.get("language") == "en" else "zh"
    to = "" if like else _number(form.get("to", ""))
    due = _due(form.get("at", ""), zone, now)
    title = harmless(PurePath((name or "").replace("\\", "/")).name)[:_MAX_NAME] or "fax.pdf"
    return Asked(request, pdf, title, to, like, due, language)


def form_id(form: Mapping[str, str]) -> str:
    """The form's own id; empty where it is none."""
    said = form.get("request", "")
    return said if _ID.fullmatch(said) else ""


def first_fields(request: Request) -> dict[str, str]:
    """The fields of a form whose file is not read; empty where it is no such form."""
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        return {}
    decoder = MultipartDecoder(boundary.encode(), FIRST, max_parts=_MAX_PARTS)
    size = min(FIRST, request.content_length or 0)
    decoder.receive_data(request.environ["wsgi.input"].read(size))
    found: dict[str, bytes] = {}
    name = ""
    try:
        while not isinstance(event := decoder.next_event(), (File, NeedData, Epilogue)):
            if isinstance(event, Field):
                name = event.name
            elif isinstance(event, Data):
                found[name] = found.get(name, b"") + event.data
    except (ValueError, RequestEntityTooLarge):
        pass  # what was found before stands
    return {name: octets.decode("utf-8", "replace") for name, octets in found.items()}


def kept(form: Mapping[str, str]) -> dict[str, str]:
    """What is filled in again after a login."""
    found = {name: form.get(name, "")[:most] for name, most in KEPT.items()}
    if found["like"] and _FAX.fullmatch(found["like"]) is None:
        found["like"] = ""
    return {name: value for name, value in found.items() if value}


def _number(text: str) -> str:
    text = text.strip()
    if text.lower().startswith(SIP):
        return text[:128]
    number = normalised(text[:128])
    if number is None:
        raise NotSent("to", "bad_number")
    return number


def _due(text: str, zone: tzinfo, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        due = read_due(text, zone)
    except (ValueError, OverflowError):
        raise NotSent("at", "bad_time") from None
    if not in_reach(due, now, LATE):
        raise NotSent("at", "far_time")
    return due
