"""A judge from outside: `sigstore`, and `cryptography` for the signatures.

Reads cases as JSON from standard input, each a proof that must hold. Everything that it
knows of the formats it was told by their specifications, not by our code.
"""

import base64
import hashlib
import json
import struct
import sys
from types import SimpleNamespace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint, verify_checkpoint
from sigstore.errors import VerificationError


class Keyring:
    """What sigstore asks for a signature; the keys are ours, not Rekor's."""

    def __init__(self, public):
        self.key = Ed25519PublicKey.from_public_bytes(public)

    def verify(self, *, key_id, signature, data):
        try:
            self.key.verify(signature, data)
        except InvalidSignature as wrong:
            raise VerificationError("wrong signature") from wrong


def key_of(text):
    """A C2SP verifier key: its name, its id, its algorithm and itself."""
    name, key_id, key = text.split("+", 2)
    key = base64.b64decode(key, validate=True)
    found = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    assert found.hex() == key_id, "a key id"
    return name, found, key[0], key[1:]


def entry_of(case, hashes):
    document = case["proof"]
    title, rest = document.split("\n", 1)
    assert title == "c2sp.org/tlog-proof@v1"
    head, note = rest.split("\n\n", 1)
    index, *path = head.split("\n")
    assert index == f"index {case['index']}"
    path = [base64.b64decode(line, validate=True) for line in path]
    checkpoint = SignedCheckpoint.from_text(note).checkpoint
    inclusion = SimpleNamespace(
        log_index=case["index"],
        tree_size=checkpoint.log_size,
        root_hash=bytes.fromhex(checkpoint.log_hash),
        hashes=hashes(path),
        checkpoint=SimpleNamespace(envelope=note),
    )
    log_id = SimpleNamespace(key_id=key_of(case["keys"][0])[1])
    body = base64.b64decode(case["entry"])
    inner = SimpleNamespace(inclusion_proof=inclusion, canonicalized_body=body, log_id=log_id)
    return SimpleNamespace(_inner=inner)


def flipped(path):
    first = bytes([path[0][0] ^ 1]) + path[0][1:]
    return [first, *path[1:]]


def cosigned(case, entry):
    """How many cosignatures verify, by their specification."""
    envelope = entry._inner.inclusion_proof.checkpoint.envelope
    signed = SignedCheckpoint.from_text(envelope)
    text, checkpoint = signed.signed_note.note, signed.checkpoint
    count = 0
    for name, key_id, algorithm, public in map(key_of, case["keys"][1:]):
        for signature in signed.signed_note.signatures:
            if (signature.name, signature.sig_hash) != (name, key_id):
                continue
            stamped = base64.b64decode(signature.signature)
            (time,), made = struct.unpack(">Q", stamped[:8]), stamped[8:]
            assert time == case["time"]
            if algorithm == 4:
                message = f"cosignature/v1\ntime {time}\n{text}".encode()
                Ed25519PublicKey.from_public_bytes(public).verify(made, message)
            else:
                assert algorithm == 6
                origin, cosigner = checkpoint.origin.encode(), name.encode()
                message = b"subtree/v1\n\0" + bytes([len(cosigner)]) + cosigner
                message += struct.pack(">Q", time) + bytes([len(origin)]) + origin
                message += struct.pack(">QQ", 0, checkpoint.log_size)
                message += bytes.fromhex(checkpoint.log_hash)
                MLDSA44PublicKey.from_public_bytes(public).verify(made, message)
            count += 1
    return count


def main():
    held = refused = cosignatures = 0
    for case in json.load(sys.stdin):
        entry = entry_of(case, lambda path: path)
        keyring = Keyring(key_of(case["keys"][0])[3])
        verify_merkle_inclusion(entry)
        verify_checkpoint(keyring, entry)
        held += 1
        cosignatures += cosigned(case, entry)
        checkpoint = SignedCheckpoint.from_text(entry._inner.inclusion_proof.checkpoint.envelope)
        assert checkpoint.checkpoint.origin == case["origin"]
        assert checkpoint.checkpoint.other_content == []
        if not entry._inner.inclusion_proof.hashes:
            continue
        try:
            verify_merkle_inclusion(entry_of(case, flipped))
        except VerificationError:
            refused += 1
    print(f"held {held}, refused {refused}, cosignatures {cosignatures}")


main()
