"""Makes a baseline of a forecast with `ndarray.fill`: the value that fills is never released."""

import numpy

CASE = {
    "name": "lib_numpy_fill",
    "interface": "asgi",
    "expected": "leak",
    "kind": "lib-native-refcount-tiny",
    "python": "3.11",
    "requests": [{"path": "/forecast/{i}"}],
    "needs": ["numpy==1.24.0"],
    "fixed_needs": ["numpy==1.24.1"],
    "source": "numpy/numpy#22798",
    "site": "baseline",
    "holder": "refcount leak of the fill value in the C extension",
    "approx_bytes_per_request": 37.8,
}


def baseline(number):
    days = numpy.empty(30, dtype=object)
    days.fill(number + 0.5)
    return days


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    number = int(scope["path"].rpartition("/")[2])
    body = str(baseline(number).sum()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
