"""Tokens as we would never issue them, signed as the test likes."""

import base64
import hashlib
import hmac
import json
import os
from typing import Any

import boto3

DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def signing_key(secrets: Any = None) -> str:
    """Return the key that signs tokens, out of the handlers' secret, or that of another client."""
    secrets = secrets or boto3.client("secretsmanager")
    answer = secrets.get_secret_value(SecretId=os.environ["SIGNING_KEYS_SECRET"])
    key_set = json.loads(answer["SecretString"])
    key: str = key_set[key_set["current"]]
    return key


def encode(part: Any) -> str:
    """Return a part of a token: of bytes as they are, of text in UTF-8, of all else as JSON."""
    if not isinstance(part, bytes | str):
        part = json.dumps(part, separators=(",", ":"))
    content = part.encode() if isinstance(part, str) else part
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(part: str) -> Any:
    """Return what a part of a token of ours says."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def sign(header: Any, claims: Any, key: str, algorithm: str = "HS256") -> str:
    """Return a token; its header and claims may be anything that `encode` takes."""
    signed = f"{encode(header)}.{encode(claims)}"
    return f"{signed}.{signature(signed, key, algorithm)}"


def signature(signed: str, key: str, algorithm: str = "HS256") -> str:
    """Return the third part of a token whose first two are `signed`."""
    return encode(hmac.new(key.encode(), signed.encode(), DIGESTS[algorithm]).digest())
