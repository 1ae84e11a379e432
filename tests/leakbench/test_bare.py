"""The bare driver sends each request as a server would, and no more."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.leakbench.inside.bare import Bare


def echo(seen: list[Any]) -> Any:
    """An ASGI app that notes what it was sent."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            seen.append((await receive())["type"])
            scope["state"]["ready"] = True
            await send({"type": "lifespan.startup.complete"})
            seen.append((await receive())["type"])
            await send({"type": "lifespan.shutdown.complete"})
            return
        message = await receive()
        seen.append((scope["path"], scope["query_string"], message["body"], scope["state"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        seen.append("sent")

    return app


def test_the_number_of_the_request_stands_in_path_query_and_body() -> None:
    seen: list[Any] = []
    request = {"method": "POST", "path": "/a/{i}?b={i}", "json": {"c": ["{i}"]}}
    with Bare(echo(seen), "asgi", [request]) as bare:
        bare.call_many(2)

    assert ("/a/1", b"b=1", b'{"c": ["1"]}', {"ready": True}) == seen[3]


def test_the_lifespan_runs_once_around_all_requests() -> None:
    seen: list[Any] = []
    with Bare(echo(seen), "asgi", [{"path": "/"}]) as bare:
        bare.call_many(3)

    assert "lifespan.startup" == seen[0]
    assert "lifespan.shutdown" == seen[-1]
    assert 3 == seen.count("sent")


def test_a_client_that_hangs_up_is_gone_after_the_second_message() -> None:
    seen: list[Any] = []
    with Bare(echo(seen), "asgi", [{"path": "/", "ending": "disconnect"}]) as bare:
        bare.call()

    assert "sent" not in seen
    assert 1 == bare.sent


def test_every_request_has_a_task_of_its_own() -> None:
    tasks = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            tasks.append(asyncio.current_task())

    with Bare(app, "asgi", [{"path": "/"}]) as bare:
        bare.call_many(3)

    assert 3 == len(set(tasks))


def test_a_wsgi_app_gets_its_body_and_its_answer_is_closed() -> None:
    seen: list[Any] = []

    class Answer:
        def __iter__(self) -> Any:
            return iter([b"ok"])

        def close(self) -> None:
            seen.append("closed")

    def app(environ: dict[str, Any], start_response: Any) -> Answer:
        start_response("200 OK", [])
        seen.append((environ["PATH_INFO"], environ["HTTP_X_USER"], environ["wsgi.input"].read()))
        return Answer()

    requests = [{"path": "/a/{i}", "headers": {"X-User": "u{i}"}, "content": "n{i}"}]
    with Bare(app, "wsgi", requests) as bare:
        bare.call()

    assert [("/a/0", "u0", b"n0"), "closed"] == seen


def test_what_an_app_raises_does_not_end_the_loop() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise RuntimeError("on purpose")

    with Bare(app, "wsgi", [{"path": "/"}]) as bare:
        bare.call_many(2)

    assert 2 == bare.sent
