"""Paging cursors: where a page ended, signed so that nobody depends on what is inside."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from backend.domain.errors import InvalidInput
from backend.domain.identity import canonical_json
from backend.settings import Settings

SIGNATURE_BYTES = 12


def encode_cursor(settings: Settings, listing: str, position: Any) -> str:
    """A cursor for the place after `position` in one listing; it is no cursor of any other."""
    body = canonical_json(position)
    return base64.urlsafe_b64encode(_sign(settings, listing, body) + body).decode().rstrip("=")


def decode_cursor(settings: Settings, listing: str, cursor: str | None) -> Any:
    """The position that a cursor stands for; None without one. InvalidInput if it was not made for this listing."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    signature, body = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    if not body or not hmac.compare_digest(signature, _sign(settings, listing, body)):
        raise InvalidInput("The cursor is not one of this list, or was changed.", "Start again without a cursor.")
    return json.loads(body)


def _sign(settings: Settings, listing: str, body: bytes) -> bytes:
    key = settings.secret.get_secret_value().encode()
    return hmac.new(key, listing.encode() + b"\0" + body, hashlib.sha256).digest()[:SIGNATURE_BYTES]
