"""A class attribute that looks like an instance attribute: every view object appends to the same list."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path
from django.views import View

CASE = {
    "name": "pat_view_history",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "python-objects",
    "python": "3.12",
    "requests": [{"path": "/article/{i}"}],
    "needs": ["django==5.1.4"],
    "source": "pattern",
    "site": "Article",
    "holder": "class attribute Article.seen",
    "approx_bytes_per_request": 188.0,
}

settings.configure(
    ROOT_URLCONF="case_app", ALLOWED_HOSTS=["*"], SECRET_KEY="none", DEBUG=False, LOGGING_CONFIG=None
)
django.setup()


class Article(View):
    seen = []

    def get(self, request, number):
        self.seen.append((number, request.path))
        return JsonResponse({"article": number})


urlpatterns = [path("article/<int:number>", Article.as_view())]
app = get_wsgi_application()
