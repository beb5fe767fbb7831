"""Settings of staff: section `[staff]` of telebank.toml."""

from dataclasses import dataclass

POSITIVE = (
    *("tries_max", "lock_s", "idle_s", "session_s", "sessions_max", "sessions_each"),
    *("approval_s", "enrol_s", "told_s", "argon2_memory_kib", "argon2_time", "argon2_lanes"),
    *("verify_parallel", "verify_waiting", "answers_max"),
)


@dataclass(frozen=True, slots=True)
class StaffOptions:
    """How often, how long and how many."""

    tries_max: int = 10
    """Wrong logins in a row before a name is locked."""
    lock_s: float = 1_800.0
    """How long it stays locked, in seconds."""
    idle_s: float = 900.0
    """Seconds without an act after which a login ends; looking by a live screen is no act."""
    session_s: float = 43_200.0
    """Longest life of a login, in seconds, however busy."""
    sessions_max: int = 500
    """Logins at once on a node; past them the one idle longest ends."""
    sessions_each: int = 4
    """Logins at once of one person; past them his oldest ends."""
    approval_s: float = 86_400.0
    """Seconds in which a second person may approve a proposal."""
    enrol_s: float = 86_400.0
    """Seconds after an approval in which the new person may enrol with both halves of the code."""
    told_s: float = 604_800.0
    """Seconds for which a login tells whom one let in, and whether he has enrolled."""
    argon2_memory_kib: int = 65_536
    """Memory of one password hash, in KiB (argon2id, RFC 9106 section 4, second choice)."""
    argon2_time: int = 3
    """Passes over that memory."""
    argon2_lanes: int = 1
    """Lanes; one, so that a login never takes more than one core from calls."""
    verify_parallel: int = 1
    """Password hashes computed at once, each in a thread of its own."""
    verify_waiting: int = 16
    """Logins under way and waiting; a further one is told that the node is busy."""
    answers_max: int = 1_000
    """Answers to acts remembered by request id."""

    def __post_init__(self) -> None:
        for name in POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above zero")
