"""Options of the fax process; `telebank.settings` fills them."""

from dataclasses import dataclass

from fax.page.options import MAX_PAGES
from telebank.workers.ports import good_range

MAX_LINES = 256


@dataclass(frozen=True, slots=True)
class FaxingOptions:
    """Limits and times of the fax process."""

    lines: int = 64
    """Most faxes at once in the process; further ones get `OpenFailed`. 1 to 256."""
    library: str = "libspandsp.so.2"
    """Name or path of the shared library that speaks T.30, as the dynamic loader takes it."""
    port_low: int = 0
    """First UDP port for faxes, even; 0: the system chooses each port. A fax takes two."""
    port_high: int = 0
    """Last UDP port for faxes; unused when `port_low` is 0."""
    learn_source: bool = True
    """Whether a peer whose packets come from elsewhere than it said may be learnt, once."""
    learn_after_s: float = 1.0
    """Seconds after a beginning in which only the agreed address can become the source."""
    utc_offset_minutes: int = 480
    """The bank's wall clock, which the line above each page shows; minutes east of UTC."""
    max_seconds: float = 3_600.0
    """Seconds after which a fax is ended, whatever it is doing."""
    max_file_mb: int = 64
    """Megabytes that a received fax may take, and that stay free on its disk; it is ended there."""
    max_pages: int = MAX_PAGES
    """Pages of a received fax; one with more is ended. 1 to 200."""
    silent_s: float = 30.0
    """Seconds without a word from the process after which it is killed and replaced. It reports
    three times as often."""
    open_timeout_s: float = 2.0
    """Seconds the node waits for an answer to `Open`, and for the end of a process told to go."""

    def __post_init__(self) -> None:
        if not 1 <= self.lines <= MAX_LINES:
            raise ValueError(f"fax process: lines is {self.lines}: give 1 to {MAX_LINES}")
        if not self.library:
            raise ValueError("fax process: library is empty: give the name of libspandsp")
        if min(self.max_seconds, self.open_timeout_s, self.silent_s) <= 0 or self.learn_after_s < 0:
            raise ValueError(
                "fax process: times are seconds; max_seconds, open_timeout_s, silent_s above 0"
            )
        if self.max_file_mb < 1:
            raise ValueError("fax process: max_file_mb is 1 or more")
        if not 1 <= self.max_pages <= MAX_PAGES:
            raise ValueError(
                f"fax process: max_pages is {self.max_pages}: give 1 to {MAX_PAGES}, "
                "for longer faxes are not bound as PDF"
            )
        if not good_range(self.port_low, self.port_high):
            raise ValueError(
                f"fax ports {self.port_low}-{self.port_high}: give an even first port from 1024 "
                "and a higher last port, or 0 for ports chosen by the system"
            )
