"""The recipes of docs/header-propagation.md, as they stand there: what comes in with a request goes on to the next."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mesh.parts import may_skip

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "header-propagation.md").read_text(encoding="utf-8")
VALUES = ["dev.proj1", "dev.proj2", None, "", "dev.proj1.user1"] * 6

# Around each recipe: a server that asks NEXT for every request that it serves, and prints its own port.
PYTHON = """
import os, sys, urllib.request
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, WSGIRequestHandler, make_server

def serve(environ, start_response):
    body = urllib.request.urlopen(os.environ["NEXT"] + environ["PATH_INFO"]).read()
    start_response("200 OK", [("content-length", str(len(body)))])
    return [body]

{recipe}

class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

class Quiet(WSGIRequestHandler):
    def log_message(self, *_): pass

server = make_server("127.0.0.1", 0, serve, Server, Quiet)
print(server.server_port, flush=True)
server.serve_forever()
"""
NODE = """
{recipe}
const server = require("node:http").createServer((request, response) =>
  copyEnvironment(request, response, async () => {{
    const next = await fetch(process.env.NEXT + request.url);
    response.end(await next.text());
  }}));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""
GO = """
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

{recipe}

func main() {{
	client := http.Client{{Transport: SendEnvironment{{http.DefaultTransport}}}}
	serve := func(w http.ResponseWriter, r *http.Request) {{
		next, _ := http.NewRequestWithContext(r.Context(), "GET", os.Getenv("NEXT")+r.URL.Path, nil)
		answer, err := client.Do(next)
		if err != nil {{
			panic(err)
		}}
		defer answer.Body.Close()
		io.Copy(w, answer.Body)
	}}
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, CopyEnvironment(http.HandlerFunc(serve)))
}}
"""


def recipe(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


def needs(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


@pytest.fixture
def following():
    """Serve the next service: it answers with the header that its path names, or with `-`."""

    class Next(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.strip("/").partition("/")[0]
            body = self.headers.get(name, "-").encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Next)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def passed_on(command, following, header, values):
    """Start a service, ask it many things at once; return the header's value that the next one saw, for each."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "NEXT": following}, text=True) as service:
        try:
            port = int(service.stdout.readline())

            def ask(value):
                headers = {} if value is None else {header: value}
                request = urllib.request.Request(f"http://127.0.0.1:{port}/{header}", headers=headers)
                return urllib.request.urlopen(request, timeout=20).read().decode()  # noqa: S310 - http

            with ThreadPoolExecutor(8) as pool:
                return list(pool.map(ask, values))
        finally:
            service.kill()


def test_plain_python(following, tmp_path):
    """A WSGI application with the recipe passes the header on, each request its own, and none where there was none."""
    (tmp_path / "app.py").write_text(PYTHON.format(recipe=recipe("python plain")), encoding="utf-8")
    seen = passed_on([sys.executable, tmp_path / "app.py"], following, "X-Virtual-Env", VALUES)
    assert seen == ["-" if value is None else value for value in VALUES]


def test_opentelemetry_in_python(following, tmp_path):
    """A WSGI application instrumented with OpenTelemetry passes baggage on, our member and all others."""
    if not importlib.util.find_spec("opentelemetry"):
        (pytest.skip if may_skip("opentelemetry") else pytest.fail)("OpenTelemetry: run .ci/parts/opentelemetry")
    (tmp_path / "app.py").write_text(PYTHON.format(recipe=recipe("python otel")), encoding="utf-8")
    values = ["virtual-env=dev.proj1", None, "user=7,virtual-env=dev.proj2"] * 6
    seen = passed_on([sys.executable, tmp_path / "app.py"], following, "baggage", values)
    assert [sorted(one.split(",")) for one in seen] == [sorted((value or "-").split(",")) for value in values]


def test_node(following, tmp_path):
    """A Node.js server with the recipe passes the header on, each request its own."""
    needs("node")
    (tmp_path / "app.js").write_text(NODE.format(recipe=recipe("js")), encoding="utf-8")
    seen = passed_on(["node", tmp_path / "app.js"], following, "X-Virtual-Env", VALUES)
    assert seen == ["-" if value is None else value for value in VALUES]


def test_go(following, tmp_path):
    """A Go server with the recipe passes the header on, each request its own."""
    needs("go")
    (tmp_path / "main.go").write_text(GO.format(recipe=recipe("go")), encoding="utf-8")
    built = ["go", "build", "-o", str(tmp_path / "app"), str(tmp_path / "main.go")]
    subprocess.run(built, check=True, cwd=tmp_path)
    seen = passed_on([tmp_path / "app"], following, "X-Virtual-Env", VALUES)
    assert seen == ["-" if value is None else value for value in VALUES]
