"""The rows of a slot whose next frames lie whole in the bank, in one law: one gather a tick."""

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FRAME


class Speakers:
    """Rows and their positions side by side in two arrays, without holes."""

    def __init__(self, windows: NDArray[np.uint8], capacity: int) -> None:
        """`windows[p]` is the frame of the bank that begins at sample p."""
        self._windows = windows
        self._last = len(windows) - 1
        self._rows = np.zeros(capacity, dtype=np.int64)
        self._positions = np.zeros(capacity, dtype=np.int64)
        self._place: dict[int, int] = {}

    def put(self, row: int, position: int) -> None:
        """The row's next frame begins at `position`."""
        place = self._place.setdefault(row, len(self._place))
        self._rows[place] = row
        self._positions[place] = position - FRAME

    def drop(self, row: int) -> None:
        """The row is gathered no more; the last row takes its place."""
        place = self._place.pop(row, None)
        if place is None or place == len(self._place):
            return
        last = len(self._place)
        moved = int(self._rows[last])
        self._rows[place], self._positions[place] = moved, self._positions[last]
        self._place[moved] = place

    def gather(self, payload: NDArray[np.uint8]) -> None:
        """Advance every row by a frame and write it into the row's payload.

        A row whose segment ends inside this frame gets what lies behind it in the bank; whoever
        joins its segments writes over that, and `put`s the row anew or drops it.
        """
        count = len(self._place)
        if not count:
            return
        positions = self._positions[:count]
        positions += FRAME
        payload[self._rows[:count]] = self._windows[np.minimum(positions, self._last)]
