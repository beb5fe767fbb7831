"""The pictures of `telebank bench plot`: which figures are drawn against which."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from telebank.commands.bench.sweeps import Run, Sweeps
from telebank.reports.plots import Plot, Point, Series, svg

ONE_WAY_US = 450
TWO_WAY_US = 1_000
LATE_MS = 5
MEMORY_MB = 150
SETUP_MS = 1
"""The aims."""

_CALLS = "calls at once"
_MEDIA = MappingProxyType({"media": "one worker", "media-2": "two workers"})
_BRIDGE = MappingProxyType({"recorded": "recorded", "unrecorded": "not recorded"})

Points = Callable[[Run], Sequence[Point]]


def write(sweeps: Sweeps, folder: Path) -> list[Path]:
    """Draw all of which there are figures; raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, plot in plots(sweeps).items():
        if any(one.points for one in plot.series):
            file = folder / f"bench-{name}.svg"
            file.write_text(svg(plot), encoding="utf-8")
            files.append(file)
    return files


def plots(sweeps: Sweeps) -> dict[str, Plot]:
    """By the name of their file, also those of which nothing was measured."""
    cost, late = _figure("cpu_us_per_call_second"), _figure("tick_late_p99_ms")
    return {
        "media-cost": Plot(
            "Prompts and keys: CPU time of a call-second",
            _CALLS,
            "µs of CPU a call-second, node and workers",
            _series(sweeps, _MEDIA, cost),
            ONE_WAY_US,
        ),
        "media-core": Plot(
            "Prompts and keys: CPU time of all calls",
            _CALLS,
            "% of a core, node and workers",
            _series(sweeps, _MEDIA, _core),
        ),
        "media-late": Plot(
            "Prompts and keys: how late packets leave",
            _CALLS,
            "ms from due to sent, 99 of 100 ticks",
            _series(sweeps, _MEDIA, late),
            LATE_MS,
        ),
        "media-memory": Plot(
            "Prompts and keys: memory of the workers",
            _CALLS,
            "MB (PSS), the prompt bank's pages included",
            _series(sweeps, _MEDIA, _figure("rss_mb")),
            MEMORY_MB,
        ),
        "bridge-cost": Plot(
            "Two joined legs: CPU time of a call-second",
            _CALLS,
            "µs of CPU a call-second, node, worker and writer",
            _series(sweeps, _BRIDGE, cost),
            TWO_WAY_US,
        ),
        "setups": Plot(
            "Signalling: CPU time of a call set up and torn down",
            "calls set up and torn down a second",
            "ms of CPU a call",
            [
                Series(name, [point for run in sweeps.of("setups") for point in rated(run, keys)])
                for name, keys in {
                    "node and media worker": ("node_ms", "worker_ms"),
                    "node": ("node_ms",),
                    "media worker": ("worker_ms",),
                }.items()
            ],
            SETUP_MS,
        ),
    }


def rated(run: Run, keys: Sequence[str]) -> list[Point]:
    """Of a run of signalling: the sum of some figures at each rate."""
    return [(one["rate"], sum(one[key] for key in keys)) for one in run.figures["rates"]]


def _series(sweeps: Sweeps, names: Mapping[str, str], points: Points) -> list[Series]:
    return [
        Series(name, [point for run in sweeps.of(sweep) for point in points(run)])
        for sweep, name in names.items()
    ]


def _figure(key: str) -> Points:
    def points(run: Run) -> Sequence[Point]:
        value: Any = run.figures[key]
        return [(run.value, value)]

    return points


def _core(run: Run) -> Sequence[Point]:
    return [(run.value, run.figures["cpu_us_per_call_second"] * run.value / 1e4)]
