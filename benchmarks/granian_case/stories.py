"""Which versions are compared, on which app, by which requests, and what is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

OLD_STACK = (
    "fastapi==0.110.2",
    "starlette==0.37.2",
    "anyio==4.3.0",
    "pydantic==2.7.1",
    # Granian 1.2 and 1.3 start with this one, and with no later one.
    "click==8.1.7",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One server in one environment."""

    label: str
    server: str
    needs: tuple[str, ...]
    """Pinned requirements besides those of this project."""
    expected: str
    """`leak` or `clean`."""
    python: str = "3.11"
    server_args: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One defect and its twins without it."""

    name: str
    what: str
    app: str
    """Module of `apps`."""
    request: dict[str, Any]
    subjects: tuple[Subject, ...]
    iterations: int = 2000
    concurrency: int = 1


STORIES = (
    Story(
        name="middleware",
        what="Granian 1.2 does not wake a task whose pending receive() was cancelled; fixed in 1.3.0",
        app="behind_middleware",
        request={"method": "GET", "path": "/items/{i}"},
        # Whether the response ends before its task is cancelled is a race, which a busy loop loses each time.
        concurrency=16,
        subjects=(
            Subject(label="granian", server="granian", needs=("granian==1.2.3", *OLD_STACK), expected="leak"),
            Subject(
                label="granian", server="granian", needs=("granian==1.3.2", *OLD_STACK), expected="clean"
            ),
            Subject(
                label="uvicorn", server="uvicorn", needs=("uvicorn==0.29.0", *OLD_STACK), expected="clean"
            ),
        ),
    ),
    Story(
        name="rust-tasks",
        what="Granian's experimental task implementation in Rust keeps what each body needed",
        app="reads_body",
        request={"method": "POST", "path": "/", "content": "x" * 1024},
        subjects=(
            Subject(
                label="granian --task-impl rust",
                server="granian",
                needs=("granian==2.8.7",),
                expected="leak",
                server_args="--task-impl rust",
            ),
            Subject(
                label="granian --task-impl asyncio",
                server="granian",
                needs=("granian==2.8.7",),
                expected="clean",
                server_args="--task-impl asyncio",
            ),
        ),
    ),
    Story(
        name="abandoned-stream",
        what="Granian before 2.1 does not tell an app that its client has left",
        app="event_stream",
        request={"method": "GET", "path": "/{i}", "ending": "disconnect"},
        iterations=400,
        subjects=(
            Subject(
                label="granian", server="granian", needs=("granian==2.0.1", "click==8.1.7"), expected="leak"
            ),
            Subject(
                label="granian", server="granian", needs=("granian==2.1.0", "click==8.1.7"), expected="clean"
            ),
        ),
    ),
)
