"""Structured logs: one JSON object a line on standard error, with the call reference in it."""

import contextlib
import io
import logging
import sys
from typing import TextIO, cast

import structlog

from telebank.store.classes import HIDDEN, Class, of_name
from transactions.card_text import without_numbers

MAX_VALUE = 2_000
"""Longest text of one value, in characters: a flood of bytes stays one short line."""
OWN = frozenset({"event", "level", "logger", "timestamp"})
"""What every line has, of our own making."""


def set_up_logs(level: str = "info") -> None:
    """Write logs of this process as JSON lines with UTC times."""
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _classed,
        _short,
    ]
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    # Libraries, and rooms that know only `logging`, write lines of the same form.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=_named,
        cache_logger_on_first_use=True,
    )


class _NamedLogger(structlog.PrintLogger):
    """Writes lines to standard error, and knows the name that it was asked for by."""

    def __init__(self, name: str) -> None:
        super().__init__(cast("TextIO", _Forgiving()))
        self.name = name


class _Forgiving(io.TextIOBase):
    """Standard error as it is now. A line that a full disk does not take is lost: who writes it is
    in the middle of a call, or of money."""

    def write(self, text: str) -> int:
        """What came is always said to be written."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """As far as it goes."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def _named(*arguments: str) -> _NamedLogger:
    return _NamedLogger(arguments[0] if arguments else "telebank")


def _classed(
    logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """By the class of the store's column that a value is called after: C3 is not written, and long
    numbers are masked in C2 and in what no column is called."""
    for key, value in event.items():
        of = of_name(key)
        if of is Class.C3:
            event[key] = HIDDEN
        elif of is not Class.C1 and key not in OWN and isinstance(value, str):
            event[key] = without_numbers(value)
    return event


def _short(
    logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for key, value in event.items():
        if isinstance(value, str) and len(value) > MAX_VALUE:
            event[key] = value[:MAX_VALUE] + "…"
    return event
