"""The language of a page: as the address says, else as the browser wishes."""

from typing import Any

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
    values: dict[str, Any] = {**request.args, **(request.view_args or {})}
    values["lang"] = "zh" if language() == "en" else "en"
    return url_for(request.endpoint or "calls.index", **values)


def keep(app: Flask) -> None:
    """What the address asked for is asked for by every link of the page."""

    @app.url_defaults
    def keep_language(endpoint: str, values: dict[str, Any]) -> None:
        wanted = asked() if endpoint != "static" else None
        if wanted is not None:
            values.setdefault("lang", wanted)
