"""No new money for now: what is under way ends, enquiries and reports of loss go on."""

from dataclasses import dataclass


@dataclass(slots=True)
class Brake:
    """Whoever runs the node puts it on and takes it off; every new posting looks at it."""

    reason: str = ""
    """Why nothing new is posted, as in `NotSent`; empty: it is."""
