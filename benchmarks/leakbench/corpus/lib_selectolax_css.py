"""A price checker that asks a parsed page whether it has a price; the compiled selector is never freed."""

from flask import Flask, request
from selectolax.lexbor import LexborHTMLParser

CASE = {
    "name": "lib_selectolax_css",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "lib-native-malloc",
    "python": "3.11",
    "requests": [
        {"method": "POST", "path": "/has-price", "body": "<p>{i}</p><div class=price>{i} EUR</div>"}
    ],
    "needs": ["flask==3.0.3", "selectolax==0.3.17"],
    "fixed_needs": ["flask==3.0.3", "selectolax==0.3.18"],
    "source": "rushter/selectolax#107",
    "site": "has_price",
    "holder": "native: lists of selectors in the lexbor library",
    "approx_bytes_per_request": 111636.7,
}
app = Flask(__name__)


@app.post("/has-price")
def has_price():
    page = LexborHTMLParser(request.get_data(as_text=True))
    return {"price": page.css_matches("div.price, span.price")}
