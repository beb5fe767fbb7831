"""Names of flows, queues and breaks as words of a page: the node knows what is in force there."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import g

from telebank.console.language import language
from telebank.console.login import person
from telebank.console.node import Node

BREAKS: Final = ("lunch", "rest", "training", "meeting")
"""Where the bank names none of its own."""


def all_words(node: Node, page: Mapping[str, str]) -> Mapping[str, str]:
    """A page's words, with `business_transfers`, `of_queue_loss` and `reason_lunch` as they are
    called in force. What teller and page know a flow by is the page's own word, where it has one;
    breaks are the bank's. Raises `NodeAway`, and `Refused`."""
    told, column = _told(node), 0 if language() == "zh" else 1

    def named(kind: str, start: str) -> dict[str, str]:
        return {f"{start}_{name}": str(pair[column]) for name, pair in told[kind].items()}

    return {
        **named("business", "business"),
        **named("queues", "of_queue"),
        **named("skills", "skill"),
        **page,
        **named("breaks", "reason"),
    }


def breaks(node: Node) -> Sequence[str]:
    """Reasons of a break that can be chosen."""
    return tuple(_told(node)["breaks"]) or BREAKS


def _told(node: Node) -> Mapping[str, Any]:
    """Once for a request."""
    if "titles" not in g:
        g.titles = node.look("/v1/desk/titles?live=1", person().token)
    found: Mapping[str, Any] = g.titles
    return found
