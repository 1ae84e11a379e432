"""pytest's own records are not counted as the app's memory, and a failing test still shows them."""

import pytest

TALKATIVE = """
import apps

def test_requests(reqleak):
    run = reqleak.check(apps.talkative, "GET /{i}", server="direct")
    assert run.verdict == "clean", run.reason
    assert run.blocks_per_iteration < 0.01
"""

BODY = """
import logging
import sys
import warnings
import pytest
passes = [0]

@pytest.mark.no_leak
def test_body():
    passes[0] += 1
    logging.warning("logged %d", passes[0])
    print("printed", passes[0])
    print("complained", passes[0], file=sys.stderr)
    warnings.warn(f"warned {passes[0]}")
"""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-s"],
        ["--capture=sys"],
        ["--capture=tee-sys"],
        ["-p", "no:logging"],
        ["-p", "no:warnings"],
        ["-p", "no:logging", "-p", "no:warnings", "--capture=no"],
        ["--log-level=DEBUG"],
        ["-W", "always"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("source", [TALKATIVE, BODY], ids=["app", "body"])
def test_what_logs_prints_and_warns_is_clean(run_pytest, source, arguments):
    result = run_pytest(source, *arguments, "-q")

    result.assert_outcomes(passed=1, warnings=result.parseoutcomes().get("warnings", 0))


def test_an_app_that_keeps_its_log_records_still_leaks(run_pytest):
    result = run_pytest(
        """
        import logging
        import apps

        class Keeper(logging.Handler):
            kept = []
            def emit(self, record):
                self.kept.append(record)

        def test_requests(reqleak):
            logging.getLogger().addHandler(Keeper())
            run = reqleak.measure(apps.talkative, "GET /{i}", server="direct")
            assert run.verdict == "leak"
        """
    )

    result.assert_outcomes(passed=1, warnings=result.parseoutcomes()["warnings"])


def test_warnings_with_ever_new_texts_are_told_as_a_caveat(run_pytest, read_json):
    run_pytest(TALKATIVE, "--reqleak-json=runs.json")

    (run,) = read_json("runs.json")["runs"]
    (text,) = [caveat["text"] for caveat in run["caveats"] if caveat["slug"] == "warning-texts"]
    assert "apps.__warningregistry__" in text


def test_a_failing_test_shows_the_first_and_the_last_records(run_pytest):
    result = run_pytest(BODY + "    assert passes[0] < 250\n")

    result.assert_outcomes(failed=1, warnings=result.parseoutcomes()["warnings"])
    output = result.stdout.str()
    for word in ("printed", "complained", "logged"):
        assert f"{word} 1\n" in output
        assert f"{word} 250" in output
        assert f"{word} 120\n" not in output
    result.stdout.fnmatch_lines(["*characters of repeated iterations left out*"])
    result.stdout.fnmatch_lines(["*log records of repeated iterations left out*"])
    result.stdout.fnmatch_lines(["*UserWarning: warned 1"])


@pytest.mark.parametrize("capture", ["fd", "sys", "no"])
def test_fixtures_that_look_at_records_see_one_pass(run_pytest, capture):
    result = run_pytest(
        """
        import logging
        import warnings
        import pytest
        passes = [0]

        @pytest.mark.no_leak
        def test_caplog(caplog):
            passes[0] += 1
            logging.warning("pass %d", passes[0])
            assert [record.getMessage() for record in caplog.records] == [f"pass {passes[0]}"]
            assert caplog.text.count("pass") == 1

        @pytest.mark.no_leak
        @pytest.mark.parametrize("reads", [True, False])
        def test_capsys(capsys, reads):
            passes[0] += 1
            print("pass", passes[0])
            if reads:
                assert capsys.readouterr().out == f"pass {passes[0]}\\n"

        @pytest.mark.no_leak
        def test_capfdbinary(capfdbinary):
            print("pass")
            assert capfdbinary.readouterr().out == b"pass\\n"

        @pytest.mark.no_leak
        def test_recwarn(recwarn):
            passes[0] += 1
            warnings.warn(f"pass {passes[0]}")
            assert len(recwarn) == 1

        @pytest.mark.no_leak
        def test_warns():
            with pytest.warns(UserWarning, match="pass"):
                warnings.warn("pass")
        """,
        f"--capture={capture}",
    )

    result.assert_outcomes(passed=6)


def test_fixtures_see_the_first_records_after_a_check(run_pytest):
    result = run_pytest(
        """
        import apps

        def test_requests(reqleak, caplog, capsys):
            reqleak.check(apps.talkative, "GET /page", server="direct")
            assert "asked for /page" in caplog.text
            assert "asked for /page" in caplog.messages
            assert len(caplog.records) < 200
            out, err = capsys.readouterr()
            assert out.startswith("printed /page") and err.startswith("complained /page")
        """
    )

    result.assert_outcomes(passed=1, warnings=result.parseoutcomes()["warnings"])


def test_exceptions_that_pytest_collects_are_not_counted(run_pytest):
    result = run_pytest(
        """
        import pytest

        class Loud:
            def __del__(self):
                raise RuntimeError("in a finalizer")

        @pytest.mark.filterwarnings("ignore")
        @pytest.mark.no_leak
        def test_body():
            Loud()
        """
    )

    result.assert_outcomes(passed=1)


def test_what_a_body_patches_is_undone_before_its_next_pass(run_pytest):
    result = run_pytest(
        """
        import os
        import sys
        import pytest

        @pytest.fixture
        def outer(monkeypatch, tmp_path):
            monkeypatch.setenv("OUTER", "set up")
            monkeypatch.chdir(tmp_path)

        @pytest.mark.no_leak
        def test_body(outer, monkeypatch, tmp_path):
            assert "INNER" not in os.environ
            assert os.environ["OUTER"] == "set up"
            assert os.getcwd() == str(tmp_path)
            monkeypatch.setenv("INNER", "patched")
            monkeypatch.setenv("OUTER", "patched")
            monkeypatch.setattr(sys, "patched", object(), raising=False)
            monkeypatch.syspath_prepend(tmp_path)
            assert sys.path.count(str(tmp_path)) == 1

        def test_after(tmp_path):
            assert not {"INNER", "OUTER"} & set(os.environ)
            assert not hasattr(sys, "patched")
            assert os.getcwd() == {cwd!r}
        """.replace("{cwd!r}", "os.path.dirname(os.path.abspath(__file__))")
    )

    result.assert_outcomes(passed=2)
