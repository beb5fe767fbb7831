"""Whether the texts fit how long a report of loss holds."""

from telebank.flow.release import Release
from telebank.settings import SettingsError
from transactions.hot_list import EXPIRY, LossOptions


def check_texts(release: Release, options: LossOptions) -> None:
    """Raise `SettingsError` where reports never expire and a text says until when they hold: with
    that value missing, the caller would not hear the text at all."""
    if options.telephone_valid_days:
        return
    for language, texts in release.texts.items():
        for text in texts.values():
            if any(slot.name == EXPIRY for slot in text.slots):
                raise SettingsError(
                    f"[loss] telephone_valid_days is 0, but {text.file}:{text.line} ({language} "
                    f"{text.id}) says {{{EXPIRY}}}: give 1 day or more, or reword the text in "
                    "DATA/config/prompts"
                )
