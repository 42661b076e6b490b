"""Names that people type: of websites, keys and tokens."""

from __future__ import annotations

from footfall.errors import FieldError

MAX_LABEL = 100
"""Characters of a name."""


def clean_label(text: str, field: str) -> str:
    """A name as it is stored, without surrounding blanks. Raises FieldError."""
    cleaned = text.strip()
    if not 1 <= len(cleaned) <= MAX_LABEL:
        raise FieldError(field, f"use 1 to {MAX_LABEL} characters")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in cleaned):
        raise FieldError(field, "line breaks and other control characters cannot be kept")
    if not is_text(cleaned):
        raise FieldError(field, "this is no UTF-8")
    return cleaned


def is_text(text: str) -> bool:
    """Whether it can be stored: bytes of an argument that are not UTF-8 arrive as lone surrogates."""
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
