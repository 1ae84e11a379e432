"""What reads the memory of a process runs in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = str(Path(__file__).parents[2])


@pytest.fixture
def child(tmp_path: Path) -> Callable[..., Any]:
    """Run code in a fresh interpreter beside the given modules; returns what it passed to `say`."""

    def run(code: str, **modules: str) -> Any:
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        script = tmp_path / "child_main.py"
        script.write_text("import json\ndef say(value): print(json.dumps(value))\n" + textwrap.dedent(code))
        finished = subprocess.run(
            [sys.executable, str(script)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": PROJECT, "PYTHONTRACEMALLOC": ""},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert 0 == finished.returncode, finished.stderr[-3000:]
        return json.loads(finished.stdout.splitlines()[-1])

    return run
