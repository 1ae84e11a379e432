"""The command that measures the same again names all that decides what the app's process allocates from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_runs import pydantic_run

from pytest_reqleak.model.run import ServerInfo
from pytest_reqleak.report import advice

GRANIAN = ServerInfo(
    name="granian",
    version="2.8.7",
    interface="asgi",
    pid=7,
    isolated=True,
    allocator="glibc 2.36",
    python_malloc="pymalloc",
)


@pytest.mark.parametrize(
    ("server", "ends"),
    [
        (GRANIAN, "--server granian"),
        (replace(GRANIAN, name="bundled"), "--server bundled --isolate"),
        (replace(GRANIAN, interface="rsgi"), "--server granian --interface rsgi"),
        (
            replace(GRANIAN, arguments=("--task-impl", "rust")),
            "--server granian '--server-args=--task-impl rust'",
        ),
        (
            replace(GRANIAN, python_malloc="malloc", allocator="jemalloc 5.3.0"),
            "--server granian --python-malloc malloc --allocator jemalloc",
        ),
        (replace(GRANIAN, isolated=False, name="direct", allocator=""), "--server direct"),
    ],
)
def test_what_was_chosen_of_the_server_is_named(server: ServerInfo, ends: str) -> None:
    run = replace(pydantic_run(), server=server, environment={})
    command = advice.reproduce_command(run)

    assert f"-n {run.iterations} {ends}" == command[command.index("-n ") :]


def test_requests_that_came_from_a_file_come_from_it_again() -> None:
    run = replace(
        pydantic_run(),
        requests=("GET /", "POST /orders"),
        environment={"workload": "'GET /' --requests a.json"},
    )

    assert " 'GET /' --requests a.json -n " in advice.reproduce_command(run)
    assert "POST" not in advice.reproduce_command(run)


def test_a_collector_that_was_left_to_the_app_is_named() -> None:
    run = replace(pydantic_run(), environment={"gc": "natural", "concurrency": "4"})

    assert advice.reproduce_command(run).endswith("--concurrency 4 --gc natural")
