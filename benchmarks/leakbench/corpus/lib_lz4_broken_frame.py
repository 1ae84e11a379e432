"""Telemetry in LZ4 frames; a frame in five is cut or garbled, and its context is never freed."""

import lz4.frame
from flask import Flask, request

CASE = {
    "name": "lib_lz4_broken_frame",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "lib-native-errorpath",
    "python": "3.10",
    "requests": [
        {"method": "POST", "path": "/telemetry", "body": "temperature {i}"},
        {"method": "POST", "path": "/telemetry", "body": "humidity {i}"},
        {"method": "POST", "path": "/telemetry", "body": "pressure {i}"},
        {"method": "POST", "path": "/telemetry", "body": "wind {i}"},
        {"method": "POST", "path": "/telemetry?garbled=1", "body": "noise {i}"},
    ],
    "needs": ["flask==3.0.3", "lz4==4.0.1"],
    "fixed_needs": ["flask==3.0.3", "lz4==4.0.2"],
    "source": "python-lz4/python-lz4#247",
    "site": "unpack",
    "holder": "native: decompression contexts of the LZ4 library",
    "approx_bytes_per_request": 104.3,
}
app = Flask(__name__)


def unpack(frame):
    return lz4.frame.decompress(frame)


@app.post("/telemetry")
def telemetry():
    frame = bytearray(lz4.frame.compress(request.get_data() * 50, content_checksum=True))
    if request.args.get("garbled"):
        frame[-2] ^= 0xFF
    try:
        return {"bytes": len(unpack(bytes(frame)))}
    except RuntimeError:
        return {"error": "garbled"}, 422
