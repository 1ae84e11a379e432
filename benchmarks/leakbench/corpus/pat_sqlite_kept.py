"""Opens a database in memory for each report and keeps the connection: most of it is C memory."""

import sqlite3

from bottle import Bottle

CASE = {
    "name": "pat_sqlite_kept",
    "interface": "wsgi",
    "expected": "leak",
    "kind": "native-held",
    "python": "3.12",
    "requests": [{"path": "/report/{i}"}],
    "needs": ["bottle==0.13.2"],
    "source": "pattern",
    "site": "database",
    "holder": "module global CONNECTIONS",
    "approx_bytes_per_request": 43067.0,
    "verify_n": 600,
}

app = Bottle()
CONNECTIONS = []


def database(number):
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("create table report (number int)")
    connection.execute("insert into report values (?)", (number,))
    CONNECTIONS.append(connection)
    return connection


@app.get("/report/<number:int>")
def report(number):
    return {"rows": database(number).execute("select count(*) from report").fetchone()[0]}
