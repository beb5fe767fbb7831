"""Slow browsers at the real worker with two threads: nobody waits for them."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from telebank.console.serving import GATHERED, MAX_HEAD, Gathering, Unfit

SERVER = """
import json, sys
from pathlib import Path
from flask import Flask, request
from telebank.commands.console import _Server
from telebank.console.options import ConsoleOptions

app = Flask("slow")

@app.get("/livez")
def livez():
    return "ok"

@app.post("/read")
def read():
    return str(len(request.get_data()))

@app.post("/unread")
def unread():
    return "no", 413

options = ConsoleOptions(listen="127.0.0.1:0")
object.__setattr__(options, "threads", 2)  # fewer than it takes, so that two slow ones are enough
_Server(app, options, Path(sys.argv[1])).run()
"""
READY_S = 30.0


@contextlib.contextmanager
def serving(place: Path) -> Iterator[tuple[str, int]]:
    ready = place / "ready.json"
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(ready)])
    try:
        deadline = time.monotonic() + READY_S
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        host, _, port = json.loads(ready.read_text())["listen"].rpartition(":")
        yield host, int(port)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with serving(tmp_path_factory.mktemp("web")) as found:
        yield found


def page(address: tuple[str, int], path: str) -> str:
    return f"http://{address[0]}:{address[1]}/{path}"


SLOW = {
    "no byte": b"",
    "half a head": b"GET /livez HTTP/1.1\r\nHost: x\r\n",
    "half a body": b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc",
    "half a large body": b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\nabc",
}


@pytest.mark.parametrize("begun", SLOW.values(), ids=SLOW)
def test_slow_requests_hold_no_thread(address: tuple[str, int], begun: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            slow = stack.enter_context(socket.create_connection(address))
            slow.sendall(begun)
        for _ in range(3):
            assert httpx.get(page(address, "livez"), timeout=5).text == "ok"


@pytest.mark.parametrize("size", [0, 10, GATHERED, GATHERED + 1, 3_000_000])
def test_bodies_arrive_whole(address: tuple[str, int], size: int) -> None:
    answer = httpx.post(page(address, "read"), content=b"x" * size)
    assert answer.text == str(size)
    assert answer.headers["Connection"] == "close"


def test_a_body_that_nobody_reads_is_answered_all_the_same(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as browser:
        size = 40_000_000
        browser.sendall(b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // 1_000_000):  # all of it, before it reads a word
            browser.sendall(bytes(1_000_000))
        told = b""
        while part := browser.recv(65_536):
            told += part
        assert told.startswith(b"HTTP/1.1 413")


def test_a_body_without_length_is_refused(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as browser:
        browser.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert browser.recv(100).startswith(b"HTTP/1.1 411")


@pytest.mark.parametrize("step", [1, 3, 1_000])
def test_a_request_is_gathered_in_any_pieces(step: int) -> None:
    whole = b"POST / HTTP/1.1\r\ncontent-LENGTH: 5\r\nHost: x\r\n\r\nhello"
    request = Gathering(0.0)
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    assert [request.add(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_a_head_has_an_end() -> None:
    request = Gathering(0.0)
    with pytest.raises(Unfit, match="431"):
        request.add(b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD)
