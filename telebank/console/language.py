"""The language of a page: as the address says, else as the browser wishes."""

from typing import Any
from urllib.parse import urlencode

from flask import Flask, request, url_for

from telebank.console.texts import Language


def asked() -> Language | None:
    """What the address asks for; None where it says nothing."""
    said = request.args.get("lang")
    if said not in ("zh", "en"):
        return None
    return "zh" if said == "zh" else "en"


def language() -> Language:
    """What this page is written in."""
    return asked() or ("en" if request.accept_languages.best_match(["zh", "en"]) == "en" else "zh")


def other() -> str:
    """The address of this page in the other language."""
    values: dict[str, Any] = dict(request.view_args or {})
    values["lang"] = "zh" if language() == "en" else "en"
    here = url_for(request.endpoint or "calls.index", **values)
    # not by `url_for`, which obeys names as `_scheme` and fails at others
    more = urlencode([one for one in request.args.items() if one[0] != "lang"])
    return f"{here}&{more}" if more else here


def keep(app: Flask) -> None:
    """What the address asked for is asked for by every link of the page."""

    @app.url_defaults
    def keep_language(endpoint: str, values: dict[str, Any]) -> None:
        wanted = asked() if endpoint != "static" else None
        if wanted is not None:
            values.setdefault("lang", wanted)
