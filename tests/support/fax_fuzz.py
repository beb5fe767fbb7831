"""Spoilt facsimile packets and spoilt audio into real terminals: run as a process of its own, so
that a crash of the library is seen as one.

    python fax_fuzz.py t38|random|frames|audio FIRST_SEED SEEDS FOLDER
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fax.terminal import Accept, AudioTerminal, T38Peer, T38Terminal, TerminalOptions
from fax.udptl import decode, encode
from support.fax_lines import Call, Network, fax, over_t38, page, spandsp, t38_pair

PAGES = [page(seed, 300) for seed in range(2)]


class Spoiling(Network):
    """A network that changes what it carries, but for the sequence numbers."""

    def send(self, now: int, datagram: bytes) -> None:
        dice = self._dice
        if dice.random() < 0.04:
            packet = decode(datagram)
            spoilt = [spoil(dice, ifp) for ifp in (packet.primary, *packet.secondaries)]
            if any(len(ifp) > 1000 for ifp in spoilt):
                return
            datagram = encode(packet.sequence, spoilt[0], spoilt[1:])
        elif dice.random() < 0.02:
            datagram = spoil(dice, datagram)
        super().send(now, datagram)


def spoil(dice: random.Random, ifp: bytes) -> bytes:
    """Bits turned, cut, lengthened, doubled, or something else altogether."""
    spoilt = bytearray(ifp)
    kind = dice.randrange(6)
    if kind == 0 and spoilt:
        for _ in range(dice.randrange(1, 4)):
            spoilt[dice.randrange(len(spoilt))] ^= 1 << dice.randrange(8)
    elif kind == 1:
        del spoilt[dice.randrange(len(spoilt) + 1) :]
    elif kind == 2:
        spoilt += dice.randbytes(dice.randrange(1, 60))
    elif kind == 3:
        spoilt *= 2
    elif kind == 4 and len(spoilt) > 1:
        at = dice.randrange(1, len(spoilt))
        spoilt[at:] = dice.randbytes(len(spoilt) - at)
    else:
        spoilt = bytearray(dice.randbytes(dice.randrange(0, 300)))
    return bytes(spoilt)


def spoilt_calls(seed: int, folder: Path) -> None:
    """A whole fax with packets spoilt both ways, perhaps cut off in the middle."""
    dice = random.Random(seed)
    ecm = dice.random() < 0.5
    options = (TerminalOptions(ecm=ecm, ident="A"), TerminalOptions(ecm=ecm, ident="B"))
    last_tick = dice.randrange(200, 5000)

    def hang_up(call: Call) -> bool:
        return call.tick > last_tick

    work = fax(folder, PAGES)
    work[1].path.unlink(missing_ok=True)
    over_t38(t38_pair(work, options), Spoiling(seed), Spoiling(seed + 1), 100, hang_up)


def random_packets(seed: int, folder: Path) -> None:
    """Packets of any bytes, in order, into a terminal at every stage that they lead it to."""
    dice = random.Random(seed)
    work, calling = fax(folder, PAGES)[seed % 2], dice.random() < 0.5
    terminal = T38Terminal(spandsp(), work, calling, TerminalOptions(), T38Peer())
    for sequence in range(1500):
        length = dice.choice((0, 1, 1, 2, 3, 5, 8, 60, 270, 900))
        terminal.datagram(encode(sequence, dice.randbytes(length)))
        terminal.tick()
    terminal.close()


CONTROLS = bytes.fromhex("8040208142c284448e4e2ebece6e8ccc4cac2cbcec1cfa1a12c4")
"""Facsimile control fields, the sender's bit clear."""
ENDING = b"\x82\x06"
"""Those that end the call at once in many a form."""
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
V21 = 0xC0
INDICATORS = (0x00, 0x02, 0x04, 0x06, 0x1E, 0x1C, 0x0E)


def invented_frames(seed: int, folder: Path) -> None:
    """Well-formed packets of T.30 frames whose order and contents make no sense."""
    dice = random.Random(seed)
    work, calling = fax(folder, PAGES)[seed % 2], dice.random() < 0.5
    options = TerminalOptions(ecm=dice.random() < 0.7)
    terminal = T38Terminal(spandsp(), work, calling, options, T38Peer())
    ifps: list[bytes] = []
    for sequence in range(3000):
        if not ifps:
            ifps = exchange(dice, sending=seed % 2 == 0)
        terminal.datagram(encode(sequence, ifps.pop(0)))
        for _ in range(dice.choice((0, 0, 1, 1, 3, 20))):
            terminal.tick()
        if terminal.finished:
            break
    terminal.close()


DCS = b"\xff\x13\x83\x00\xe2\xf8\x44"
"""14400 bit/s, fine, error correction, T.6."""
V17_14400 = 0xD0


def receiving(dice: random.Random) -> list[bytes]:
    """What brings a receiver to a page: DCS, training, blocks, their end; each but for chance."""
    steps = [[b"\x06", *packed(V21, DCS, 0x40), b"\0"]]
    zeros = bytes([V17_14400, 1, 0xE0, 0, 53]) + bytes(54)
    steps.append([b"\x1e", *[zeros] * 50, bytes([V17_14400, 1, 0xF0]), b"\0"])
    for _ in range(dice.randrange(1, 4)):
        block = [b"\x1c"]
        frames = dice.randrange(1, 12)
        for number in range(frames):
            coded = dice.choice((bytes(256), dice.randbytes(dice.randrange(257)), b"\xff" * 256))
            block += packed(V17_14400, bytes([0xFF, 0x03, 0x06, number]) + coded, 0x20)
        rcp = packed(V17_14400, b"\xff\x03\x86", 0x20) * 3
        end = bytes([0xFF, 0x13, 0xBF, dice.choice((0, 0x4F, 0x2F, 0x8F)), 0, 0, frames - 1])
        end = end if dice.random() < 0.7 else spoil(dice, end)[:250]
        steps.append([*block, *rcp, b"\0", b"\x06", *packed(V21, end, 0x40), b"\0"])
    return [b"\0", *(ifp for step in steps if dice.random() < 0.9 for ifp in step)]


def packed(data_type: int, frame: bytes, closing: int) -> list[bytes]:
    """A frame in a packet, in the order of bits that T.38 has, and the packet that closes it."""
    size = (max(1, len(frame)) - 1).to_bytes(2, "big")
    data = bytes([data_type, 1, 0x80]) + size + (frame or b"\0").translate(REVERSED)
    return [data, bytes([data_type, 1, closing])]


def exchange(dice: random.Random, sending: bool) -> list[bytes]:
    """Flags, some frames, silence; or a stretch of image data at some rate; or a page."""
    if not sending and dice.random() < 0.3:
        return receiving(dice)
    if dice.random() < 0.2:
        data_type = V21 | dice.randrange(9) << 1
        field = dice.choice((0x80, 0x20, 0x40, 0xE0, 0xF0))
        length = dice.randrange(1, 200)
        image = bytes([data_type, 1, field]) + (length - 1).to_bytes(2, "big")
        body = dice.choice((bytes(length), dice.randbytes(length)))
        return [bytes([dice.choice(INDICATORS)])] + [image + body] * dice.randrange(1, 40) + [b"\0"]
    ifps = [b"\x06"]
    for _ in range(dice.choice((1, 1, 2, 3))):
        ifps += framed(dice, last=False)
    return ifps + framed(dice, last=True) + [b"\0"]


def framed(dice: random.Random, last: bool) -> list[bytes]:
    """One frame, with the bit order and the closing field that T.38 has."""
    rare = CONTROLS + ENDING if dice.random() < 0.05 else CONTROLS
    control = dice.choice(rare) | dice.randrange(2)
    about = dice.choice((b"", b"\x00\xe2\x78", b"\x00\xe2\xf8\xc4\x80\x10", b"\x2f\0\0\xff"))
    about = dice.choice((about, dice.randbytes(dice.randrange(40)), spoil(dice, about)))
    frame = (bytes([0xFF, 0x13 if last else 0x03, control]) + about)[:256]
    return packed(V21, frame, 0x40 if last else 0x20)


def spoilt_audio(seed: int, folder: Path) -> None:
    """Two audio terminals with noise, clipping and holes between them."""
    dice = random.Random(seed)
    noise = np.random.default_rng(seed)
    sending, _ = fax(folder, PAGES)
    caller = AudioTerminal(spandsp(), sending, True, TerminalOptions())
    called = AudioTerminal(spandsp(), Accept(folder / "audio.tiff"), False, TerminalOptions())
    said = np.zeros(160, np.int16)
    for _ in range(dice.randrange(500, 2500)):
        for terminal in (called, caller):
            said = terminal.tick(said)
            if dice.random() < 0.01:
                said = noise.integers(-32768, 32767, 160, np.int16)
            elif dice.random() < 0.01:
                said = np.roll(said, dice.randrange(160))
    caller.close()
    called.close()


KINDS: dict[str, Callable[[int, Path], None]] = {
    "t38": spoilt_calls,
    "random": random_packets,
    "frames": invented_frames,
    "audio": spoilt_audio,
}


def main() -> None:
    kind, first, seeds, folder = sys.argv[1:]
    for seed in range(int(first), int(first) + int(seeds)):
        print(seed, flush=True)
        KINDS[kind](seed, Path(folder))
    print("survived", flush=True)


if __name__ == "__main__":
    main()
