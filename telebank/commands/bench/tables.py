"""The tables of `telebank bench plot`, written into a page of Markdown between markers.

A marker is `<!-- bench NAME -->` on a line of its own; what is between it and the next
`<!-- /bench -->` is replaced.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from types import MappingProxyType

from telebank.commands.bench.sweeps import Run, Sweeps

_MARKED = re.compile(r"(?<=<!-- bench )([a-z]+)( -->\n).*?(?=<!-- /bench -->)", re.DOTALL)
_WORKERS = {"media": "1", "media-2": "2"}

Row = Sequence[str]
Table = tuple[Row, Sequence[Row]]
"""Its head, and what is under it."""


def write(sweeps: Sweeps, page: Path) -> None:
    """Put into a page the tables of what was measured; the others stay as they are. Raises
    `OSError`, and `ValueError` for a marker of no table."""
    made = tables(sweeps)

    def between(found: re.Match[str]) -> str:
        name, end = found[1], found[2]
        if name not in _TABLES:
            raise ValueError(f"{page}: no table is called {name}: {', '.join(_TABLES)}")
        return f"{name}{end}\n{made[name]}\n\n" if name in made else found[0]

    text = page.read_text(encoding="utf-8")
    page.write_text(_MARKED.sub(between, text), encoding="utf-8")


def tables(sweeps: Sweeps) -> dict[str, str]:
    """Markdown by name, of what was measured."""
    made = {name: table(sweeps) for name, table in _TABLES.items()}
    return {name: _markdown(head, rows) for name, (head, rows) in made.items() if rows}


def _facts(sweeps: Sweeps) -> Table:
    facts, runs = sweeps.machine, sweeps.runs
    rows = [
        ("processor", f"{facts.processor}, {facts.cores} cores"),
        ("memory", f"{facts.memory_mb / 1024:.0f} GB"),
        ("system", f"Linux {facts.kernel}, Python {facts.python}"),
        ("began", facts.began),
        ("load average before the runs", _span([run.load for run in runs], 1)),
        (
            "a packet over loopback, sent and read, before the runs",
            f"{_span([run.packet_us for run in runs], 1)} µs of CPU",
        ),
    ]
    return ("fact", "value"), rows


def _media(sweeps: Sweeps) -> Table:
    head = ("calls", "workers", "failed", "CPU µs a call-second", "tick late p99, ms", "PSS, MB")
    rows = [
        (
            f"{runs[0].value:,}",
            workers,
            _count(runs, "failed"),
            _of(runs, "cpu_us_per_call_second"),
            _of(runs, "tick_late_p99_ms", 1),
            _of(runs, "rss_mb"),
        )
        for sweep, workers in _WORKERS.items()
        for runs in _by_value(sweeps.of(sweep))
    ]
    return head, rows


def _bridge(sweeps: Sweeps) -> Table:
    head = ("calls", "recorded", "failed", "CPU µs a call-second", "of it FLAC, sealing, files")
    rows = [
        (
            f"{runs[0].value:,}",
            recorded,
            _count(runs, "failed"),
            _of(runs, "cpu_us_per_call_second"),
            _of(runs, "writer_us_per_call_second"),
            _of(runs, "tick_late_p99_ms", 1),
            _of(runs, "rss_mb"),
        )
        for sweep, recorded in {"recorded": "yes", "unrecorded": "no"}.items()
        for runs in _by_value(sweeps.of(sweep))
    ]
    return (*head, "tick late p99, ms", "PSS, MB"), rows


def _setups(sweeps: Sweeps) -> Table:
    head = (
        "calls a second",
        "calls",
        "failed",
        "CPU ms a call, node",
        "media worker",
        "200 p99, ms",
    )
    runs = [run.figures["rates"] for run in sweeps.of("setups")]
    rows = []
    for number, same in enumerate(zip(*runs, strict=True), 1):
        last = number == len(runs[0])
        rate = _span([one["rate"] for one in same], 0)
        rows.append(
            (
                f"{rate}, as fast as they go" if last else rate,
                f"{sum(one['calls'] for one in same):,}",
                str(sum(one["failed"] for one in same)),
                _span([one["node_ms"] for one in same], 2),
                _span([one["worker_ms"] for one in same], 2),
                _span([one["p99_ms"] for one in same], 0),
            )
        )
    return head, rows


def _flood(sweeps: Sweeps) -> Table:
    runs = sweeps.of("setups")
    head = ("figure", "value")
    if not runs:
        return head, []
    done = _span([100 * run.figures["rated_done"] for run in runs], 0)
    rows = [
        ("CPU of a refused INVITE with its ACK, sockets included", f"{_of(runs, 'refused_us')} µs"),
        ("calls beside the flood that were done", f"{done} %"),
        ("INVITE to 200 of those, p99", f"{_of(runs, 'rated_p99_ms')} ms"),
    ]
    return head, rows


def _dtmf(sweeps: Sweeps) -> Table:
    rows: list[Row] = []
    for run in sweeps.of("dtmf"):
        for group in run.figures["groups"]:
            theirs = group["spandsp"] or {}
            rows.append(
                (
                    group["name"],
                    *(f"{group['ours'][key]:,}" for key in ("right", "missed", "false_keys")),
                    *(f"{theirs[key]:,}" if theirs else "–" for key in ("missed", "false_keys")),
                )
            )
    head = ("keys", "right", "missed", "false", "missed by spandsp", "false by spandsp")
    return head, rows


def _by_value(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """Runs of the same, of every round."""
    groups: dict[int, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.value, []).append(run)
    return iter(groups.values())


def _count(runs: Sequence[Run], key: str) -> str:
    return str(sum(run.figures[key] for run in runs))


def _of(runs: Sequence[Run], key: str, places: int = 0) -> str:
    return _span([run.figures[key] for run in runs], places)


def _span(values: Sequence[float], places: int) -> str:
    """The median, and from where to where they are if that is not the same."""
    if not values:
        return "–"
    low, middle, high = (
        f"{value:,.{places}f}" for value in (min(values), median(values), max(values))
    )
    return middle if low == high else f"{middle} ({low}–{high})"


def _markdown(head: Row, rows: Sequence[Row]) -> str:
    lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]])


_TABLES: Mapping[str, Callable[[Sweeps], Table]] = MappingProxyType(
    {
        "machine": _facts,
        "media": _media,
        "bridge": _bridge,
        "setups": _setups,
        "flood": _flood,
        "dtmf": _dtmf,
    }
)
