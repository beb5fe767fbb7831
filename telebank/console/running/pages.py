"""`/running`: a day's run, of all nodes: calls by hour, services, jobs, and what went wrong."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from telebank.console.fax_rows import zone_name
from telebank.console.language import language
from telebank.console.login import logged_in, login_over, person
from telebank.console.node import Node
from telebank.console.parts import ConsoleParts
from telebank.console.running.days import FRESH_S, MOST_FACTS, DayTooLong, RunningDays
from telebank.console.running.picture import picture
from telebank.console.running.texts import FAULT_WORDS, RUNNING_WORDS
from telebank.console.texts import WORDS
from telebank.reports.running import Asked, Fault, Hour, Running
from telebank.reports.running_csv import clock, ordered, running_csv

MOST_SHOWN = 200
"""Faults on the page; the table to take away has all."""


class RunningPages:
    """The pages; `gate` stands before them."""

    def __init__(self, parts: ConsoleParts, node: Node, days: RunningDays) -> None:
        self._node = node
        self._zone = parts.zone
        self._days = days

    def blueprint(self) -> Blueprint:
        """`/running` and what is below."""
        pages = Blueprint("running", __name__, url_prefix="/running")
        pages.before_request(self.gate)
        pages.register_error_handler(DayTooLong, self.too_long)
        pages.add_url_rule("", "index", self.index)
        pages.add_url_rule("/calls.svg", "calls", self.calls)
        pages.add_url_rule("/table.csv", "table", self.table)
        return pages

    def gate(self) -> AnyResponse | None:
        """Who is logged in, and whether he may see this. Raises `NodeAway`."""
        if not logged_in(self._node, live=False):
            return login_over()
        if not person().sees_running:
            abort(HTTPStatus.FORBIDDEN)
        return None

    def index(self) -> str | tuple[str, int]:
        """The page of a day; with an address of no day, today's and what was wrong with it."""
        asked = self._asked()
        day = asked or self._days.today()
        w = RUNNING_WORDS[language()]
        wrong = "" if asked else w["wrong_day"].format(example=self._days.today())
        page = render_template("running.html", **self._shown(day, w), wrong=wrong)
        return page if asked else (page, HTTPStatus.BAD_REQUEST)

    def calls(self) -> AnyResponse:
        """The picture."""
        running = self._days.day(self._day())
        drawn = picture(running.hours, RUNNING_WORDS[language()]["picture"])
        return Response(drawn, mimetype="image/svg+xml")

    def table(self) -> AnyResponse:
        """Everything, to be taken away."""
        day = self._day()
        answer = Response(running_csv(self._days.day(day)), mimetype="text/csv")
        answer.headers["Content-Disposition"] = f'attachment; filename="telebank-{day}.csv"'
        return answer

    def too_long(self, _error: DayTooLong) -> tuple[str, int]:
        """A day of too many events."""
        detail = RUNNING_WORDS[language()]["too_long"].format(most=MOST_FACTS)
        shown = render_template("notice.html", words="refused", detail=detail, who=person())
        return shown, HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def _asked(self) -> date | None:
        """The day of the address, today without one; None: it is no day, or not yet."""
        text, today = request.args.get("day", ""), self._days.today()
        try:
            day = date.fromisoformat(text) if text else today
        except ValueError:
            return None
        return day if day <= today else None

    def _day(self) -> date:
        return self._asked() or abort(HTTPStatus.BAD_REQUEST)

    def _shown(self, day: date, w: Mapping[str, str]) -> dict[str, Any]:
        running, today = self._days.day(day), self._days.today()
        told = {"zone": zone_name(self._zone), "day": day, "seconds": int(FRESH_S)}
        return {
            "w": w,
            "who": person(),
            "day": day,
            "today": today,
            "before": day - timedelta(days=1) if day > date.min else None,
            "after": day + timedelta(days=1) if day < today else None,
            "of_all": w["of_all"].format(**told),
            "hours": [
                _hour(f"{n:02}:00", one) for n, one in enumerate(running.hours) if _busy(one)
            ],
            "total": _hour(w["all"], running.total()),
            "services": _services(running),
            "jobs": _jobs(running, w),
            "faults": [_fault(one) for one in ordered(running)[:MOST_SHOWN]],
        }


def _busy(hour: Hour) -> bool:
    return bool(hour.calls or hour.services or hour.faults)


def _hour(name: str, hour: Hour) -> dict[str, Any]:
    names = ("calls", "most", "by_caller", "by_bank", "lost", "services", "done", "faults")
    mean = "" if hour.mean_s is None else f"{int(hour.mean_s) // 60}:{int(hour.mean_s) % 60:02}"
    return {"name": name, "mean": mean, **{one: getattr(hour, one) for one in names}}


def _services(running: Running) -> Sequence[Mapping[str, Any]]:
    """The most asked first."""
    words = WORDS[language()]

    def row(name: str, asked: Asked) -> Mapping[str, Any]:
        exits = ((words.exits.get(e, e), count) for e, count in asked.exits.most_common())
        return {
            "name": words.services.get(name, name),
            "count": asked.count,
            "exits": "，".join(f"{e} {n}" for e, n in exits)
            if language() == "zh"
            else ", ".join(f"{e} {n}" for e, n in exits),
            "mean_ms": round(asked.mean_ms),
            "slowest_ms": asked.slowest_ms,
        }

    found = sorted(running.services.items(), key=lambda item: (-item[1].count, item[0]))
    return [row(name, asked) for name, asked in found]


def _jobs(running: Running, w: Mapping[str, str]) -> Sequence[tuple[str, str, int]]:
    """Kind, end, how many."""
    return [
        (w[f"job_{kind}"], w.get(f"job_{end}", end), count)
        for kind, ends in running.jobs.items()
        for end, count in ends.most_common()
    ]


def _fault(one: Fault) -> Mapping[str, Any]:
    return {
        "name": FAULT_WORDS[language()].get(one.kind, one.kind),
        "what": one.what,
        "count": one.count,
        "first": clock(one.first_s),
        "last": clock(one.last_s),
        "node": one.node,
        "call": one.call,
    }
