"""The studio's command, run with the studio's own interpreter; JSON lines in and out.

    python -m voice_prompts.studio script            lines in; engine, then phonemes out
    python -m voice_prompts.studio make              lines in, clips written, their measures out
    python -m voice_prompts.studio hear              clip files in, what is heard in them out

The first line in is the setting: {"voice": name, "out": folder, "cache": folder,
"voice_files": folder}.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from voice_prompts import sound
from voice_prompts.studio import cutting, hearing
from voice_prompts.studio.model import ENGINE, WEIGHTS_SHA256, Speech
from voice_prompts.studio.tools import StudioError, tool


def main(verb: str) -> int:
    lines = (json.loads(line) for line in sys.stdin)
    setting: dict[str, Any] = next(lines)
    verbs = {"script": _script, "make": _make, "hear": _hear}
    try:
        for answer in verbs[verb](setting, lines):
            sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
            sys.stdout.flush()
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _script(_: dict[str, Any], lines: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield {"engine": ENGINE, "model": WEIGHTS_SHA256, "chain": cutting.CHAIN}
    for each in lines:
        line = cutting.Line(**each)
        yield {"id": line.id, "phonemes": " / ".join(cutting.script(line))}


def _make(setting: dict[str, Any], lines: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    speech = Speech(Path(setting["cache"]), Path(setting["voice_files"]))
    for each in lines:
        name = each.pop("file")
        line = cutting.Line(**each)
        samples = cutting.make(speech, line, setting["voice"])
        path = Path(setting["out"]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tool("soundfile").write(
            path,
            samples.astype(np.int16),
            sound.RATE,
            "PCM_16",
            format="FLAC",
            compression_level=1.0,
        )
        yield {
            "id": line.id,
            "phonemes": " / ".join(cutting.script(line)),
            "samples": len(samples),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "level": round(sound.level_dbov(samples), 1),
            "peak": round(sound.peak_dbfs(samples), 1),
        }


def _hear(setting: dict[str, Any], lines: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    ear = hearing.Ear(Path(setting["cache"]))
    for each in lines:
        samples, rate = tool("soundfile").read(each["file"], dtype="float32")
        heard = ear.hear(samples, rate, each["language"])
        wrong = hearing.error_rate(each["text"], heard, each["language"])
        yield {"id": each["id"], "heard": heard, "error": round(wrong, 3)}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
