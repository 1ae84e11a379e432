"""`reqleak_app`, `reqleak_client` and `reqleak`, and `check` and `measure` without pytest."""

import sys

import pytest

APP = """
import pytest
import apps

@pytest.fixture(scope="session")
def reqleak_app():
    return apps.{app}
"""


def with_app(app, body):
    return APP.format(app=app) + body


@pytest.mark.parametrize("server", ["bundled", "direct"])
@pytest.mark.parametrize(("app", "outcome"), [("clean", "passed"), ("leaky", "failed"), ("wsgi", "passed")])
def test_a_marked_test_with_the_client_is_measured(run_pytest, app, outcome, server):
    result = run_pytest(
        with_app(
            app,
            """
@pytest.mark.no_leak
def test_get(reqleak_client):
    assert reqleak_client.get("/").text == "ok"
""",
        ),
        f"--reqleak-server={server}",
        # CPython 3.10 makes caches for a thousand requests of a client; its leaks take longer to be certain.
        f"--reqleak-iterations={200 if sys.version_info >= (3, 11) else 1000}",
    )

    result.assert_outcomes(**{outcome: 1})
    if outcome == "failed":
        result.stdout.fnmatch_lines(["*apps.KEPT*"])


def test_reqleak_checks_every_test_with_the_client_unless_it_opts_out(run_pytest):
    result = run_pytest(
        with_app(
            "leaky",
            """
def test_unmarked(reqleak_client):
    reqleak_client.get("/")

@pytest.mark.no_leak(False)
def test_opted_out(reqleak_client):
    reqleak_client.get("/")

def test_without_client():
    pass
""",
        ),
        "--reqleak",
    )

    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_unmarked - MemoryGrowth*"])


def test_without_reqleak_an_unmarked_test_with_the_client_runs_once(run_pytest):
    result = run_pytest(
        with_app(
            "leaky",
            """
def test_unmarked(reqleak_client):
    reqleak_client.get("/")
    assert len(apps.KEPT) == 1
""",
        )
    )

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("place", ["ini", "command line"])
def test_the_app_may_be_named_in_the_settings(run_pytest, project, place):
    if place == "ini":
        project.makeini("[pytest]\nreqleak_app = apps:make\nreqleak_factory = true")
        arguments = []
    else:
        arguments = ["--reqleak-app=apps:make", "--reqleak-factory"]

    result = run_pytest(
        """
        def test_get(reqleak_client, reqleak_app):
            import apps
            assert reqleak_app is apps.clean
            assert reqleak_client.get("/").status_code == 200
        """,
        *arguments,
    )

    result.assert_outcomes(passed=1)


def test_without_an_app_the_error_says_what_to_do(run_pytest):
    result = run_pytest("def test_get(reqleak_client): pass")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["reqleak_app: no app is named: override this fixture, or set reqleak_app = *"]
    )
    result.stdout.no_fnmatch_line("*def reqleak_app*")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere:app", "target 'nowhere:app': there is no module 'nowhere'*"),
        ("apps:nothing", "target 'apps:nothing': apps has no attribute 'nothing'*"),
        ("nowhere.py:app", "target 'nowhere.py:app': there is no file 'nowhere.py'*"),
        ("apps:not_an_app", "42 is an object of type int, not an app*"),
    ],
)
def test_an_app_that_cannot_be_loaded_is_an_error_in_one_line(run_pytest, target, message):
    result = run_pytest("def test_get(reqleak_client): pass", f"--reqleak-app={target}")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


LIFESPAN = """
import pytest
events = []

def make():
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for name in ("startup", "shutdown"):
                await receive()
                events.append(name)
                await send({{"type": f"lifespan.{{name}}.complete"}})
            return
        await send({{"type": "http.response.start", "status": 204, "headers": []}})
        await send({{"type": "http.response.body"}})
    return app

@pytest.fixture(scope="{scope}")
def reqleak_app():
    events.append("made")
    yield make()
    events.append("closed")

def test_one(reqleak_client):
    reqleak_client.get("/")

def test_two(reqleak_client):
    reqleak_client.get("/")

def test_events():
    assert events == {events}
"""


def test_an_app_that_lives_for_the_session_is_booted_once(run_pytest):
    result = run_pytest(LIFESPAN.format(scope="session", events=["made", "startup"]))

    result.assert_outcomes(passed=3)


def test_an_app_of_each_test_is_shut_down_before_its_fixture(run_pytest):
    events = ["made", "startup", "shutdown", "closed"] * 2
    result = run_pytest(LIFESPAN.format(scope="function", events=events))

    result.assert_outcomes(passed=3)


@pytest.mark.skipif(sys.platform == "win32", reason="servers in processes need POSIX")
def test_an_app_whose_process_died_in_a_test_is_booted_anew_for_the_next(run_pytest):
    result = run_pytest(
        """
        import os
        import pytest

        async def app(scope, receive, send):
            if scope["type"] == "http":
                if scope["path"] == "/die":
                    os._exit(3)
                await send({"type": "http.response.start", "status": 200})
                await send({"type": "http.response.body", "body": b"ok"})

        @pytest.fixture(scope="session")
        def reqleak_app():
            return app

        @pytest.mark.no_leak
        def test_dies(reqleak_client):
            reqleak_client.get("/die")

        @pytest.mark.no_leak
        def test_measured(reqleak_client):
            assert reqleak_client.get("/").text == "ok"

        def test_plain(reqleak_client):
            assert reqleak_client.get("/").text == "ok"
        """,
        "--reqleak-isolate",
        "--reqleak-iterations=200",
    )

    result.assert_outcomes(passed=2, failed=1)


def test_a_test_that_calls_check_is_not_repeated_and_its_marker_sets_the_options(run_pytest, read_json):
    result = run_pytest(
        """
        import apps
        import pytest
        passes = []

        @pytest.mark.no_leak(iterations=150, batches=10)
        def test_requests(reqleak):
            passes.append(1)
            run = reqleak.check(apps.clean, ["GET /a", {"method": "GET", "path": "/b/{i}"}], warmup=20)
            assert (run.verdict, run.iterations, run.batches) == ("clean", 150, 10)
            assert run.warmup_iterations == 20
            assert run.requests == ("GET /a", "GET /b/{i}")
            assert passes == [1]
        """,
        "--reqleak-json=runs.json",
        short=False,
    )

    result.assert_outcomes(passed=1)
    (run,) = read_json("runs.json")["runs"]
    assert ("apps:clean", "clean", 150) == (run["target"], run["verdict"], run["iterations"])


def test_check_raises_and_measure_does_not(run_pytest):
    result = run_pytest(
        """
        import apps
        import pytest
        from pytest_reqleak import MemoryGrowth, Request

        def test_check(reqleak):
            with pytest.raises(MemoryGrowth) as raised:
                reqleak.check(apps.leaky, Request("GET", "/"), server="direct")
            assert raised.value.run.verdict == "leak"

        def test_measure(reqleak):
            assert reqleak.measure("apps:leaky", server="direct").verdict == "leak"

        def test_fails(reqleak):
            reqleak.check(apps.leaky, server="direct")
        """
    )

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["test_it.py:14: MemoryGrowth", "FAILED *test_fails - MemoryGrowth: *"])
    result.stdout.no_fnmatch_line("*def judge*")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("reqleak.check(apps.clean, iterations=0)", "reqleak.check(iterations=0): must be at least 1*"),
        (
            "reqleak.check(apps.clean, itertions=5)",
            "*unknown keyword 'itertions'; did you mean 'iterations'?",
        ),
        ("reqleak.check(apps.clean, [])", "requests: must hold at least one request"),
        ("reqleak.check(apps.clean, 'GET')", "request 'GET': must be a method and a path*"),
        ("reqleak.check(apps.clean, [3])", "requests, entry 1: must be a Request, a line or a dict, not 3"),
        ("reqleak.check(42)", "*is an object of type int, not an app*"),
        ("reqleak.check(apps.failing)", "GET / (iteration 0) was answered 500, expected was 2xx or 3xx*"),
    ],
)
def test_what_cannot_be_measured_is_an_error_in_one_line(run_pytest, call, message):
    result = run_pytest(f"import apps\ndef test_a(reqleak):\n    {call}")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message.replace("[", "[[]"), "test_it.py:3: *", "ERROR *test_a - *"])
    result.stdout.no_fnmatch_line("*def *")


def test_a_failing_request_shows_the_response(run_pytest):
    result = run_pytest("import apps\ndef test_a(reqleak):\n    reqleak.check(apps.failing)")

    result.stdout.fnmatch_lines(["*HTTP status 500", "*content-length: 21", "*no such table: orders"])


@pytest.mark.parametrize("server", ["bundled", "direct"])
def test_what_the_app_raised_is_shown_with_the_failing_test(run_pytest, server):
    result = run_pytest(
        """
        import apps
        import pytest

        async def _broken(scope, send):
            raise LookupError("no such table: orders")

        @pytest.fixture
        def reqleak_app():
            return apps.asgi(_broken)

        def test_get(reqleak_client):
            assert reqleak_client.get("/").status_code == 200
        """,
        f"--reqleak-server={server}",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*assert 500 == 200*", "*Raised by the app*", "LookupError: no such table: orders"]
    )


@pytest.mark.parametrize("server", ["bundled", "direct"])
def test_an_app_that_returned_without_a_response_is_named_with_the_failing_test(run_pytest, server):
    result = run_pytest(
        """
        import apps
        import pytest

        async def _silent(scope, send):
            pass

        @pytest.fixture
        def reqleak_app():
            return apps.asgi(_silent)

        def test_get(reqleak_client):
            assert reqleak_client.get("/").status_code == 200
        """,
        f"--reqleak-server={server}",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Not answered by the app*", "it returned without a response"])


@pytest.mark.parametrize("server", ["bundled", "direct"])
def test_what_the_app_raises_behind_its_answers_is_a_note_of_the_test_that_caused_it(
    run_pytest, read_json, server
):
    result = run_pytest(
        """
        import apps
        import pytest

        async def _late(scope, send):
            await apps.answer(send)
            if scope["path"] != "/quiet":
                raise LookupError(scope["path"])

        @pytest.fixture(scope="session")
        def reqleak_app():
            return apps.asgi(_late)

        @pytest.mark.no_leak
        @pytest.mark.parametrize("path", ["/loud", "/quiet"])
        def test_get(reqleak_client, path):
            reqleak_client.get(path)
        """,
        f"--reqleak-server={server}",
        "--reqleak-warmup=10",
        "--reqleak-json=runs.json",
    )

    result.assert_outcomes(passed=2)
    runs = read_json("runs.json")["runs"]
    loud, quiet = ({caveat["slug"]: caveat["text"] for caveat in run["caveats"]} for run in runs)
    assert "raised-late" not in quiet
    assert loud["raised-late"].endswith("after the answer was complete; the first: LookupError: /loud")


def test_no_reqleak_skips_a_test_that_checks(run_pytest):
    result = run_pytest("import apps\ndef test_a(reqleak):\n    reqleak.check(apps.leaky)", "--no-reqleak")

    result.assert_outcomes(skipped=1)


def test_a_check_inside_a_repeated_body_is_refused(run_pytest):
    result = run_pytest(
        """
        import apps
        import pytest
        from pytest_reqleak import check

        @pytest.mark.no_leak
        def test_a():
            check(apps.clean)
        """
    )

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["a measurement is under way in this process*"])


def test_every_public_name_is_there_whatever_was_imported_before(project):
    project.makepyfile(
        script="""
        import pytest_reqleak.cli, pytest_reqleak.plugin, pytest_reqleak.repeat
        from pytest_reqleak import *
        from pytest_reqleak import __all__, check, measure

        print(callable(check), callable(measure), sorted(set(__all__) - set(globals())))
        """
    )

    assert ["True True []"] == project.runpython("script.py").outlines


@pytest.mark.parametrize("function", ["check", "measure"])
def test_an_app_can_be_measured_without_pytest(project, function):
    project.makepyfile(
        script=f"""
        import apps
        import pytest_reqleak

        run = pytest_reqleak.{function}(apps.clean, "GET /", iterations=100, server="direct")
        print(run.verdict, run.target, run.server.interface)
        try:
            pytest_reqleak.check("apps:leaky", iterations=100, server="direct")
        except pytest_reqleak.MemoryGrowth as growth:
            print(growth.run.verdict)
        """
    )

    result = project.runpython("script.py")

    assert ["clean apps:clean asgi", "leak"] == result.outlines
    assert [] == result.errlines
