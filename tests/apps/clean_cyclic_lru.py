"""A full cache of entries that refer to themselves: what leaves it needs the collector.

Frozen with the rest after warm-up, the old entries could not be freed when they leave.
"""

from collections import OrderedDict

from tests.apps._asgi import app_of

EXPECT = {"verdict": "clean"}
ENTRIES = OrderedDict()


class Entry:
    def __init__(self, name):
        self.name = name
        self.me = self


for _number in range(6000):
    ENTRIES[_number] = Entry(str(_number))


async def handle(path):
    ENTRIES[path] = Entry(path)
    ENTRIES.popitem(last=False)


app = app_of(handle)
