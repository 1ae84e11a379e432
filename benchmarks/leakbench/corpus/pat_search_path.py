"""Puts its plugin folder on `sys.path` in every request: eight bytes each time, and slower imports."""

import sys

from falcon import App

CASE = {
    "name": "pat_search_path",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "tiny-list-slot",
    "python": "3.12",
    "requests": [{"path": "/plugins"}],
    "needs": ["falcon==4.0.2"],
    "source": "pattern",
    "site": "on_get",
    "holder": "sys.path",
    "approx_bytes_per_request": 8.4,
    "verify_n": 6000,
}

PLUGINS = "/srv/plugins"


class Plugins:
    def on_get(self, request, response):
        sys.path.append(PLUGINS)
        response.media = {"plugins": []}


app = App()
app.add_route("/plugins", Plugins())
