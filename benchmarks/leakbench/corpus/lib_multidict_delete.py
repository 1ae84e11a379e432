"""A shop that takes the campaign out of the query; when that was all there was, the emptied table stays."""

from multidict import MultiDict
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

CASE = {
    "name": "lib_multidict_delete",
    "interface": "asgi",
    "expected": "leak",
    "kind": "lib-native-malloc",
    "python": "3.13",
    "requests": [{"path": "/search?campaign=mail{i}"}],
    "needs": ["starlette==0.41.3", "multidict==6.6.3"],
    "fixed_needs": ["starlette==0.41.3", "multidict==6.6.4"],
    "source": "multidict 6.6.4 changelog",
    "site": "filters",
    "holder": "native: the table of an emptied MultiDict",
    "approx_bytes_per_request": 208.8,
}


def filters(query):
    chosen = MultiDict(query)
    del chosen["campaign"]
    return sorted(chosen)


async def search(request):
    return JSONResponse(filters(request.query_params.multi_items()))


app = Starlette(routes=[Route("/search", search)])
