"""Making packs: what has to be spoken, what of it changed, and the studio that speaks it.

The studio is another program with its own libraries (some GPL): it is started as a process with
its own interpreter and never imported.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from voice_prompts import pack
from voice_prompts.catalogue import SENTENCE_END, Catalogue, Fragment, Template
from voice_prompts.readings import units
from voice_prompts.sound import RATE, TARGET_DBOV

VOICES = {"zh": "zm_yunjian", "en": "af_heart"}
LICENCE = "Apache-2.0 (Kokoro-82M weights and voices)"


class StudioError(Exception):
    """The studio's process ended with an error; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Line:
    """One clip of the script, a `unit` or a `text`; `after`: a value follows in its sentence."""

    id: str
    language: str
    kind: str
    text: str
    after: bool = False


@dataclass(frozen=True, slots=True)
class Studio:
    """Where the studio is."""

    python: Path
    """The interpreter of the studio's virtual environment."""
    voices: Path
    """The folder of voice files (`zm_yunjian.bin` and so on)."""
    cache: Path
    """Where the joined models are kept, about 250 MB."""

    def run(
        self, verb: str, lines: Sequence[dict[str, Any]], **setting: object
    ) -> Iterator[dict[str, Any]]:
        """Start the studio and yield its answers as they come."""
        first = {"cache": str(self.cache), "voice_files": str(self.voices), **setting}
        root = Path(__file__).resolve().parent.parent
        with tempfile.TemporaryFile("w+") as script, tempfile.TemporaryFile("w+") as errors:
            script.writelines(f"{json.dumps(each)}\n" for each in (first, *lines))
            script.seek(0)
            with subprocess.Popen(  # noqa: S603  (the operator names the interpreter)
                [self.python, "-m", "voice_prompts.studio", verb],
                stdin=script,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=root,
                text=True,
            ) as process:
                assert process.stdout is not None
                for answer in process.stdout:
                    yield json.loads(answer)
            if process.returncode:
                errors.seek(0)
                raise StudioError(errors.read()[-2000:].strip())


def script(catalogue: Catalogue | None, language: str) -> tuple[Line, ...]:
    """Every clip a language needs: the fragments of its texts, then its value units."""
    lines: list[Line] = []
    if catalogue is not None:
        for template in catalogue.texts[language].values():
            lines.extend(_fragments(template))
    lines.extend(Line(f"unit:{unit}", language, "unit", unit) for unit in sorted(units(language)))
    return tuple(lines)


def _fragments(template: Template) -> Iterator[Line]:
    parts = template.parts
    for at, part in enumerate(parts):
        if not isinstance(part, Fragment) or not part.spoken:
            continue
        leads = at + 1 < len(parts) and part.text[-1] not in SENTENCE_END
        yield Line(template.clip(part), template.language, "text", part.words, leads)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pack becomes: the studio's engine, clips kept as they are, lines to speak."""

    language: str
    engine: dict[str, str]
    kept: tuple[pack.Clip, ...]
    changed: tuple[Line, ...]
    takes: dict[str, int]
    revision: int


def plan(studio: Studio, folder: Path, lines: Sequence[Line]) -> Plan:
    """Compare the script with the pack in `folder`; nothing is spoken yet."""
    language = lines[0].language
    engine, *answers = studio.run("script", [asdict(line) for line in lines])
    phonemes = {answer["id"]: answer["phonemes"] for answer in answers}
    try:
        old = pack.load(folder)
    except pack.PackError:
        old = None
    usable = {}
    if old is not None and _same_sound(old, engine, language):
        usable = {clip.id: clip for clip in old.prompts if _is_there(folder, clip)}
    kept, changed = [], []
    for line in lines:
        clip = usable.get(line.id)
        if clip is not None and (clip.text, clip.phonemes) == (line.text, phonemes[line.id]):
            kept.append(clip)
        else:
            changed.append(line)
    takes = {clip.id: clip.take for clip in old.prompts} if old is not None else {}
    revision = old.revision if old is not None else 0
    return Plan(language, engine, tuple(kept), tuple(changed), takes, revision)


def _same_sound(old: pack.Manifest, engine: dict[str, str], language: str) -> bool:
    return (old.voice, old.engine, old.model, old.chain) == (
        VOICES[language],
        engine["engine"],
        engine["model"],
        engine["chain"],
    )


def _is_there(folder: Path, clip: pack.Clip) -> bool:
    try:
        pack.samples(folder, clip)
    except pack.PackError:
        return False
    return True


def make(
    studio: Studio, folder: Path, todo: Plan, approved_by: str, progress: Callable[[str], None]
) -> None:
    """Speak what changed and write the manifest, also of what was done when it is interrupted."""
    revision = todo.revision + 1
    made: list[pack.Clip] = []
    lines = {line.id: line for line in todo.changed}
    jobs = [{**asdict(line), "file": pack.file_name(line.id)} for line in todo.changed]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        answers = studio.run("make", jobs, out=str(folder), voice=VOICES[todo.language])
        for answer in answers:
            name = answer["id"]
            made.append(
                pack.Clip(
                    **answer,
                    text=lines[name].text,
                    file=pack.file_name(name),
                    source="tts",
                    take=todo.takes.get(name, 0) + 1,
                    revision=revision,
                    approved_by=approved_by,
                )
            )
            progress(name)
    finally:
        _save(folder, todo, tuple(sorted((*todo.kept, *made), key=lambda clip: clip.id)), revision)


def _save(folder: Path, todo: Plan, clips: tuple[pack.Clip, ...], revision: int) -> None:
    manifest = pack.Manifest(
        id=f"telebank-{todo.language}",
        language=todo.language,
        voice=VOICES[todo.language],
        actor="",
        revision=revision,
        licence=LICENCE,
        engine=todo.engine["engine"],
        model=todo.engine["model"],
        chain=todo.engine["chain"],
        rate=RATE,
        level=round(TARGET_DBOV, 1),
        prompts=clips,
    )
    pack.save(folder, manifest)
    known = {clip.file for clip in clips} | {pack.MANIFEST}
    for path in folder.iterdir():
        if path.name not in known:
            path.unlink()
