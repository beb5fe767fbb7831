"""What a caller heard, kept as a WAV file."""

import wave
from pathlib import Path

import numpy as np

from voice_prompts import g711

MAX_SECONDS = 3_600
"""Longest recording, in seconds; what comes later is left out."""
RATE = 8_000


class Recording:
    """Collects octets; `write` decodes them to 16-bit samples at 8000 a second."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._codec = "PCMA"

    def add(self, codec: str, payload: bytes) -> None:
        """Keep one packet."""
        self._codec = codec
        if len(self._octets) < MAX_SECONDS * RATE:
            self._octets += payload

    def write(self, path: Path) -> None:
        """Write the file; `OSError` where that cannot be."""
        law: g711.Law = "pcma" if self._codec == "PCMA" else "pcmu"
        samples = g711.decode(np.frombuffer(bytes(self._octets), np.uint8), law)
        with path.open("wb") as file, wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(RATE)
            sound.writeframes(samples.tobytes())
