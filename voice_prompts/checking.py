"""Are the packs what the texts need and what their manifests promise?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voice_prompts import pack
from voice_prompts.catalogue import Catalogue, CatalogueError
from voice_prompts.making import script
from voice_prompts.readings import LANGUAGES


@dataclass(frozen=True, slots=True)
class Report:
    """Findings, one a line, and per language what its pack holds."""

    findings: tuple[str, ...]
    packs: dict[str, dict[str, object]]


def check_packs(packs_dir: Path, texts_dir: Path) -> Report:
    """Check the packs of every language against texts, files and levels."""
    findings: list[str] = []
    catalogue: Catalogue | None = None
    try:
        catalogue = Catalogue.load(texts_dir)
    except CatalogueError as error:
        findings.extend(error.findings)
    summaries: dict[str, dict[str, object]] = {}
    for language in LANGUAGES:
        folder = packs_dir / language
        findings.extend(pack.faults(folder))
        try:
            manifest = pack.load(folder)
        except pack.PackError:
            continue
        summaries[language] = _summary(folder, manifest)
        if catalogue is not None:
            findings.extend(_against_texts(folder, manifest, catalogue, language))
    return Report(tuple(findings), summaries)


def _against_texts(
    folder: Path, manifest: pack.Manifest, catalogue: Catalogue, language: str
) -> Iterator[str]:
    path = folder / pack.MANIFEST
    if manifest.language != language:
        yield f"{path}: is of {manifest.language!r}, not of {language!r}"
    recorded = {clip.id: clip.text for clip in manifest.prompts}
    if len(recorded) != len(manifest.prompts):
        yield f"{path}: a clip is listed twice"
    for line in script(catalogue, language):
        text = recorded.pop(line.id, None)
        if text is None:
            yield f"{path}: {line.id} is not recorded; `telebank voice make` makes it"
        elif text != line.text:
            yield f"{path}: {line.id} says {text!r}, the text is {line.text!r}; make it again"
    for clip in recorded:
        yield f"{path}: {clip} is in no text; `telebank voice make` removes it"


def _summary(folder: Path, manifest: pack.Manifest) -> dict[str, object]:
    octets = sum(path.stat().st_size for path in folder.iterdir())
    seconds = sum(clip.samples for clip in manifest.prompts) / manifest.rate
    return {
        "voice": manifest.voice,
        "revision": manifest.revision,
        "clips": len(manifest.prompts),
        "units": sum(clip.id.startswith("unit:") for clip in manifest.prompts),
        "seconds": round(seconds, 1),
        "megabytes": round(octets / 1e6, 2),
    }
