"""Answers who it is. A path such as /prices/storefront is passed on: to prices, with the path /storefront."""

import os

import flask
import requests

app = flask.Flask(__name__)


@app.get("/")
@app.get("/<service>")
@app.get("/<service>/<path:rest>")
def answer(service="", rest=""):
    following = requests.get(f"http://{service}:8080/{rest}", timeout=10).json() if service else None
    return {"pod": os.environ["POD"], "next": following}


app.run(os.environ.get("HOST", "0.0.0.0"), 8080)  # noqa: S104 - a container's server
