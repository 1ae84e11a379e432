"""Flask with sessions, a template, a redirect and an error page."""

from flask import Flask, abort, redirect, render_template_string, session

CASE = {
    "name": "clean_flask_templates",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "framework",
    "python": "3.13",
    "requests": [{"path": "/page/p{i}"}, {"path": "/old/p{i}"}, {"path": "/secret"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
}

app = Flask(__name__)
app.secret_key = "none"
PAGE = "<h1>{{ title }}</h1>{% for n in numbers %}<li>{{ n }}</li>{% endfor %}"


@app.get("/page/<name>")
def page(name):
    session["last"] = name
    return render_template_string(PAGE, title=name, numbers=range(5))


@app.get("/old/<name>")
def old(name):
    return redirect(f"/page/{name}")


@app.get("/secret")
def secret():
    abort(403)
