"""Opens sealed boxes: what gh makes of a secret before it sends it, which only the holder of the private key can read.

Source: libsodium documentation, "Sealed boxes" (X25519, BLAKE2b for the nonce, XSalsa20-Poly1305), and D. J. Bernstein,
"Extending the Salsa20 nonce". A box that opens is one that was made by these rules: its tag says so.
"""

from __future__ import annotations

import hashlib
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.poly1305 import Poly1305

_KEY, _TAG, _BLOCK = 32, 16, 64
_CONSTANT = struct.unpack("<4I", b"expand 32-byte k")
_COLUMNS = ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11))
_ROWS = ((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14))
_TURNS = (7, 9, 13, 18)


def open_sealed(private: X25519PrivateKey, box: bytes) -> bytes:
    """What is in a sealed box. Raises ``ValueError`` for one that is not for this key, or not whole."""
    if len(box) < _KEY + _TAG:
        raise ValueError("the box is too short")
    theirs, tag, hidden = box[:_KEY], box[_KEY : _KEY + _TAG], box[_KEY + _TAG :]
    nonce = hashlib.blake2b(theirs + private.public_key().public_bytes_raw(), digest_size=24).digest()
    shared = private.exchange(X25519PublicKey.from_public_bytes(theirs))
    stream = _stream(_hashed(_hashed(shared, bytes(16)), nonce[:16]), nonce[16:], _KEY + len(hidden))
    try:
        Poly1305.verify_tag(stream[:_KEY], hidden, tag)
    except InvalidSignature:
        raise ValueError("the box is not for this key, or it was changed") from None
    return bytes(one ^ other for one, other in zip(hidden, stream[_KEY:], strict=False))


def _stream(key: bytes, nonce: bytes, size: int) -> bytes:
    """Salsa20's key stream."""
    blocks = range(-(-size // _BLOCK))
    return b"".join(_block(key, nonce + struct.pack("<Q", number)) for number in blocks)[:size]


def _block(key: bytes, tail: bytes) -> bytes:
    words = _words(key, tail)
    return struct.pack("<16I", *((one + other) & 0xFFFFFFFF for one, other in zip(words, _mixed(words), strict=True)))


def _hashed(key: bytes, nonce: bytes) -> bytes:
    """HSalsa20."""
    mixed = _mixed(_words(key, nonce))
    return struct.pack("<8I", *(mixed[at] for at in (0, 5, 10, 15, 6, 7, 8, 9)))


def _words(key: bytes, tail: bytes) -> list[int]:
    left, right, middle = struct.unpack("<4I", key[:16]), struct.unpack("<4I", key[16:]), struct.unpack("<4I", tail)
    one, two, three, four = _CONSTANT
    return [one, *left, two, *middle, three, *right, four]


def _mixed(words: list[int]) -> list[int]:
    """Twenty rounds, ten of them down the columns and ten along the rows."""
    state = list(words)
    for _ in range(10):
        for places in (*_COLUMNS, *_ROWS):
            for step, turn in enumerate(_TURNS):
                total = (state[places[step]] + state[places[(step + 3) % 4]]) & 0xFFFFFFFF
                state[places[(step + 1) % 4]] ^= ((total << turn) | (total >> (32 - turn))) & 0xFFFFFFFF
    return state
