"""The boundary of one channel: what goes wrong in it costs that channel, and no other."""

import logging
from collections.abc import Callable

from telebank.media.channel import Channel
from telebank.workers.link import LinkGone

_log = logging.getLogger(__name__)


class Guard:
    """Runs what is done for single channels, and knows those in which it failed."""

    def __init__(self) -> None:
        self._failed: dict[Channel, str] = {}

    def run(self, channel: Channel, act: Callable[..., object], *given: object) -> None:
        """Do it; raises `LinkGone` and nothing else."""
        try:
            act(*given)
        except LinkGone:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of ours: its channel ends, no other does
            self.failed(channel, error)

    def failed(self, channel: Channel, error: Exception) -> None:
        """A bug of ours. Its text may hold what the caller entered: only its place is logged."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "?"
        why = f"{type(error).__name__} in {where}"
        _log.error("channel %d failed and is closed: %s", channel.number, why)
        self._failed.setdefault(channel, why)

    def taken(self) -> dict[Channel, str]:
        """The channels that failed since this was asked last, and why."""
        if not self._failed:
            return {}
        failed, self._failed = self._failed, {}
        return failed
