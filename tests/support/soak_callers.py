"""The callers of a soak: parties of sipp with their own sound, each in a process."""

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core_adapters.corehost.seed import SeedCard
from support.bank_process import HOST, BankProcess
from support.sipp_runs import SCENARIOS, free_port
from support.soak_sound import Keys, key_seconds, write_sound

CARDS = 8
"""Cards whose balance is asked, a party each."""
END_S = 90
"""Seconds that the last calls of a party may take after all were placed."""


@dataclass(frozen=True, slots=True)
class Party:
    """Callers who all do the same: a `share` of all calls, `least_s` to `most_s` seconds long."""

    name: str
    keys: Keys
    share: float
    least_s: float
    most_s: float
    scenario: str = "soak_leaves"

    @property
    def mean_s(self) -> float:
        """How long a call of theirs is."""
        return (self.least_s + self.most_s) / 2


def balance(card: SeedCard) -> Keys:
    """Language, accounts, card and PIN typed ahead or into their prompts; the balance three times,
    with a way back between, and the menu after it."""
    card_at = 6.0
    pin_at = card_at + key_seconds(card.card + "#") + 2.5
    heard = pin_at + key_seconds(card.pin) + 4.0
    again = [(heard, "1"), (heard + 2, "1"), (heard + 16, "*"), (heard + 18, "1")]
    again += [(heard + 31, "*"), (heard + 33, "1"), (heard + 45, "*")]
    return [(2.0, "1"), (4.0, "1"), (card_at, card.card + "#"), (pin_at, card.pin), *again]


MENUS: Keys = tuple(
    zip((2.0, 4.0, 9.0, 13.0, 19.0, 27.0, 31.0, 41.0, 46.0, 54.0), "21*1*1*1*1", strict=True)
)
"""English, and to and fro between the menu and the card that is asked for."""
GOODBYE: Keys = ((3.0, "2"), (9.0, "9"))


def parties(cards: Sequence[SeedCard]) -> list[Party]:
    """Those of a soak: the mean of their calls is some 45 seconds."""
    asking = [
        Party(f"balance{nth}", balance(card), 0.45 / CARDS, 50, 70)
        for nth, card in enumerate(cards[:CARDS])
    ]
    return [
        *asking,
        Party("menus", MENUS, 0.25, 45, 60),
        Party("in the middle", balance(cards[CARDS]), 0.2, 1, 40),
        Party("goodbye", GOODBYE, 0.1, 11, 12, scenario="soak_stays"),
    ]


def mean_s(of: Sequence[Party]) -> float:
    """How long a call is."""
    return sum(party.share * party.mean_s for party in of)


@dataclass(slots=True)
class Ringing:
    """A party that is placing its calls."""

    party: Party
    calls: int
    folder: Path
    process: subprocess.Popen[bytes]

    async def failed(self) -> str:
        """Wait for its last call; what sipp has to say where one failed, else nothing."""
        while (code := self.process.poll()) is None:
            await asyncio.sleep(0.2)
        errors = self.folder / "errors.log"
        said = errors.read_text()[-1_000:] if errors.exists() else ""
        return "" if code == 0 else f"{self.party.name}: sipp says {code}: {said}"


@contextlib.contextmanager
def ringing(
    bank: BankProcess, folder: Path, of: Sequence[Party], calls: int, seconds: float
) -> Iterator[list[Ringing]]:
    """Begin to place about so many calls over so many seconds; sipp is killed when the block
    ends."""
    started: list[Ringing] = []
    try:
        for party in of:
            started.append(_begin(bank, folder / party.name, party, calls, seconds))
        yield started
    finally:
        for one in started:
            one.process.kill()
            one.process.wait()


def _begin(bank: BankProcess, folder: Path, party: Party, calls: int, seconds: float) -> Ringing:
    folder.mkdir()
    write_sound(folder / "sound.pcap", party.keys, party.most_s + 1)
    own = max(1, round(calls * party.share))
    text = (SCENARIOS / f"{party.scenario}.xml").read_text(encoding="utf-8")
    least, most = party.least_s * 1_000, party.most_s * 1_000
    if party.scenario == "soak_stays":
        most *= 3  # the bank's goodbye has the length that it has
    text = text.replace("LEAST_MS", f"{least:.0f}").replace("MOST_MS", f"{most:.0f}")
    (folder / "scenario.xml").write_text(text, encoding="utf-8")
    command = ["sipp", bank.sip, "-sf", "scenario.xml", "-i", HOST, "-nostdin"]
    command += ["-p", str(free_port()), "-mp", str(free_port()), "-m", str(own), "-l", "1000"]
    command += ["-r", str(own), "-rp", f"{seconds * 1_000:.0f}"]
    command += ["-timeout", f"{seconds + END_S:.0f}s", "-trace_err", "-error_file", "errors.log"]
    with (folder / "screen.log").open("wb") as screen:
        process = subprocess.Popen(command, cwd=folder, stdout=screen, stderr=screen)
    return Ringing(party, own, folder, process)
