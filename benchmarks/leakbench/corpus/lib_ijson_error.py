"""A streaming upload where one body in four is no JSON: the C parser drops its error's parts on the floor."""

import ijson.backends.yajl2_c as ijson
from ijson import JSONError
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "lib_ijson_error",
    "interface": "asgi",
    "expected": "leak",
    "kind": "lib-native-errorpath",
    "python": "3.11",
    "requests": [
        {"method": "POST", "path": "/import", "json": {"rows": [{"id": "{i}"}, {"id": "b"}]}},
        {"method": "POST", "path": "/import", "json": {"rows": []}},
        {"method": "POST", "path": "/import", "json": {"rows": [{"id": "c{i}"}]}},
        {"method": "POST", "path": "/import", "body": "row {i} is not JSON"},
    ],
    "needs": ["starlette==0.41.3", "ijson==3.2.0.post0"],
    "fixed_needs": ["starlette==0.41.3", "ijson==3.2.1"],
    "source": "ICRAR/ijson#97",
    "site": "rows",
    "holder": "native: buffers of the yajl parser and its error",
    "approx_bytes_per_request": 16406.3,
}


def rows(body):
    return [row["id"] for row in ijson.items(body, "rows.item")]


async def load(request):
    try:
        return JSONResponse({"rows": len(rows(await request.body()))})
    except JSONError:
        return JSONResponse({"error": "no JSON"}, 422)


app = Starlette(routes=[Route("/import", load, methods=["POST"])])
