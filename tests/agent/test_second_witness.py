"""objgraph, which works otherwise, says the same of harmless objects as our own search does."""

from __future__ import annotations

TYPES = """
import gc, objgraph, shop
from pytest_reqleak.agent.objects import TypeCounter
for i in range(20): shop.request(i)
gc.collect()
before = objgraph.typestats(shortnames=False)
counter = TypeCounter()
counter.mark()
for i in range(20, 220): shop.request(i)
gc.collect()
after = objgraph.typestats(shortnames=False)
ours = {t.type: t.per_iteration * 200 for t in counter.grown(200)}
say([[ours[name], after[name] - before.get(name, 0)] for name in ("shop.Order", "shop.Line")])
"""

HOLDER = """
import objgraph, shop
from pytest_reqleak.agent.holders import HolderSearch
for i in range(20): shop.request(i)
search = HolderSearch()
search.mark()
for i in range(20, 220): shop.request(i)
(found,) = search.grown(200)
chain = objgraph.find_backref_chain(shop.newest(), objgraph.is_proper_module)
kept = [type(link).__name__ for link in chain]
say([found.path, [link.type for link in found.links], chain[0].__name__, kept])
"""

SHOP = """
class Line: pass
class Order:
    def __init__(self): self.lines = [Line(), Line()]
class Store:
    def __init__(self): self.by_day = {"today": []}
STORE = Store()
def request(i): STORE.by_day["today"].append(Order())
def newest(): return STORE.by_day["today"][-1]
"""


def test_types_grow_as_much_by_objgraph(child):
    orders, lines = child(TYPES, shop=SHOP)

    assert [200, 200] == orders
    assert [400, 400] == lines


def test_chain_of_objgraph_leads_through_the_same_objects(child):
    path, links, module, chain = child(HOLDER, shop=SHOP)

    assert "shop.STORE.by_day['today']" == path
    assert "shop" == module
    # Theirs begins with the module and its globals, and ends with an entry of ours.
    assert ["module", "dict", "Store"] == chain[:3]
    assert "Order" == chain[-1]
    assert "list" == links[-1] == chain[-2]
