"""What the store has of faxes, for templates."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, render_template

from telebank.console.calls import unchanged
from telebank.console.fax_rows import clock, dialled, row, zone_name
from telebank.console.fax_texts import FAX_WORDS, TOLD
from telebank.console.forms import NotSent, form_id
from telebank.console.language import language
from telebank.console.login import person
from telebank.console.node import Node
from telebank.console.parts import Context
from telebank.console.shared import Shared
from telebank.ops.control_client import NodeAway, Refused
from telebank.ops.fax_due import FURTHEST
from telebank.store import fax_views
from telebank.store.fax_views import FaxSeen

SHOWN = 100
"""Faxes of each direction on the page, newest first."""
STATE_S = 10.0
"""How old the node's word may be whether faxes can go, in seconds."""


class Seen:
    """Pages of faxes. Those that look by themselves share what one of them found."""

    def __init__(self, context: Context, node: Node) -> None:
        self._context = context
        self._node = node
        self._found = Shared(self._newest, context.parts.options.refresh_ms / 1_000)
        self._missing = Shared(self._ask_missing, STATE_S)

    def index(self) -> str:
        """What goes and went, and what came."""
        both = self._both(fresh=True)
        return render_template("faxes.html", missing=self._missing.get(), **both)

    def rows(self) -> Response:
        """The same, for a page that is open."""
        return unchanged(render_template("fax_rows.html", **self._both(fresh=False)))

    def page(self, fax: str) -> str:
        """One fax, and how far it is."""
        return render_template("fax.html", **self.one(fax))

    def page_rows(self, fax: str) -> Response:
        """The same, for a page that is open."""
        return unchanged(render_template("fax_one.html", **self.one(fax)))

    def _newest(self) -> tuple[Sequence[FaxSeen], Sequence[FaxSeen]]:
        with self._context.engine.connect() as connection:
            out = fax_views.faxes(connection, limit=SHOWN)
            return out, fax_views.faxes(connection, direction="in", limit=SHOWN)

    def _ask_missing(self) -> str:
        try:
            return self._node.missing()
        except (NodeAway, Refused):
            return ""  # pages say by themselves that it is away

    def _both(self, *, fresh: bool) -> dict[str, Any]:
        """Both lists."""
        words, zone = FAX_WORDS[language()], self._context.parts.zone
        out, came = self._found.get(fresh=fresh)
        lists = {
            "out": [row(x, words, zone) for x in out],
            "came": [row(x, words, zone) for x in came],
        }
        return {**lists, **self._common()}

    def fax(self, fax: str) -> FaxSeen:
        """One fax; 404 where there is none."""
        with self._context.engine.connect() as connection:
            found = fax_views.fax(connection, fax[:40])
        if found is None:
            abort(404, "no_fax")
        return found

    def one(self, fax: str) -> dict[str, Any]:
        """One fax, and the calls placed for it."""
        found = self.fax(fax)
        with self._context.engine.connect() as connection:
            placed = fax_views.dials(connection, fax)
        words, zone = FAX_WORDS[language()], self._context.parts.zone
        calls = [dialled(call, words, zone) for call in placed]
        return {"one": row(found, words, zone), "calls": calls, **self._common()}

    def form(self, given: Mapping[str, str], wrong: NotSent | None = None) -> str:
        """The form, filled in as it was; a fresh one has an id of its own."""
        like = given.get("like", "")
        source = self.fax(like) if like else None
        now, zone = datetime.now(UTC), self._context.parts.zone
        return render_template(
            "fax_new.html",
            given=given,
            wrong=wrong,
            told=wrong is not None and wrong.why in TOLD[language()],
            missing=self._missing.get(),
            source=source,
            request_id=_id_of(given, wrong),
            earliest=clock(now, zone)[:16].replace(" ", "T"),
            latest=clock(now + FURTHEST, zone)[:16].replace(" ", "T"),
            **self._common(),
        )

    def _common(self) -> dict[str, Any]:
        parts = self._context.parts
        words = FAX_WORDS[language()]
        return {
            "words": words,
            "t": words.page,
            "who": person(),
            "zone": zone_name(parts.zone),
            "refresh_ms": parts.options.refresh_ms,
        }


def _id_of(given: Mapping[str, str], wrong: NotSent | None) -> str:
    """The id of the form: a new one only where the node knows the old one, and said no to it."""
    same = form_id(given) if wrong is not None and not wrong.over else ""
    return same or secrets.token_hex(8)
