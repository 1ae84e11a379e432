"""A session that measures nothing pays for nothing."""

import subprocess
import sys

HEAVY = ["anyio", "asyncio", "httptools", "httpx", "httpx2", "jinja2", "memray", "objgraph", "psutil", "rich"]


def loaded_by(statement, baseline):
    script = (
        f"{baseline}\nimport sys\nbefore = set(sys.modules)\n{statement}\n"
        "print(*sorted({name.partition('.')[0] if not name.startswith('pytest_reqleak') else name "
        "for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_plugin_imports_nothing_heavy():
    loaded = loaded_by("import pytest_reqleak.plugin", "import pytest")

    assert set() == loaded & set(HEAVY)
    ours = {name for name in loaded if name.startswith("pytest_reqleak")}
    light = {
        "plugin",
        "session",
        "iteration",
        "settings",
        "options",
        "units",
        "errors",
        "model",
        "model.placeholder",
        "model.plan",
    }
    assert {"pytest_reqleak"} | {f"pytest_reqleak.{part}" for part in light} == ours


def test_the_package_imports_nothing_until_a_name_is_used():
    loaded = loaded_by("import pytest_reqleak", "")

    assert ["pytest_reqleak"] == [name for name in loaded if name.startswith("pytest_reqleak")]
    assert set() == loaded & set(HEAVY)


def test_a_session_without_measurements_imports_nothing_heavy(run_pytest, monkeypatch):
    # Other plugins import what they like.
    monkeypatch.delenv("PYTEST_ADDOPTS")

    result = run_pytest(
        f"""
        import sys

        def test_a():
            # Some versions of pytest import asyncio themselves.
            assert not (set({HEAVY!r}) & set(sys.modules)) - {{"asyncio"}}
            assert "pytest_reqleak.plugin" in sys.modules
            assert "pytest_reqleak.measuring" not in sys.modules
        """,
        "-p",
        "reqleak",
    )

    result.assert_outcomes(passed=1)


def test_the_plugin_imports_only_pytest_the_standard_library_and_itself():
    loaded = loaded_by("import pytest_reqleak.plugin", "import pytest")

    assert {"pytest_reqleak"} == {
        name.partition(".")[0] for name in loaded if name not in sys.stdlib_module_names
    }
