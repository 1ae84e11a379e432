"""Every option in every form, the order of the places, and how each bad value is refused."""

import pytest

from pytest_reqleak import options, settings
from pytest_reqleak.errors import UsageError
from pytest_reqleak.options import BY_NAME, CALL, COMMAND, INI, MARKER, OPTIONS, PYTEST

# Three different good values each, and one bad one with what the message must say.
VALUES = {
    "iterations": (["300", "400", "auto"], "0", "must be at least 1, or 'auto'"),
    "batches": (["3", "4", "5"], "-1", "must be at least 1"),
    "warmup": (["30", "40", "auto"], "soon", "must be a whole number, or 'auto'"),
    "threshold": (["16", "16 B", "1 KiB"], "5 parsec", "has the unknown unit 'parsec'"),
    "server": (["bundled", "direct", "Bundled"], "apache", "must be one of bundled, direct"),
    "interface": (["asgi", "wsgi", "auto"], "agsi", "did you mean 'asgi'?"),
    "server_args": (["--backlog 128", "--http 1", "-v"], "'open", "must be arguments as in a shell"),
    "isolate": (["true", "no", "1"], "perhaps", "must be true or false"),
    "allocator": (["jemalloc", "glibc", "mimalloc"], "jemaloc", "did you mean 'jemalloc'?"),
    "python_malloc": (["malloc", "pymalloc", "malloc"], "pymaloc", "did you mean 'pymalloc'?"),
    "memray_capture": (["a.bin", "b.bin", "c.bin"], "", "must be the name of a file"),
    "concurrency": (["2", "3", "4"], "many", "must be a whole number"),
    "trace": (["always", "never", "auto"], "sometimes", "must be one of auto, always, never"),
    "gc": (["natural", "collect", "natural"], "none", "must be one of collect, natural"),
    "tracer": (["memray", "tracemalloc", "memray"], "malloc", "did you mean 'tracemalloc'?"),
    "app": (["a:app", "b:app", "c:app"], " ", "must be an import string"),
    "factory": (["true", "no", "1"], "perhaps", "must be true or false"),
    "json": (["a.json", "b.json", "c.json"], "", "must be the name of a file"),
    "html": (["a.html", "b.html", "c.html"], "", "must be the name of a file"),
    "markdown": (["a.md", "b.md", "c.md"], "", "must be the name of a file"),
    "junit": (["a.xml", "b.xml", "c.xml"], "", "must be the name of a file"),
    "gitlab": (["a.json", "b.json", "c.json"], "", "must be the name of a file"),
    "sarif": (["a.sarif", "b.sarif", "c.sarif"], "", "must be the name of a file"),
    "speedscope": (["a.json", "b.json", "c.json"], "", "must be the name of a file"),
    "prometheus": (["a.prom", "b.prom", "c.prom"], "", "must be the name of a file"),
    "graph": (["a.dot", "b.dot", "c.dot"], "", "must be the name of a file"),
    "github": (["never", "auto", "never"], "off", "must be one of auto, never"),
    "baseline": (["a.json", "b.json", "c.json"], "", "must be the name of a file"),
    "baseline_update": (["true", "no", "1"], "perhaps", "must be true or false"),
    "timeout": (["10", "20 s", "0.5"], "soon", "must be a number of seconds"),
    "inconclusive": (["fail", "pass", "warn"], "ignore", "must be one of warn, fail, pass"),
}


# Those that may stand in a configuration file and on pytest's command line.
IN_BOTH = [option for option in OPTIONS if {PYTEST, INI} <= option.forms]


def value_of(settled, name):
    if name in options.FILE_FORMATS:
        return settled.files.get(name)
    return getattr(settled if hasattr(settled, name) else settled.plan, name)


def sources(name, ini=None, command_line=None, marker=None):
    return [
        settings.given_in_ini(lambda asked: ini if asked == f"reqleak_{name}" else None, "pytest.ini"),
        settings.given_on_command_line(lambda asked: command_line if asked == f"reqleak_{name}" else None),
        settings.given_as_keywords({name: marker} if marker else {}, form=MARKER, name="no_leak"),
    ]


@pytest.mark.parametrize("option", IN_BOTH, ids=lambda option: option.name)
def test_the_closest_place_wins(option):
    (ini, command_line, marker), *_ = VALUES[option.name]
    in_marker = marker if MARKER in option.forms else None
    read = option.parse

    assert option.default == value_of(settings.resolve(sources(option.name)), option.name)
    assert read(ini) == value_of(settings.resolve(sources(option.name, ini)), option.name)
    assert read(command_line) == value_of(
        settings.resolve(sources(option.name, ini, command_line)), option.name
    )
    assert read(in_marker or command_line) == value_of(
        settings.resolve(sources(option.name, ini, command_line, in_marker)), option.name
    )


@pytest.mark.parametrize(
    "option", [option for option in IN_BOTH if VALUES[option.name][1]], ids=lambda option: option.name
)
def test_a_bad_value_is_refused_with_its_place_even_where_another_place_wins(option):
    (_, good, _), bad, complaint = VALUES[option.name]

    with pytest.raises(UsageError) as refused:
        settings.resolve(sources(option.name, bad, good))

    message = str(refused.value)
    assert message.startswith(f"reqleak_{option.name} = {bad!r} (pytest.ini): ")
    assert complaint in message
    assert "\n" not in message


@pytest.mark.parametrize("option", options.options_for(COMMAND), ids=lambda option: option.name)
def test_the_command_names_its_options_without_prefix(option):
    _, bad, complaint = VALUES[option.name]
    given = settings.given_on_command_line(lambda name: bad if name == option.name else None, command=True)

    with pytest.raises(UsageError) as refused:
        settings.resolve([given])

    assert str(refused.value).startswith(f"--{option.dashed} = {bad!r} (command line): ")
    assert complaint in str(refused.value)


@pytest.mark.parametrize("raw", [0, -5, 2.5, True, None, [3], "2.5", ""])
def test_a_count_is_a_whole_number_of_at_least_one(raw):
    with pytest.raises(UsageError, match="must be"):
        BY_NAME["iterations"].parse(raw)


def test_an_unknown_keyword_is_refused_with_the_closest_one():
    with pytest.raises(UsageError) as refused:
        settings.given_as_keywords(
            {"iteratons": 5}, form=MARKER, name="no_leak", where=" on test_a.py::test_a"
        )

    expected = (
        "no_leak(iteratons=5) on test_a.py::test_a: unknown keyword 'iteratons'; did you mean 'iterations'?"
    )
    assert expected == str(refused.value)


def test_a_setting_that_has_no_such_keyword_is_told_where_it_can_be_set():
    with pytest.raises(UsageError) as refused:
        settings.given_as_keywords({"factory": True}, form=MARKER, name="no_leak")

    expected = (
        "no_leak(factory=True): unknown keyword 'factory'; it can be set by --reqleak-factory, "
        "the ini setting reqleak_factory, reqleak.check(…, factory=…) or --factory of the command"
    )
    assert expected == str(refused.value)


def test_an_unknown_keyword_without_a_close_one_lists_those_that_exist():
    with pytest.raises(UsageError, match="known are iterations, batches, warmup"):
        settings.given_as_keywords({"colour": 5}, form=CALL, name="check")


@pytest.mark.parametrize("name", ["json", "html", "sarif", "baseline", "github", "app", "factory"])
def test_what_belongs_to_the_session_is_no_keyword_of_the_marker(name):
    assert MARKER not in BY_NAME[name].forms


def test_batches_given_must_not_exceed_the_iterations():
    given = {
        "batches": settings.Given(value="60", place="reqleak_batches = '60' (pytest.ini)"),
        "iterations": settings.Given(value=50, place="no_leak(iterations=50)"),
    }
    with pytest.raises(UsageError, match=r"^reqleak_batches = '60' \(pytest.ini\): .* iterations, 50"):
        settings.resolve([given])


def test_batches_by_default_shrink_to_few_iterations():
    plan = settings.resolve([{"iterations": settings.Given(value=7, place="here")}]).plan

    assert (7, 7) == (plan.iterations, plan.batches)


@pytest.mark.parametrize(
    ("iterations", "concurrency", "batches"),
    [(20, 5, 4), (20, 20, 1), (2000, 60, 33), (2000, 8, 50), ("auto", 60, 20), ("auto", 500, 10)],
)
def test_batches_by_default_are_as_long_as_the_concurrency(iterations, concurrency, batches):
    given = {"iterations": iterations, "concurrency": concurrency}
    plan = settings.resolve([settings.given_as_keywords(given, form=CALL, name="check")]).plan

    assert batches == plan.batches
    assert plan.batch_iterations >= concurrency


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (
            {"iterations": 20, "concurrency": 60},
            "check(concurrency=60): must not be more than the iterations, 20: so many can never be under "
            "way at the same time",
        ),
        (
            {"iterations": 2000, "concurrency": 60, "batches": 50},
            "check(batches=50): must not be more than 33, with 2000 iterations and concurrency 60: a shorter "
            "batch never has so many requests under way",
        ),
    ],
)
def test_a_concurrency_that_is_never_reached_is_refused(given, complaint):
    with pytest.raises(UsageError) as refused:
        settings.resolve([settings.given_as_keywords(given, form=CALL, name="check")])

    assert complaint == str(refused.value)


def test_a_concurrency_for_other_tests_says_nothing_of_a_body():
    given = {"iterations": 5, "concurrency": 60}
    sources = [settings.given_as_keywords(given, form=CALL, name="check")]

    assert 5 == settings.resolve(sources, side_by_side=False).plan.batches


def test_a_request_never_may_take_longer_than_the_run():
    quick = settings.resolve([{"timeout": settings.Given(value=2, place="here")}])

    assert 2 == quick.request_seconds
    assert options.MOST_REQUEST_SECONDS == settings.resolve([]).request_seconds


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_table_is_ready_for_a_reference_page(option):
    assert option.help.endswith(".")
    assert set(option.choices) >= ({option.default} if option.choices else set())


SHOW = """
import pytest
from pytest_reqleak.plugin import _settings

@pytest.mark.no_leak{marker}
def test_show(request):
    plan = _settings(request.node).plan
    print("settings:", plan.iterations, plan.threshold, plan.factory)
"""


TEXT = """
reqleak_iterations = "700"
reqleak_threshold = "2 B"
reqleak_factory = "true"
"""
NUMBERS = """
reqleak_iterations = 700
reqleak_threshold = 2.0
reqleak_factory = true
"""


@pytest.mark.parametrize(
    ("arguments", "marker", "expected"),
    [
        ([], "", "700 2.0 True"),
        (["--reqleak-iterations=800"], "", "800 2.0 True"),
        (["--reqleak-iterations=800"], "(iterations=900, threshold='1 KiB')", "900 1024.0 True"),
    ],
    ids=["ini", "command line", "marker"],
)
@pytest.mark.parametrize(
    "toml",
    [
        "[tool.pytest.ini_options]" + TEXT,
        "[tool.pytest.ini_options]" + NUMBERS,
        pytest.param(
            "[tool.pytest]" + NUMBERS,
            marks=pytest.mark.skipif(pytest.version_tuple < (9, 2), reason="unions of types came with 9.2"),
        ),
    ],
    ids=["text", "numbers", "native"],
)
def test_settings_are_read_from_all_places_in_order(pytester, toml, arguments, marker, expected):
    pytester.makepyprojecttoml(toml)
    pytester.makepyfile(SHOW.format(marker=marker))

    result = pytester.runpytest_subprocess("-s", "-q", "--no-reqleak", *arguments)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*settings: {expected}*"])


def test_a_bad_value_in_the_configuration_ends_the_session_in_one_line(pytester):
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nreqleak_batches = "0"')
    pytester.makepyfile("def test_a(): pass")

    result = pytester.runpytest_subprocess()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert ["ERROR: reqleak_batches = '0' (pyproject.toml): must be at least 1"] == [
        line for line in result.errlines if line
    ]


def test_a_bad_value_on_the_command_line_ends_the_session_in_one_line(pytester):
    pytester.makepyfile("def test_a(): pass")

    result = pytester.runpytest_subprocess("--reqleak-threshold=5 parsec")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(
        ["ERROR: --reqleak-threshold = '5 parsec' (command line): has the unknown unit*"]
    )
    result.stderr.no_fnmatch_line("*Traceback*")


def test_an_update_needs_a_baseline():
    given = {"baseline_update": settings.Given(value="true", place="--reqleak-baseline-update = 'true'")}

    with pytest.raises(UsageError, match=r"^--reqleak-baseline-update = 'true': needs the file to update"):
        settings.resolve([given])
