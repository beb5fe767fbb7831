"""What is asked of in-band key recognition, and what it tells."""

from dataclasses import dataclass
from typing import NamedTuple

PEAK_0_DBM0 = 22_750.0
"""Peak of a sine at 0 dBm0: 3.14 dB below the largest of A-law, 3.17 dB below that of mu-law."""


@dataclass(frozen=True, slots=True)
class InbandOptions:
    """What is a key. The defaults are Q.24's, with margins that noise needs."""

    lowest_dbm0: float = -36.0
    """dBm0 of the weaker tone."""
    twist_db: float = 11.0
    """Most by which one tone is stronger than the other."""
    offset: float = 0.0248
    """Most by which a tone is off, part of its frequency: 1.5 % is a key, 3.5 % is none."""
    alone: float = 0.6
    """Least part of its group's power that a tone has, at each look."""
    steady_db: float = 5.0
    """Most by which a tone's level differs between the looks of a span."""
    straight: float = 0.5
    """Radians by which a tone's phase may go wrong from one look to the next."""
    left_over: float = 0.15
    """Most that the fit leaves, part of the key's energy. Noise 15 dB below a key leaves 0.03; in
    half a day of speech nothing under 0.3 was found."""
    dial: float = 2.0
    """Most energy of dial tone beside the key's, part of the key's."""
    hum: float = 8.0
    """Most energy of hum and direct current, part of the key's."""
    present_db: float = 8.0
    """A key goes on while neither tone is weaker by more than this than at its beginning."""
    gone: int = 6
    """Looks (5 ms) without it that end a key: no packet lost does, a pause of 40 ms does."""
    missing_ticks: int = 5
    """Ticks without audio after which a key has ended."""


class KeyOn(NamedTuple):
    """A key was recognised, about 35 ms after it began `at`."""

    row: int
    key: str
    at: int
    dbm0: float
    """Of both tones together."""


class KeyOff(NamedTuple):
    """It ended `at`, having lasted `duration` samples."""

    row: int
    key: str
    at: int
    duration: int


Event = KeyOn | KeyOff
