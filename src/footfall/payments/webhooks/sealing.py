"""Secrets as they are stored: encrypted with a key that lies apart from the database, so that a copy of the data alone tells none."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from footfall.errors import UsageError
from footfall.settings import Settings

_BYTES = 32
"""Random bytes of a key that is made."""
_NONCE = 12
_MEND = "Put the key back, or set the webhook secrets again: the providers show them."


class KeyLostError(UsageError):
    """A secret cannot be decrypted: the key is another one, or none is there."""


class SealingKey:
    """The key: the operator's text, or else the one in a file that is made when it is first needed."""

    def __init__(self, text: str, file: Path) -> None:
        self._text = text
        self._file = file.expanduser() if Path("~") in file.parents else file

    def seal(self, secret: str, about: bytes) -> bytes:
        """Encrypt a secret, which can be read with the same `about` only. Raises UsageError when no key can be made."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher(self._text or self._make()).encrypt(nonce, secret.encode(), about)

    def open(self, sealed: bytes, about: bytes) -> str:
        """Decrypt a secret. Raises KeyLostError."""
        text = self._text or self._read()
        if not text:
            raise KeyLostError(f"The key of the webhook secrets is missing: it lay in {self._file}. {_MEND}")
        try:
            return self._cipher(text).decrypt(sealed[:_NONCE], sealed[_NONCE:], about).decode()
        except (InvalidTag, ValueError) as error:
            raise KeyLostError(f"This webhook secret was stored with another key. {_MEND}") from error

    def _cipher(self, text: str) -> AESGCM:
        return AESGCM(hashlib.sha256(text.encode()).digest())

    def _read(self) -> str:
        try:
            return self._file.read_text("utf-8").strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise KeyLostError(f"The key of the webhook secrets cannot be read: {error}") from error

    def _make(self) -> str:
        """The key in the file; of several processes that make one at once, all get the first."""
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._file.with_name(f"{self._file.name}.{secrets.token_hex(8)}")
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as written:
                written.write(secrets.token_urlsafe(_BYTES) + "\n")
                written.flush()
                os.fsync(written.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(fresh, self._file)
            fresh.unlink()
        except OSError as error:
            raise UsageError(
                f"FOOTFALL_KEY_FILE: the key of the webhook secrets cannot be made in {self._file}: {error.strerror}. "
                "Name another file, or set FOOTFALL_SECRET_KEY."
            ) from error
        return self._read()


def sealing_key(settings: Settings) -> SealingKey:
    """The key that the settings name."""
    return SealingKey(settings.secret_key, settings.key_file)
