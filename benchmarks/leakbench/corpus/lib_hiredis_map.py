"""A cache reader that parses RESP3 maps; every value of a map keeps one reference too many."""

import hiredis

CASE = {
    "name": "lib_hiredis_map",
    "interface": "asgi",
    "expected": "leak",
    "kind": "lib-native-refcount",
    "python": "3.11",
    "requests": [{"path": "/profile/{i}"}],
    "needs": ["hiredis==2.2.3"],
    "fixed_needs": ["hiredis==3.2.1"],
    "source": "redis/hiredis-py#175",
    "site": "read_reply",
    "holder": "refcount leak of map values in the C reader",
    "approx_bytes_per_request": 357.4,
}


def bulk(text):
    return f"${len(text)}\r\n{text}\r\n".encode()


def read_reply(reader, reply):
    reader.feed(reply)
    return reader.gets()


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    user = scope["path"].rpartition("/")[2]
    reply = b"%2\r\n" + bulk("name") + bulk(f"user-{user}") + bulk("mail") + bulk(f"{user}@example.org")
    profile = read_reply(hiredis.Reader(), reply)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": profile[b"mail"]})
