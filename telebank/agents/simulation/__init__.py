"""The centre played in virtual time, with callers by chance: how long would they wait?

outcome = play(Plan(options, streams, staff, calls=10_000), seed=1)

It is the centre of a node that is played, not a likeness of it; only who calls, who sits there, how
long they talk and for how long they wait are drawn by lot.
"""

from telebank.agents.simulation.outcome import Outcome, QueueOutcome
from telebank.agents.simulation.plan import Plan, PlanError, Staff, Stream
from telebank.agents.simulation.play import play

__all__ = ["Outcome", "Plan", "PlanError", "QueueOutcome", "Staff", "Stream", "play"]
