"""linphone 5 on its command line, with files for a sound card: what it hears is recorded.

with linphone(tmp_path) as phone:
    phone.type("call sip:bank@127.0.0.1:5060")
"""

import subprocess
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from support.interop_programs import Program, free_place, needed, program

_CONFIG = """\
[sip]
sip_port={port}
sip_tcp_port={port}
sip_tls_port={tls_port}
use_info={info}
use_rfc2833={events}
root_ca={ca}
default_proxy=-1
register_only_when_network_is_up=0
guess_hostname=0
use_ipv6=0
ipv6_migration_done=1
contact="desk" <sip:desk@127.0.0.1>
[net]
firewall_policy=0
mtu=1300
[rtp]
audio_rtp_port=-1
[misc]
uuid={uuid}
[sound]
remote_ring=
{codecs}
"""
_CODEC = """[audio_codec_{index}]
mime={mime}
rate={rate}
enabled={enabled}
"""
_UUID = "00000000-0000-4000-8000-000000000001"
"""Without one it makes one of a random number, and writes it down."""
MURMUR_S = 60
QUIT_S = 15.0
TENTH = 800
"""Samples in a tenth of a second: it records at the rate of the codec, 8,000 Hz."""
LOUD = 300
"""Of 32,767: the level, mean square, of a tenth of a second that is no silence."""


@dataclass(frozen=True, slots=True)
class Linphone:
    """A running one."""

    program: Program
    folder: Path

    def type(self, line: str) -> None:
        """A command, or keys to press."""
        self.program.type(line)

    def until_said(self, words: str, times: int = 1) -> None:
        """Wait for words of it."""
        self.program.until_said(words, times=times)

    def log_text(self) -> str:
        """Its log, every SIP message among it."""
        return (self.folder / "messages.log").read_text(encoding="utf-8", errors="replace")

    def heard_s(self) -> float:
        """Seconds, by tenths, in which there was a sound in its ear; whole once it has quit."""
        with wave.open(str(self.folder / "heard.wav"), "rb") as file:
            assert file.getframerate() == TENTH * 10
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        tenths = samples[: samples.size // TENTH * TENTH].reshape(-1, TENTH)
        level = np.sqrt((tenths.astype(np.float64) ** 2).mean(axis=1))
        return float((level > LOUD).sum()) / 10


@contextmanager
def linphone(
    folder: Path, *, codec: str = "PCMA", info: bool = False, ca: Path | None = None
) -> Iterator[Linphone]:
    """Run it with one codec, keys as telephone-events or, with `info`, by SIP INFO."""
    binary = needed("linphonec", "linphone-cli")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".local/share/linphone").mkdir(parents=True, exist_ok=True)
    known = [("opus", 48000), ("speex", 16000), ("speex", 8000), ("PCMU", 8000), ("PCMA", 8000)]
    codecs = "".join(
        _CODEC.format(index=index, mime=mime, rate=rate, enabled=int(mime == codec))
        for index, (mime, rate) in enumerate(known)
    )
    port, tls_port = free_place()[1], free_place()[1]
    config = folder / "linphonerc"
    config.write_text(
        _CONFIG.format(
            port=port, tls_port=tls_port, info=int(info), events=int(not info),
            ca=ca or "", uuid=_UUID, codecs=codecs,
        )
    )  # fmt: skip
    words = [binary, "-c", str(config), "-d", "6", "-l", str(folder / "messages.log")]
    with program(words, folder / "said.log", {"HOME": str(folder)}) as running:
        running.until_said("linphonec>")
        phone = Linphone(running, folder)
        phone.type("soundcard use files")
        phone.type(f"play {_murmur(folder / 'mouth.wav')}")
        phone.type(f"record {folder / 'heard.wav'}")
        try:
            yield phone
        finally:
            if running.process.poll() is None:
                phone.type("quit")
                with suppress(subprocess.TimeoutExpired):  # it may wait for a lost registration
                    running.process.wait(QUIT_S)


def _murmur(file: Path) -> Path:
    """What it says all the time: with nothing to say it sends nothing, and is taken for gone."""
    samples = np.random.default_rng(1).integers(-40, 40, TENTH * 10 * MURMUR_S).astype("<i2")
    with wave.open(str(file), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(TENTH * 10)
        wav.writeframes(samples.tobytes())
    return file
