"""Headless Chromium at a desk of the console, with a microphone that plays a file.

with chromium(folder, microphone=wav) as driver:
    log_in(driver, base, token)
    heard(driver)                # {"state": "connected", "hertz": 700, ...} of its connection
"""

import shutil
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

RATE = 48_000
PATIENCE_S = 60.0
WATCH = """
window.peers = [];
const Peer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Peer {
  constructor(...all) { super(...all); window.peers.push(this); }
};
"""
"""Before the page: keeps its connections, so that a test can look at them."""
HEARD = """
const done = arguments[0];
(async () => {
  const peer = window.peers.at(-1);
  if (!peer) return { state: "none" };
  const track = peer.getReceivers()[0]?.track;
  if (!track) return { state: peer.connectionState };
  if (window.earOf !== track) {
    window.earOf = track;
    window.earContext ??= new AudioContext();
    window.ear = earContext.createAnalyser();
    ear.fftSize = 8192;
    earContext.createMediaStreamSource(new MediaStream([track])).connect(ear);
  }
  await earContext.resume();
  await new Promise((go) => setTimeout(go, 400));
  const bins = new Float32Array(ear.frequencyBinCount);
  ear.getFloatFrequencyData(bins);
  const best = bins.indexOf(Math.max(...bins));
  const found = { state: peer.connectionState, peers: window.peers.length,
    hertz: best * earContext.sampleRate / ear.fftSize, db: bins[best] };
  for (const each of (await peer.getStats()).values()) {
    if (each.type === "inbound-rtp") found.packets = each.packetsReceived;
    if (each.type === "codec") found.codec = each.mimeType;
  }
  return found;
})().then(done, (error) => done({ state: String(error) }));
"""


def missing() -> str:
    """Why there is no browser to try; empty: there is."""
    found = shutil.which("chromium") and shutil.which("chromedriver")
    return "" if found else "needs chromium and its driver (Debian: chromium-driver)"


def bleeps(path: Path, hertz: float) -> Path:
    """A WAV file of bleeps: what never pauses is taken for noise by browsers, and left out."""
    times = np.arange(RATE) / RATE
    on = (times % 0.25) < 0.15
    sound = np.rint(12_000 * np.sin(2 * np.pi * hertz * times) * on).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())
    return path


@contextmanager
def chromium(folder: Path, microphone: Path | None = None) -> Iterator[Chrome]:
    """A browser; without a `microphone` it is not allowed to have one."""
    options = ChromeOptions()
    for word in (
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--no-first-run", f"--user-data-dir={folder}", "--window-size=1366,768"),
        *("--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection"),
        "--use-fake-device-for-media-stream",
    ):
        options.add_argument(word)
    options.add_argument("--lang=en-GB")
    answer = 2 if microphone is None else 1
    options.add_experimental_option(
        "prefs", {"profile.default_content_setting_values.media_stream_mic": answer}
    )
    if microphone is not None:
        options.add_argument(f"--use-file-for-fake-audio-capture={microphone}")
    options.binary_location = shutil.which("chromium") or ""
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.set_script_timeout(PATIENCE_S)
        watch(driver)
        yield driver
    finally:
        driver.quit()


def watch(driver: Chrome) -> None:
    """Look at the connections of pages that this tab opens from now on."""
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})


def another_tab(driver: Chrome) -> None:
    """Go on in a new tab; the one before stays open."""
    driver.switch_to.new_window("tab")
    watch(driver)


def log_in(driver: Chrome, base: str, token: str) -> None:
    """This browser has a login that was made elsewhere."""
    driver.get(f"{base}/livez")
    driver.add_cookie({"name": "telebank_staff", "value": token})


def until(driver: Chrome, what: Callable[[], Any], words: object) -> Any:
    """Wait until something is so; the message has what the page's scripts complained of."""
    try:
        return WebDriverWait(driver, PATIENCE_S, 0.2).until(lambda _: what())
    except Exception as error:
        said = [each["message"] for each in driver.get_log("browser")]
        raise AssertionError(f"{words} did not happen: {said}") from error


def heard(driver: Chrome) -> dict[str, Any]:
    """What the page's newest connection hears."""
    found: dict[str, Any] = driver.execute_async_script(HEARD)
    return found
