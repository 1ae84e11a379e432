"""Apps in both interfaces that do as a test says, and the requests that they saw."""

from __future__ import annotations


def http_only(app):
    """Refuse a lifespan, as the specification asks of apps that have none."""

    async def call(scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        await app(scope, receive, send)

    return call


async def respond(send, body=b"", status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def read_body(receive):
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


class Recorder:
    """What one request looked like, the same for both interfaces."""

    def __init__(self, statuses=(200,)):
        self.seen = []
        self._statuses = statuses

    @property
    def asgi(self):
        @http_only
        async def app(scope, receive, send):
            headers = dict(scope["headers"])
            body = await read_body(receive)
            target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
            self._see(scope["method"], scope["path"], target, headers, body)
            await respond(send, b"answer", self._status())

        return app

    @property
    def wsgi(self):
        def app(environ, start_response):
            headers = {
                key.removeprefix("HTTP_").lower().replace("_", "-").encode(): value.encode("latin-1")
                for key, value in environ.items()
                if key.startswith("HTTP_") or key in ("CONTENT_TYPE", "CONTENT_LENGTH")
            }
            path = environ["PATH_INFO"].encode("latin-1").decode("utf-8")
            body = environ["wsgi.input"].read()
            self._see(environ["REQUEST_METHOD"], path, environ["QUERY_STRING"].encode(), headers, body)
            start_response(f"{self._status()} X", [("Content-Type", "text/plain")])
            return [b"answer"]

        return app

    def _see(self, method, path, target, headers, body):
        self.seen.append((method, path, target, headers, body))

    def _status(self):
        return self._statuses[(len(self.seen) - 1) % len(self._statuses)]
