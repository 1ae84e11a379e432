"""Django with a model in SQLite, middleware and a form that fails."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

CASE = {
    "name": "clean_django_orm",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "framework",
    "python": "3.12",
    "requests": [{"path": "/note/{i}"}, {"path": "/check/{i}"}, {"path": "/nowhere/{i}"}],
    "needs": ["django==5.1.4"],
    "source": "pattern",
    "verify_n": 3000,
}

settings.configure(
    ROOT_URLCONF="case_app",
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="none",
    LOGGING_CONFIG=None,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "CONN_MAX_AGE": None}},
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)
django.setup()
from django import forms  # noqa: E402
from django.db import connection, models  # noqa: E402


class Note(models.Model):
    text = models.CharField(max_length=40)

    class Meta:
        app_label = "notes"


class NoteForm(forms.Form):
    text = forms.CharField(max_length=10)


with connection.schema_editor() as editor:
    editor.create_model(Note)


def note(request, number):
    made = Note.objects.create(text=f"note {number}")
    found = Note.objects.filter(text__contains=str(number)).count()
    made.delete()
    return JsonResponse({"found": found})


def check(request, number):
    return JsonResponse({"valid": NoteForm({"text": f"a text that is too long {number}"}).is_valid()})


urlpatterns = [path("note/<int:number>", note), path("check/<int:number>", check)]
app = get_wsgi_application()
