"""Keeps carts in what its lifespan has left for the requests."""

CARTS = "carts"


class Carts:
    def __init__(self):
        self.by_user = {}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        scope["state"][CARTS] = Carts()
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    scope["state"][CARTS].by_user[scope["path"]] = [scope["path"]]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


EXPECT = {"verdict": "leak", "holder": "request.state.carts.by_user", "iterations": 500}
