"""baresip as a desk phone: it registers, answers by itself, and leaves when it is stopped.

async with baresip(folder, "sip:8001@127.0.0.1:40001;transport=tcp", "secret"):
    ...
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
audio_source aubridge,desk
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
    dials: str = "",
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run it with one account; ended by SIGTERM, for which it takes its registration back. What it
    `dials`, it calls at once."""
    folder.mkdir(parents=True, exist_ok=True)
    config = _CONFIG.format(
        listen=listen,
        modules=MODULES,
        folder=folder,
        sip_ca=f"sip_cafile {ca}" if ca is not None else "",
    )
    (folder / "config").write_text(config)
    user = address.removeprefix("sip:").partition("@")[0]
    account = f"<{address}>;auth_user={user};auth_pass={secret};regint={expires};answermode=auto"
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
