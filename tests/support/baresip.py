"""baresip as a desk phone: it registers, answers by itself, and leaves when it is stopped. Or as a
caller, told what to do:

async with baresip(folder, "sip:8001@127.0.0.1:40001;transport=tcp", "secret"):
    ...
async with baresip_caller(folder, encryption="srtp-mand") as phone:
    await phone.does("dial", "sip:bank@127.0.0.1:40001")
    heard = phone.heard()
"""

import asyncio
import json
import signal
import socket
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MODULES = Path("/usr/lib/baresip/modules")
_CONFIG = """\
poll_method epoll
sip_listen {listen}
{sip_ca}
module_path {modules}
module g711.so
module aubridge.so
module_tmp account.so
module_app menu.so
audio_source {source}
audio_player aubridge,desk
audio_alert aubridge,bell
call_max_calls 4
rtp_timeout 60
"""


@asynccontextmanager
async def baresip(
    folder: Path,
    address: str,
    secret: str,
    *,
    expires: int = 60,
    listen: str = "127.0.0.1:0",
    ca: Path | None = None,
    more: Sequence[str] = (),
    options: str = "",
    source: str = "aubridge,desk",
    dials: str = "",
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run it with one account; ended by SIGTERM, for which it takes its registration back. `more`
    lines of its settings, `options` of its account, `source` of what it says. What it `dials`, it
    calls at once."""
    folder.mkdir(parents=True, exist_ok=True)
    config = _CONFIG.format(
        listen=listen,
        modules=MODULES,
        source=source,
        sip_ca=f"sip_cafile {ca}" if ca is not None else "",
    )
    (folder / "config").write_text(config + "".join(f"{line}\n" for line in more))
    user = address.removeprefix("sip:").partition("@")[0]
    account = f"<{address}>;auth_user={user};auth_pass={secret};regint={expires};answermode=auto"
    account += options
    (folder / "accounts").write_text(account + "\n")
    (folder / "contacts").write_text("")
    command = ("-e", f"/dial {dials}") if dials else ()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *("baresip", "-f", str(folder), "-s", *command), stdout=log, stderr=log,
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), 10)
                except TimeoutError:
                    process.kill()
                    await process.wait()


ENCRYPTIONS = {"srtp-mand": "srtp.so", "dtls_srtp": "dtls_srtp.so"}
"""Modules of baresip by the encryption of media that they do."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A baresip that runs, and how it is told what to do."""

    folder: Path
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def does(self, command: str, params: str = "") -> None:
        """A command of its menu; fails where it says that it could not."""
        text = json.dumps({"command": command, "params": params, "token": command}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        while True:
            said = await self._said()
            if said.get("response") and said.get("token") == command:
                assert said["ok"], said
                return

    async def _said(self) -> dict[str, object]:
        size = await asyncio.wait_for(self._reader.readuntil(b":"), 10)
        text = await asyncio.wait_for(self._reader.readexactly(int(size[:-1]) + 1), 10)
        found: dict[str, object] = json.loads(text[:-1])
        return found

    def heard(self) -> NDArray[np.int16]:
        """All that it heard in its calls; whole once they have ended."""
        (path,) = self.folder.glob("dump-*-dec.wav")
        with wave.open(str(path)) as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.int16)


@asynccontextmanager
async def baresip_caller(
    folder: Path,
    *,
    encryption: str = "",
    transport: str = "udp",
    ca: Path | None = None,
    ice: bool = False,
) -> AsyncIterator[Caller]:
    """One that registers nowhere, keeps what it hears and does as it is told; `encryption` is one
    of `ENCRYPTIONS`."""
    port = _free_port()
    speech = folder / "speech.wav"
    _write_speech(speech)
    modules = [
        "ctrl_tcp.so",
        "sndfile.so",
        "aufile.so",
        *([ENCRYPTIONS[encryption]] if encryption else []),
    ]
    more = [*(f"module {name}" for name in [*modules, *(["ice.so"] if ice else [])])]
    more += [f"ctrl_tcp_listen 127.0.0.1:{port}", f"snd_path {folder}", "rtcp_mux yes"]
    options = f";mediaenc={encryption}" if encryption else ""
    options += ";medianat=ice" if ice else ""
    address = f"sip:caller@127.0.0.1;transport={transport}"
    async with baresip(
        *(folder, address, "none"),
        expires=0,
        ca=ca,
        more=more,
        options=options,
        source=f"aufile,{speech}",
    ) as process:
        reader, writer = await _reached(port, process)
        try:
            yield Caller(folder, reader, writer)
        finally:
            writer.close()


def _write_speech(path: Path) -> None:
    """Two minutes of a tone, for a call to have something to say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 3_000 * np.sin(2 * np.pi * 300 * np.arange(120 * 8_000) / 8_000)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


async def _reached(
    port: int, process: asyncio.subprocess.Process
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(200):
        assert process.returncode is None, "baresip ended: see its log"
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
    raise AssertionError("baresip does not listen: see its log")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
