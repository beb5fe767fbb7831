"""The page of calls, live: read from the event log, seen without a login."""

from collections.abc import Sequence

from flask import Blueprint, Response, render_template, request
from sqlalchemy import select

from telebank.console.language import language
from telebank.console.parts import Context
from telebank.console.texts import GRAVE, WORDS
from telebank.reports.running import GOOD
from telebank.store.tables import lease
from telebank.store.views import CallRow, CallState, call_state, recent_calls


def blueprint(context: Context) -> Blueprint:
    """`/`, `/calls` and `/livez`."""
    pages = Blueprint("calls", __name__)
    options, engine = context.parts.options, context.engine

    def calls() -> Sequence[tuple[CallRow, CallState]]:
        with engine.connect() as connection:
            epochs = dict(map(tuple, connection.execute(select(lease.c.node, lease.c.epoch))))
            found = recent_calls(connection, options.calls_shown).calls
        return [(call, call_state(call, epochs.get(call.node, 0))) for call in found]

    def page(template: str) -> str:
        words = WORDS[language()]
        return render_template(
            template, calls=calls(), words=words, t=words.page, good=GOOD, grave=GRAVE
        )

    @pages.get("/")
    def index() -> str:
        return page("calls.html")

    @pages.get("/calls")
    def fragment() -> Response:
        return unchanged(page("rows.html"))

    @pages.get("/livez")
    def livez() -> tuple[str, int, dict[str, str]]:
        with engine.connect() as connection:
            connection.exec_driver_sql("select 1")
        return "ok\n", 200, {"Content-Type": "text/plain; charset=utf-8"}

    return pages


def unchanged(text: str) -> Response:
    """A piece of a page that is sent again only where it changed (304 otherwise)."""
    response = Response(text, mimetype="text/html")
    response.add_etag()
    response.make_conditional(request.environ)
    return response
