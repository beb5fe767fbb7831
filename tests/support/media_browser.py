"""Headless Chromium as a caller: a page of WebRTC on loopback, whose offer the test answers.

async with browser(folder, answer) as caller:
    heard = await caller.done()      what the page says of the call, once it has pressed its key
"""

import asyncio
import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web

PAGE = """<!doctype html><title>call</title><script>
async function call() {
  const peer = new RTCPeerConnection({bundlePolicy: "max-bundle"});
  const own = await navigator.mediaDevices.getUserMedia({audio: true});
  const sender = peer.addTrack(own.getAudioTracks()[0], own);
  const loudspeaker = new Audio();
  peer.ontrack = event => {
    loudspeaker.srcObject = new MediaStream([event.track]);
    loudspeaker.play();
  };
  const connected = new Promise((go, fail) => peer.onconnectionstatechange = () => {
    if (peer.connectionState === "connected") go();
    if (peer.connectionState === "failed") fail(new Error("connection failed"));
  });
  await peer.setLocalDescription(await peer.createOffer());
  const answer = await fetch("/offer", {method: "POST", body: peer.localDescription.sdp});
  await peer.setRemoteDescription({type: "answer", sdp: await answer.text()});
  await connected;
  await new Promise(go => setTimeout(go, 2000));
  sender.dtmf.insertDTMF("5#", 120, 80);
  await new Promise(go => setTimeout(go, 2000));
  const heard = {};
  for (const each of (await peer.getStats()).values()) {
    if (each.type === "inbound-rtp") Object.assign(heard, {
      packets: each.packetsReceived, lost: each.packetsLost, energy: each.totalAudioEnergy});
    if (each.type === "transport") Object.assign(heard, {
      srtp: each.srtpCipher, dtls: each.dtlsState, role: each.dtlsRole});
    if (each.type === "candidate-pair" && each.nominated) Object.assign(heard, {
      checks: each.responsesReceived});
  }
  return heard;
}
call().catch(error => ({error: String(error)}))
  .then(heard => fetch("/done", {method: "POST", body: JSON.stringify(heard)}));
</script>"""

Answer = Callable[[str], Awaitable[str]]


def program() -> str | None:
    """Where Chromium is, if it is."""
    return shutil.which("chromium")


class Caller:
    """What the page has said so far."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()

    async def done(self, seconds: float = 60) -> dict[str, object]:
        """What the page heard; `error` in it where it failed."""
        async with asyncio.timeout(seconds):
            return await self.heard


@asynccontextmanager
async def browser(folder: Path, answer: Answer) -> AsyncIterator[Caller]:
    """Serve the page and open it; `answer` makes the answer to its offer."""
    caller = Caller()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def offer(request: web.Request) -> web.Response:
        return web.Response(text=await answer(await request.text()))

    async def done(request: web.Request) -> web.Response:
        caller.heard.set_result(json.loads(await request.text()))
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/", page), web.post("/offer", offer), web.post("/done", done)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    process = await asyncio.create_subprocess_exec(
        *(program() or "chromium", "--headless=new", "--no-sandbox", "--disable-gpu"),
        *(
            "--autoplay-policy=no-user-gesture-required",
            "--disable-dev-shm-usage",
            "--use-fake-ui-for-media-stream",
        ),
        *("--use-fake-device-for-media-stream", "--allow-loopback-in-peer-connection"),
        *("--no-first-run", f"--user-data-dir={folder}", f"http://127.0.0.1:{port}/"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield caller
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await runner.cleanup()


def of(sdp: str, name: str) -> str:
    """The first value of an attribute in an offer."""
    found = re.search(rf"^a={name}:(.*?)\r?$", sdp, re.MULTILINE)
    assert found is not None, sdp
    return found[1]
