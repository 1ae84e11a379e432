"""Makes templates from user text: jinja keeps the last four hundred, and only those."""

from flask import Flask
from jinja2 import DictLoader, Environment

CASE = {
    "name": "clean_jinja_strings",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "plateau-cache",
    "python": "3.12",
    "requests": [{"path": "/greet/{i}"}],
    "needs": ["flask==3.1.0"],
    "source": "pattern",
    "plateau_at": 1000,
}

app = Flask(__name__)
SOURCES = {f"greeting{number}": f"Hello {{{{ name }}}}, this is page {number}" for number in range(600)}
PAGES = Environment(loader=DictLoader(SOURCES), autoescape=True)


@app.get("/greet/<int:number>")
def greet(number):
    return PAGES.get_template(f"greeting{number * 7 % 600}").render(name=number)
