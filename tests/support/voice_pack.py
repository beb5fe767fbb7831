"""A small voice pack of tones, and a studio that hums instead of speaking."""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from voice_prompts import pack, sound

STUDIO = """#!{python}
import hashlib, json, sys
import numpy as np, soundfile
sys.path.insert(0, "tests")
from support.voice_pack import tone
verb = sys.argv[3]
setting, *lines = [json.loads(line) for line in sys.stdin]
if verb == "script":
    print(json.dumps({{"engine": "hum", "model": "0", "chain": "{chain}"}}))
for line in lines:
    answer = {{"id": line["id"], "phonemes": "[" + line["text"] + "]"}}
    if verb == "make":
        if line["text"] == "{fails_at}":
            sys.exit("the studio has lost its voice")
        path = setting["out"] + "/" + line["file"]
        samples = tone(0.1)
        soundfile.write(path, samples, 8000, "PCM_16", format="FLAC")
        digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
        answer.update(samples=len(samples), sha256=digest, level=-22.0, peak=-19.0)
    print(json.dumps(answer))
"""


def tone(seconds: float, hertz: float = 440.0, level_db: float = 0.0) -> NDArray[np.int16]:
    """A sine at the packs' level, or `level_db` above it."""
    at = np.arange(round(seconds * sound.RATE)) / sound.RATE
    amplitude = sound.TARGET_RMS * np.sqrt(2) * 10 ** (level_db / 20)
    return np.asarray(np.rint(amplitude * np.sin(2 * np.pi * hertz * at)), np.int16)


def write_pack(
    folder: Path, language: str, texts: Mapping[str, str], level_db: float = 0.0
) -> None:
    """A pack that says each text as a tone of its own length."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for index, (clip, text) in enumerate(texts.items()):
        path = folder / pack.file_name(clip)
        samples = tone(0.05 + 0.01 * (index % 7), level_db=level_db)
        soundfile.write(path, samples, sound.RATE, "PCM_16", format="FLAC")
        clips.append(
            pack.Clip(
                id=clip,
                text=text,
                phonemes=f"[{text}]",
                file=path.name,
                samples=len(samples),
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                level=-22.0,
                peak=-19.0,
                source="tts",
                take=1,
                revision=1,
                approved_by="",
            )
        )
    manifest = pack.Manifest(
        id=f"test-{language}",
        language=language,
        voice="hum",
        actor="",
        revision=1,
        licence="CC0-1.0",
        engine="hum",
        model="0",
        chain="hum-1",
        rate=sound.RATE,
        level=-22.0,
        prompts=tuple(clips),
    )
    pack.save(folder, manifest)


def write_studio(path: Path, chain: str = "hum-1", fails_at: str = "never") -> Path:
    """An executable that takes the studio's place."""
    path.write_text(STUDIO.format(python=sys.executable, chain=chain, fails_at=fails_at))
    path.chmod(0o755)
    return path


def write_texts(folder: Path, zh: Mapping[str, str], en: Mapping[str, str]) -> Path:
    """zh.yaml and en.yaml with the given texts."""
    folder.mkdir(parents=True, exist_ok=True)
    for language, texts in (("zh", zh), ("en", en)):
        rows = "".join(f'  {prompt}: "{text}"\n' for prompt, text in texts.items())
        head = f"schema: 1\nlanguage: {language}\ntexts:\n"
        (folder / f"{language}.yaml").write_text(head + rows, "utf-8")
    return folder
