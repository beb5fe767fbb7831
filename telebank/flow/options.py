"""Bounds of the flow engine: what data may not exceed, and what a bank may set."""

from dataclasses import dataclass

from transactions.request import Language

SCHEMA = "ivr-flow/1"
LANGUAGES: tuple[Language, ...] = ("zh", "en")
"""Every text exists in each of these; the first is spoken until another is chosen."""
KEYS = "0123456789*#"

MAX_FLOWS = 200
MAX_NODES = 300
"""Nodes of one flow."""
MAX_FILE_BYTES = 500_000
MAX_TEXTS = 5_000
"""Texts of one language."""
MAX_SAY = 8
"""Prompts that one node speaks."""
MAX_CHOICES = 5
"""Choices of one menu, beside the inherited keys."""
MAX_DEPTH = 3
"""Menus in a row before an agent must be offered."""
ROW_NUMBER = "n"
"""Slot of a row's text: its number from 1."""
ROW_KEY = "key"
"""Slot of a row's text: the key that chooses it."""
MAX_USUAL = 2
"""Rows said before the choices of a menu: what a caller uses most."""
MAX_PICKED_ROWS = 9
"""Rows of a menu that keys 1 to 9 choose from."""
ROWS_A_PAGE = 5
"""Rows that a list is reckoned with in spoken seconds; hosts give about so many at once."""
MAX_TRIES = 5
MAX_TIMER_S = 30.0
"""Longest first-digit or inter-digit timer, in seconds."""
MAX_VISITS = 20
MAX_ENTRY = 32
"""Keys of one entry."""
MAX_BUFFER = 64
"""Keys typed ahead; later ones are dropped."""
MAX_FRAMES = 8
"""Sub-flows inside each other."""
MAX_STEPS = 100
"""Nodes run through without waiting for anything; more is a bug of the checker."""


@dataclass(frozen=True, slots=True)
class FlowOptions:
    """What a bank may set for all its flows."""

    call_guard_s: float = 900.0
    """Seconds after which a call is ended, as soon as no answer is outstanding or untold."""
    guard_prompt: str = "sys.goodbye"
    """Said (without values) before the guard hangs up."""
    done_prompt: str = "sys.done"
    """Said (without values) of an approval whose answer lacks a value that its own words need."""
    full_prompt: str = "queue.full"
    """Said (without values) where a queue is full and its node has no exit for that."""
    filler_after_s: float = 3.0
    """Seconds of waiting for a service after which its filler is said."""
    filler_again_s: float = 10.0
    """Seconds between one filler's end and the next."""
    answer_guard_s: float = 60.0
    """Seconds after which a service that never answered is taken as unknown."""
    play_guard_s: float = 120.0
    """Seconds after which a prompt whose end was never told is taken as lost."""
    heard_after_s: float = 1.5
    """Seconds of a result's words after which a caller who presses on counts as told."""
    spoken_budget_s: float = 75.0
    """Seconds of prompts on the longest way through one flow, values included."""
    quick_service: str = "card.balance"
    """What a caller who knows the keys is timed to: the service, and below what it tells."""
    quick_output: str = "available"
    """The output whose first sample counts."""
    quick_budget_s: float = 25.0
    """Seconds from the answer to that sample, at 300 ms a key."""
    quick_host_s: float = 1.0
    """Seconds that the host is taken to need for an answer, in that reckoning."""
    type_ahead: int = MAX_BUFFER
    """Keys kept while nothing takes them."""
