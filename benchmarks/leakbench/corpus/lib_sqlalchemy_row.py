"""Probes rows for a column that an older schema lacks; the C row keeps the name that it did not find."""

from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

CASE = {
    "name": "lib_sqlalchemy_row",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "lib-native-refcount-errorpath",
    "python": "3.10",
    "requests": [{"path": "/user/{i}"}],
    "needs": ["flask==2.3.3", "werkzeug==2.3.8", "sqlalchemy==1.4.35"],
    "fixed_needs": ["flask==2.3.3", "werkzeug==2.3.8", "sqlalchemy==1.4.36"],
    "source": "SQLAlchemy 1.4.36 changelog",
    "site": "nickname",
    "holder": "refcount leak in the C extension's row",
    "approx_bytes_per_request": 70.2,
}
engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
app = Flask(__name__)


def nickname(row, number):
    return getattr(row, f"nickname_{number}", None) or row.name


@app.get("/user/<number>")
def user(number):
    with engine.connect() as connection:
        row = connection.execute(text("select 'Ann' as name, 7 as age")).one()
    return {"name": nickname(row, number)}
