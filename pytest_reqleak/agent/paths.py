"""Write the way from a root to an object as a person would: `shop.cache.STORE['by_user']`.

Knows what has a name of its own (a class, a cache, a logger, a task); how one
object leads to the next is the business of `steps`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from pytest_reqleak.agent.heap import Chain
from pytest_reqleak.agent.identity import (
    derives,
    full_name,
    home_of,
    instance_dict,
    mro,
    plain,
    type_name,
)
from pytest_reqleak.agent.roots import REQUEST_STATE, is_task, task_title
from pytest_reqleak.agent.sizes import LRU_WRAPPER, is_table_of, wrapper_info
from pytest_reqleak.agent.steps import step
from pytest_reqleak.model.finding import Link

# Private attributes of a pydantic model.
_PRIVATE = ".__pydantic_private__['"

# What is held under a key there is asked for as an attribute.
_NAMESPACES = frozenset({("starlette.datastructures", "State"), ("flask.ctx", "_AppCtxGlobals")})


class Path:
    """The text of a chain, and what it says about its end.

    Attributes:
        text: Such as `shop.main.app.state.results`.
        owner: What a person calls the container: itself, or the object whose inner part it is.
        links: The same way, step by step.
    """

    def __init__(self, chain: Chain, *, reachable: bool = False) -> None:
        """Put a chain into words.

        Args:
            chain: From a root to the object.
            reachable: Whether a function that another has made, of which there may be many, is
                told by the way to it, and not by its own name (`shop.make.<locals>.view`).
        """
        self._reachable = reachable
        self._links = chain.links
        self.text = chain.root
        self.owner: Any = chain.links[-1]
        self.links: list[Link] = []
        # What the lifespan has left there is asked for as an attribute of each request's copy.
        self._in_namespace = chain.root == REQUEST_STATE
        self._write()
        self.text = _as_written(self.text)

    def _write(self) -> None:
        links = self._links
        place = 0
        own_name = self._own_name(links[0])
        if own_name:
            self.text = own_name
        self.links.append(Link(step=self.text, type=type_name(links[0])))
        while place < len(links) - 1:
            found = step(links[place:])
            text, used = found.text, found.used
            if text.startswith("['") and self._in_namespace:
                text = f".{text[2:-2]}"
            self._in_namespace = found.hidden and _is_any(links[place], _NAMESPACES)
            following = links[min(place + used, len(links) - 1)]
            self.text = text if found.whole else self.text + text
            if place + used >= len(links) - 1 and found.hidden:
                self.owner = links[place]
            # Classes, functions, tasks and caches have names of their own, shorter and better known.
            own_name = self._own_name(following)
            if not own_name and (result := _result_name(links[max(0, place - 1) : place + 1], following)):
                own_name, self.owner = result, links[-1]
            if own_name:
                self.text = own_name
            self.links.append(Link(step=own_name or text, type=type_name(following)))
            place += used

    def _own_name(self, thing: Any) -> str:
        if home_of(thing) is not None:
            own = full_name(thing)
            return "" if self._reachable and "<locals>" in own else own
        kind = type(thing)
        if derives(kind, LRU_WRAPPER):
            wrapped = (instance_dict(thing) or {}).get("__wrapped__")
            return f"functools.lru_cache of {full_name(wrapped)}" if home_of(wrapped) else ""
        if is_task(kind):
            return task_title(thing)
        if derives(kind, logging.Logger):
            name = plain((instance_dict(thing) or {}).get("name"))
            return f"logging.getLogger({name!r})" if name and name != "root" else "logging.getLogger()"
        return ""


def _as_written(text: str) -> str:
    """What people write for what is elsewhere inside: `basket._history`, `os.environ`."""
    text = text.replace("posix.environ", "os.environ")
    before, mark, after = text.partition(_PRIVATE)
    name, end, rest = after.partition("']")
    return f"{before}.{name}{rest}" if mark and end else text


def _result_name(before: Sequence[Any], kept: Any) -> str:
    """`shop.get_repo()`: what a cached function has returned; empty for anything else.

    Args:
        before: The object that leads to it, and the one before that.
        kept: What they lead to.
    """
    cache = next((one for one in before if type(one) is LRU_WRAPPER), None)
    # A cache without a bound refers to its results by its table alone, any other by itself.
    if (
        cache is None
        or is_table_of(kept, cache)
        or not (before[-1] is cache or is_table_of(before[-1], cache))
    ):
        return ""
    wrapped = (instance_dict(cache) or {}).get("__wrapped__")
    if home_of(wrapped) is None:
        return ""
    # Of several results it is one.
    return f"{full_name(wrapped)}({'' if wrapper_info(cache)[3] == 1 else '…'})"


def _is_any(thing: Any, known: frozenset[tuple[str, str]]) -> bool:
    return any(home_of(base) in known for base in mro(type(thing)))
