"""Falcon: media handlers, a hook and a 404."""

from falcon import App, HTTPNotFound

CASE = {
    "name": "clean_falcon_media",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "framework",
    "python": "3.13",
    "requests": [{"path": "/book/{i}"}, {"method": "POST", "path": "/book/{i}", "json": {"title": "t{i}"}}],
    "needs": ["falcon==4.0.2"],
    "source": "pattern",
}


class Books:
    def on_get(self, request, response, number):
        if int(number) % 5 == 0:
            raise HTTPNotFound(title=f"book {number}")
        response.media = {"book": number, "pages": [1, 2, 3]}

    def on_post(self, request, response, number):
        response.media = {"stored": request.get_media()}


app = App()
app.add_route("/book/{number}", Books())
