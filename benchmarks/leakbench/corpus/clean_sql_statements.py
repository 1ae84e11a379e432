"""SQLAlchemy with more kinds of statements than its compiled cache takes."""

from flask import Flask
from sqlalchemy import column, create_engine, select
from sqlalchemy.pool import StaticPool

CASE = {
    "name": "clean_sql_statements",
    "interface": "wsgi",
    "expected": "clean",
    "kind": "plateau-cache",
    "python": "3.12",
    "requests": [{"path": "/select/{i}"}],
    "needs": ["flask==3.1.0", "sqlalchemy==2.0.36"],
    "source": "pattern",
    "verify_n": 2000,
    "plateau_at": 1500,
}

app = Flask(__name__)
ENGINE = create_engine(
    "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, query_cache_size=100
)


@app.get("/select/<int:number>")
def statement(number):
    columns = [column(str(value)) for value in range(1, 2 + number % 180)]
    with ENGINE.connect() as connection:
        return {"columns": len(connection.execute(select(*columns)).one())}
