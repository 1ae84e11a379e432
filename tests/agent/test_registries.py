"""Growing containers that no name leads to: the registries of the interpreter."""

from __future__ import annotations

import pytest

SEARCH = """
import shop
from pytest_reqleak.agent.holders import HolderSearch

for i in range(20):
    shop.request(i)
search = HolderSearch()
search.mark()
for i in range(20, 220):
    shop.request(i)
say([[h.path, h.type, h.growth_per_iteration, h.ends_in] for h in search.grown(200)])
"""


@pytest.mark.parametrize(
    ("request_body", "path", "kind"),
    [
        ("codecs.register(lambda name: None)", "codecs.register search functions", "list"),
        ("codecs.register_error(f'e{i}', lambda e: ('', e.end))", "codecs.register_error handlers", "dict"),
        ("os.register_at_fork(after_in_child=lambda: None)", "os.register_at_fork callbacks", "list"),
    ],
)
def test_registry_of_the_interpreter_is_called_by_what_fills_it(child, request_body, path, kind):
    source = f"import codecs, logging, os, threading\ndef request(i): {request_body}"

    found = child(SEARCH, shop=source)

    assert [[path, kind, 1.0, ""]] == found


def test_list_that_has_a_name_is_named_beside_the_registry(child):
    source = "import codecs\nSEEN = []\ndef request(i): SEEN.append(str(i)); codecs.register(len)"

    found = child(SEARCH, shop=source)

    assert {"shop.SEEN", "codecs.register search functions"} == {path for path, *_ in found}
