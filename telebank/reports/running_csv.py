"""A day's run as CSV: one table of hours, one of services, one of faults, told apart by the first
column. UTF-8 with a byte order mark, so that spreadsheets read Chinese."""

import csv
import io
from collections.abc import Iterator, Sequence

from telebank.reports.reconciliation_csv import harmless
from telebank.reports.running import HOURS, Fault, Hour, Running

HEAD = ("table", "name", "what", "count", "done", "lost", "mean", "most", "first", "last", "call")
"""`mean`: seconds of a call, milliseconds of a service; `most`: calls at once, the slowest answer
in milliseconds; `first` and `last`: by the bank's clock."""


def running_csv(running: Running) -> str:
    """All three tables; nothing in it begins like a formula."""
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text)
    writer.writerow(HEAD)
    for row in _rows(running):
        writer.writerow([harmless(cell) for cell in row])
    return text.getvalue()


def clock(at_s: float) -> str:
    """Of a second of the day."""
    second = int(at_s)
    return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"


def _rows(running: Running) -> Iterator[Sequence[str]]:
    for number in range(HOURS):
        yield _hour(f"{number:02}:00", running.hours[number])
    yield _hour("day", running.total())
    for name, asked in sorted(running.services.items()):
        done = str(asked.done)
        mean, most = f"{asked.mean_ms:.0f}", str(asked.slowest_ms)
        yield "service", name, "", str(asked.count), done, "", mean, most, "", "", ""
    for fault in ordered(running):
        first, last = clock(fault.first_s), clock(fault.last_s)
        yield (
            *("fault", fault.kind, fault.what, str(fault.count), "", "", "", ""),
            *(first, last, fault.call),
        )


def ordered(running: Running) -> list[Fault]:
    """Faults, the most frequent first."""
    return sorted(running.faults.values(), key=lambda one: (-one.count, one.kind, one.what))


def _hour(name: str, hour: Hour) -> Sequence[str]:
    mean = "" if hour.mean_s is None else f"{hour.mean_s:.0f}"
    counts = (str(hour.calls), str(hour.done), str(hour.lost), mean, str(hour.most))
    return ("hour", name, "", *counts, "", "", "")
