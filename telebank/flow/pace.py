"""How slowly a call goes for one who needs it: longer timers and guards, and slower speech.

A relay operator types what is said and reads out what is typed, so that one exchange takes several
times as long as it does between two people who hear each other.
"""

from collections.abc import Mapping
from types import MappingProxyType

PATIENCE: Mapping[str, float] = MappingProxyType({"normal": 1.0, "long": 2.0, "relay": 4.0})
"""What the timers for keys are multiplied by."""
GUARD: Mapping[str, float] = MappingProxyType({"normal": 1.0, "long": 1.5, "relay": 3.0})
"""What the guard over the whole call is multiplied by."""
SPEEDS = ("normal", "slow")
SLOW_LASTS = 1.25
"""How many times as long slow speech lasts."""

NORMAL, SLOW = SPEEDS
