"""The console: one read-only page of calls, live, and `/livez`.

Reads the event log and nothing else; writes nothing. Pages are shown in Chinese or English by the
browser's wish, or by `?lang=`.
"""

from collections.abc import Sequence

from flask import Flask, Response, render_template, request
from sqlalchemy import select

from telebank.console.options import ConsoleOptions
from telebank.console.texts import GOOD, GRAVE, WORDS, Language
from telebank.store.engine import open_read_only
from telebank.store.tables import lease
from telebank.store.views import CallRow, CallState, call_state, recent_calls

SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(
        ("default-src 'self'", "img-src 'self' data:", "frame-ancestors 'none'", "base-uri 'none'")
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(store_url: str, options: ConsoleOptions) -> Flask:
    """Make the Flask application over a store; raises `FileNotFoundError` where there is none."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 65_536
    engine = open_read_only(store_url)

    def calls() -> Sequence[tuple[CallRow, CallState]]:
        with engine.connect() as connection:
            epochs = dict(connection.execute(select(lease.c.node, lease.c.epoch)).tuples().all())
            found = recent_calls(connection, options.calls_shown).calls
        return [(call, call_state(call, epochs.get(call.node, 0))) for call in found]

    def page(template: str) -> str:
        language = _language()
        words = WORDS[language]
        return render_template(
            template,
            calls=calls(),
            words=words,
            t=words.page,
            good=GOOD,
            grave=GRAVE,
            lang=language,
            refresh_ms=options.refresh_ms,
        )

    @app.get("/")
    def index() -> str:
        return page("calls.html")

    @app.get("/calls")
    def fragment() -> Response:
        response = Response(page("rows.html"), mimetype="text/html")
        response.add_etag()
        response.make_conditional(request.environ)
        return response

    @app.get("/livez")
    def livez() -> tuple[str, int, dict[str, str]]:
        with engine.connect() as connection:
            connection.exec_driver_sql("select 1")
        return "ok\n", 200, {"Content-Type": "text/plain; charset=utf-8"}

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app


def _language() -> Language:
    asked = request.args.get("lang")
    if asked in ("zh", "en"):
        return "zh" if asked == "zh" else "en"
    return "en" if request.accept_languages.best_match(["zh", "en"]) == "en" else "zh"
