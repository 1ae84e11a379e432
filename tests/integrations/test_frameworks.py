"""The test tools of Flask and aiohttp: what they gather for each request or pass is not counted."""

MARKED = "import pytest\npytestmark = pytest.mark.no_leak\n"


def test_pytest_flask(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
from flask import Flask, session

@pytest.fixture
def app():
    app = Flask("shop")
    app.secret_key = "not secret"

    @app.get("/")
    def home():
        session["seen"] = True
        return "ok"

    return app

def test_client(client):
    assert "ok" == client.get("/").text

@pytest.mark.usefixtures("client_class")
class TestClass:
    def test_client_of_the_class(self):
        assert "ok" == self.client.get("/").text
""",
        "-Wignore",
        plugins=["flask"],
    )

    result.assert_outcomes(passed=2)
    assert {"test_client": "clean", "test_client_of_the_class": "clean"} == verdicts()


def test_pytest_aiohttp(run_pytest, verdicts):
    result = run_pytest(
        MARKED
        + """
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

async def home(request):
    return web.Response(text="ok")

def make_app():
    app = web.Application()
    app.router.add_get("/", home)
    return app

@pytest.fixture
async def client(aiohttp_client):
    return await aiohttp_client(make_app())

async def test_client_of_a_fixture(client):
    assert "ok" == await (await client.get("/")).text()

async def test_client_of_the_body(aiohttp_client):
    client = await aiohttp_client(make_app())
    assert "ok" == await (await client.get("/")).text()

async def test_client_without_a_plugin():
    async with TestClient(TestServer(make_app())) as client:
        assert "ok" == await (await client.get("/")).text()
""",
        "-Wignore",
        "--asyncio-mode=auto",
        "--reqleak-iterations=400",
        plugins=["aiohttp", "asyncio"],
    )

    result.assert_outcomes(passed=3)
    names = ["test_client_of_a_fixture", "test_client_of_the_body", "test_client_without_a_plugin"]
    assert dict.fromkeys(names, "clean") == verdicts()
