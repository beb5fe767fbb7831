"""What is said of papers that go by mail."""

from datetime import UTC, datetime
from typing import Any

import pytest

from telebank.calls.faxes.reasons import BY_ITSELF, LATER
from telebank.commands.fax_words import said, shown, todo
from telebank.store.fax_views import FaxSeen

NOON = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)


def paper(**changes: Any) -> FaxSeen:
    known: dict[str, Any] = {
        "id": "01-1-F1",
        "direction": "out",
        "way": "mail",
        "state": "queued",
        "why": "",
        "number_masked": "l***@example.com",
        "document": "card_recent",
        "title": "明细",
        "language": "zh",
        "pages": 2,
        "confirmed": 0,
        "attempt": 0,
        "tries": 10,
        "due_at": NOON,
        "by": "token",
        "role": "customer",
        "call": "c1",
        "home": "01",
        "folder": "01-1-F1",
        "mail": "",
        "bad_rows": 0,
        "stop_by": "",
        "made_at": NOON,
        "changed_at": NOON,
    }
    return FaxSeen(**{**known, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "to be mailed"),
        (
            {"attempt": 1, "why": "451 later"},
            "to be mailed again, try 2 of 10: 451 later",
        ),
        ({"state": "sending", "attempt": 1}, "being mailed"),
        ({"state": "done", "confirmed": 2}, "mailed: the mail server took it"),
        ({"state": "failed", "why": "550 nobody"}, "not mailed: 550 nobody"),
        ({"state": "cancelled", "why": "cancelled"}, "cancelled, not mailed"),
        (
            {"state": "unconfirmed", "why": "interrupted"},
            "may have been mailed: the node stopped meanwhile; ask the customer whether it came"
            " before you send anything again",
        ),
    ],
)
def test_the_state_in_words(changes: dict[str, Any], words: str) -> None:
    assert said(paper(**changes)) == words


def test_where_it_goes_is_masked(tmp_path: Any) -> None:
    assert shown(tmp_path, paper(), NOON)["to"] == "l***@example.com"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({}, ""),
        ({"why": "node_stops"}, BY_ITSELF.en),
        ({"attempt": 1, "why": "busy"}, BY_ITSELF.en),
        ({"why": "calls_hourly"}, LATER.en),
        ({"state": "failed", "why": "busy"}, "send it again later"),
        ({"state": "unconfirmed", "why": "interrupted"}, ""),
        ({"state": "failed", "why": "refused_407", "direction": "in"}, "ask the sender to send it"),
        ({"state": "done", "confirmed": 2}, ""),
    ],
)
def test_what_to_do_about_a_fax(changes: dict[str, Any], what: str) -> None:
    told = todo(paper(**{"way": "number", **changes}))
    assert told.startswith(what)
    assert bool(told) is bool(what), "never to be sent again where a page may be on paper"
