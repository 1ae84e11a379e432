"""Django's own test cases and clients, and pytest-django's fixtures: each pass finds the same rows."""

import sys

SETTINGS = """
SECRET_KEY = "not secret"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
ROOT_URLCONF = "shop_urls"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
"""

URLS = """
from django.core.mail import send_mail
from django.http import HttpResponse
from django.urls import path


def count(request):
    from django.contrib.auth.models import User
    return HttpResponse(str(User.objects.count()))


def mail(request):
    send_mail("subject", "text", "a@shop.test", ["b@shop.test"])
    return HttpResponse("sent")


urlpatterns = [path("", count), path("mail", mail)]
"""

TESTS = """
import pytest
from django.test import SimpleTestCase, TestCase

pytestmark = pytest.mark.no_leak(iterations=500, batches=20, trace="never", timeout=30)

class TestRows(TestCase):
    @classmethod
    def setUpTestData(cls):
        from django.contrib.auth.models import User
        User.objects.create(username="of the class")

    def setUp(self):
        from django.contrib.auth.models import User
        User.objects.create(username="of the set-up")

    def test_rows(self):
        from django.contrib.auth.models import User
        User.objects.create(username="of the body")
        self.assertEqual(b"3", self.client.get("/").content)

    @pytest.mark.no_leak(iterations=100, batches=10)
    def test_queries(self):
        from django.contrib.auth.models import User
        with self.assertNumQueries(1):
            User.objects.count()

@pytest.mark.django_db
@pytest.mark.no_leak(iterations=100, batches=10)
def test_queries_and_settings(settings, django_assert_num_queries):
    from django.contrib.auth.models import User
    assert settings.DEBUG is False
    settings.DEBUG = True
    with django_assert_num_queries(1):
        User.objects.count()

class TestMail(SimpleTestCase):
    def test_mail(self):
        from django.core import mail
        self.client.get("/mail")
        self.assertEqual(1, len(mail.outbox))

@pytest.mark.django_db
def test_db(client, mailoutbox):
    from django.contrib.auth.models import User
    User.objects.create(username="of the body")
    assert b"1" == client.get("/").content
    client.get("/mail")
    assert 1 == len(mailoutbox)

@pytest.mark.django_db(transaction=True)
def test_committed(client):
    from django.contrib.auth.models import User
    User.objects.create(username="of the body")

@pytest.mark.django_db
@pytest.mark.no_leak(iterations=100, batches=10, trace="never")
def test_leaky(client):
    KEPT.append(client.get("/mail"))

KEPT = []
"""


def test_passes_are_rolled_back_and_the_clients_leave_nothing_behind(
    run_pytest, verdicts, pytester, monkeypatch
):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop_settings")
    pytester.makepyfile(shop_settings=SETTINGS, shop_urls=URLS)

    result = run_pytest(TESTS, "-Wignore", plugins=["django"])

    result.assert_outcomes(passed=5, failed=2)
    found = verdicts()
    clean = {"test_rows", "test_queries", "test_queries_and_settings", "test_db", "test_mail"}
    assert {*clean, "test_leaky"} == set(found)
    assert "leak" == found.pop("test_leaky")
    # CPython 3.10 needs 1,100 passes to warm up, and a busy machine does not make as many in the time.
    allowed = {"clean"} if sys.version_info >= (3, 11) else {"clean", "inconclusive"}
    assert set(found.values()) <= allowed, found
    result.stdout.fnmatch_lines(["*iteration 2 failed, iteration 1 passed: the test is not repeatable*"])
