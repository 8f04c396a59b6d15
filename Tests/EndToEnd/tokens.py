"""JSON Web Tokens as an issuer makes them, and as a forger does."""

import base64
import hashlib
import hmac
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(*streams, seconds=3600, **others):
    return {"exp": int(time.time()) + seconds, "egress:streams": list(streams)} | others


def _message(algorithm, content):
    header = {"alg": algorithm, "typ": "JWT"}
    return ".".join(_base64url(json.dumps(part).encode()) for part in (header, content))


def hs256(content, secret, algorithm="HS256"):
    message = _message(algorithm, content)
    return f"{message}.{_base64url(hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest())}"


def unsigned(content):
    return _message("none", content) + "."


def es256_key():
    return ec.generate_private_key(ec.SECP256R1())


def es256(content, key):
    message = _message("ES256", content)
    r, s = decode_dss_signature(key.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{message}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
