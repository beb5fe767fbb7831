"""A snapshot with something of everything in it."""

from telebank.ops.metrics_types import (
    AlarmNow,
    Anchors,
    Clock,
    Disk,
    Fax,
    Host,
    Lines,
    Link,
    NodeTold,
    Queue,
    Snapshot,
    StoreTold,
    Trunk,
    Worker,
)


def node(**changed: object) -> NodeTold:
    """A node that is well."""
    told: dict[str, object] = {
        "node": "01",
        "version": "0.1.0",
        "release": "ab" * 32,
        "epoch": 3,
        "uptime_s": 61.4,
        "draining": False,
        "stand_in": False,
        "lines": Lines(limit=500, menus=12, faxes=2, tellers=3, setups=2**33, refused={"busy": 4}),
        "trunks": (
            Trunk(name="carrier", calls_in=7, peers=2, peers_up=2),
            Trunk(name="other", calls_out=1, peers=2),
            Trunk(name="loopback"),
        ),
        "workers": (Worker(up=True, channels=14, late_ms=1.25),),
        "queues": (
            Queue(key="general", name="General", open=True, waiting=3, longest_s=41.6),
            Queue(key="loans", name="Loans"),
        ),
        "seats": {"ready": 2, "talking": 1},
        "host": Host(
            name="tb87",
            links_up=1,
            links=2,
            in_flight=5,
            business_date="2026-11-23",
            each=(
                Link(name="a", up=True, since_s=60, latency_ms=12.4, answers=9, stan=4711),
                Link(name="b"),
            ),
        ),
        "fax": Fax(available=True, channels=4, busy=1),
        "anchors": Anchors(places=2, sequence=1_200),
    }
    return NodeTold(**{**told, **changed})  # type: ignore[arg-type]


def store(**changed: object) -> StoreTold:
    """A store that is well."""
    told = {"pending": 2, "oldest_s": 3.0, "unknown": 1, "manual": 4, "sequence": 1234}
    return StoreTold(**{**told, **changed})  # type: ignore[arg-type]


def snapshot(**changed: object) -> Snapshot:
    """All of it."""
    seen: dict[str, object] = {
        "node": node(),
        "store": store(),
        "disk": Disk(total=100 * 2**30, free=25 * 2**30),
        "clock": Clock(steps=1, step_s=-2.5, since_s=7.0),
        "alarms": (
            AlarmNow(name="disk_low", severity="major", threshold=10, value=25, en="Disk low"),
        ),
    }
    return Snapshot(**{**seen, **changed})  # type: ignore[arg-type]
