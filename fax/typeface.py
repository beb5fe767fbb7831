"""Where the one typeface of everything printed lies; see documents/fonts/README.md."""

from pathlib import Path

FILE = Path(__file__).resolve().parent / "documents" / "fonts" / "telebank-sans.ttf"
