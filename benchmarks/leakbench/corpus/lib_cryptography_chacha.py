"""Session cookies sealed with ChaCha20-Poly1305: a cipher context is lost with every seal and unseal."""

import os

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CASE = {
    "name": "lib_cryptography_chacha",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "lib-native-malloc",
    "python": "3.11",
    "requests": [{"path": "/session/{i}"}],
    "needs": ["cryptography==41.0.2"],
    "fixed_needs": ["cryptography==41.0.3"],
    "source": "cryptography 41.0.3 changelog",
    "site": "seal",
    "holder": "native: cipher contexts of the OpenSSL library",
    "approx_bytes_per_request": 2881.4,
}
KEY = ChaCha20Poly1305.generate_key()


def seal(text):
    nonce = os.urandom(12)
    return nonce + ChaCha20Poly1305(KEY).encrypt(nonce, text, b"session")


def unseal(sealed):
    return ChaCha20Poly1305(KEY).decrypt(sealed[:12], sealed[12:], b"session")


def app(environ, start_response):
    cookie = seal(environ["PATH_INFO"].encode())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [unseal(cookie)]
