"""The day of a user: from a fresh application to its third environment, what they edit and what they type.

`docs/a-day.md` is what it prints; `tests/test_a_day.py` holds the two together, and `tests/mesh/test_day.py` asks a
mesh for each line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

COMMAND = Path(sys.executable).with_name("virtual-env-fn")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "a-day.md"
LABEL = "virtual-env"
PORTS = {"web": "http", "cart": "http", "store": "tcp"}


def service(name):
    port = {"name": f"{PORTS[name]}-main", "port": 80 if PORTS[name] == "http" else 6379}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [port]},
    }


def deployment(name, app, env=None, **labels):
    labels = {"app": app, **({"virtual-env": env} if env else {}), **labels}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app"}]}},
        },
    }


CANARY = [
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "web"},
        "spec": {
            "host": "web",
            "subsets": [
                {"name": one, "labels": {"version": one, "virtual-env": "dev"}} for one in ("stable", "canary")
            ],
        },
    },
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "web"},
        "spec": {
            "hosts": ["web"],
            "http": [
                {
                    "route": [
                        {"destination": {"host": "web", "subset": one}, "weight": weight}
                        for one, weight in (("stable", 50), ("canary", 50))
                    ]
                }
            ],
        },
    },
]
CONFIG = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {"envLabel": {"defaultSubset": "dev"}},
}


class Day:
    """A repository with an application in `deploy`, what its user writes there and types, and what they read."""

    def __init__(self, folder):
        self.folder = folder
        self.files = {}
        self.said = []  # Markdown
        (folder / "deploy").mkdir()
        self._git("init", "-q", "-b", "main")

    def _git(self, *words):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *words], cwd=self.folder, check=True, capture_output=True)

    def title(self, text):
        self.said.append(f"## {text}")

    def edit(self, **files):
        """Write files; None takes one away."""
        for name, items in files.items():
            path = self.folder / "deploy" / f"{name}.yaml"
            if items is None:
                del self.files[name]
                path.unlink()
            else:
                self.files[name] = items
                path.write_text(yaml.safe_dump_all(items, sort_keys=False))
        self.said.append("\n".join(f"- `deploy/{name}.yaml`: {told(items)}" for name, items in files.items()))
        self.edited()

    def edited(self):
        """The list is another one now."""

    def commit(self, text):
        self._git("add", "-A")
        self._git("commit", "-qm", text)
        self.said.append(f"Commit: {text}.")
        self.committed()

    def committed(self):
        """What `diff --git HEAD` compares with is another list now."""

    def branch(self, name):
        self._git("checkout", "-qb", name)

    def type(self, *words, code=0, values=()):
        """Run the command; `values` are what requests may carry."""
        done = subprocess.run(
            [COMMAND, *words], cwd=self.folder, capture_output=True, encoding="utf-8", check=False, env=os.environ
        )
        output = done.stdout + done.stderr
        ended = f"(exit code {code})\n" if code else ""
        self.said.append(f"```text\n$ virtual-env-fn {' '.join(words)}\n{output}{ended}```")
        assert done.returncode == code, self.said[-1]
        self.printed(words[0], output, values)

    def reaches(self, service, value, workloads):
        """Requests of `value` are answered by pods of these workloads."""

    def printed(self, name, output, values):
        """A subcommand has printed this."""


def told(items):
    """What a file holds, in a line."""
    return "; ".join(map(_told, items)) if items else "is gone"


def _told(one):
    name = f"{one['kind']} {one['metadata']['name']}"
    labels = one["spec"].get("template", {}).get("metadata", {}).get("labels", {})
    if labels:
        more = [f"{key}: {value}" for key, value in labels.items() if key not in ("app", LABEL)]
        of = f" of `{labels[LABEL]}`" if LABEL in labels else ", without the label"
        return name + of + (f" ({', '.join(more)})" if more else "")
    return name


def live(day):  # noqa: PLR0915 - a day is long, and its order is the point
    """Let a day pass."""
    base = {name: [service(name), deployment(f"{name}-dev", name)] for name in PORTS}
    labelled = {name: [service(name), deployment(f"{name}-dev", name, "dev")] for name in PORTS}

    day.title("A fresh application")
    day.edit(**base)
    day.type("check", "deploy")
    day.commit("the application")

    day.title("Its pods become the base")
    day.edit(**labelled, config=[CONFIG])
    day.type("check", "deploy", values=["dev"])
    day.type("diff", "--git", "HEAD", "deploy", values=["dev"])
    day.commit("the base")

    day.title("A first environment")
    day.edit(cart_proj1=[deployment("cart-proj1", "cart", "dev.proj1")])
    known = ["dev", "dev.proj1"]
    day.type("matrix", "deploy", values=known)
    day.type("explain", "deploy", values=known)
    day.type("diff", "--git", "HEAD", "deploy", values=known)
    day.commit("proj1")

    day.title("A second Service of it, with a typing mistake")
    day.edit(web_proj1=[deployment("web-proj1", "web", "dev.porj1")])
    typed = [*known, "dev.porj1"]
    day.type("check", "deploy", values=typed)
    day.type("check", "deploy", "--fail-on", "info", "--format", "github", code=1, values=typed)
    day.type("explain", "deploy", "--env", "dev.proj1", "--service", "web", values=typed)
    day.type("explain", "deploy", "--env", "dev.prooj1", "--service", "web", values=typed)
    day.edit(web_proj1=[deployment("web-proj1", "web", "dev.proj1")])
    day.type("diff", "--git", "HEAD", "deploy", values=known)
    day.commit("proj1 has a web")

    day.title("A second environment, with a store of its own, and one below the first")
    day.edit(
        proj2=[deployment("store-proj2", "store", "dev.proj2"), deployment("cart-proj2", "cart", "dev.proj2")],
        me=[deployment("cart-me", "cart", "dev.proj1.me")],
    )
    known = ["dev", "dev.proj1", "dev.proj1.me", "dev.proj2"]
    day.type("matrix", "--all", "deploy", values=known)
    day.type("matrix", "deploy", values=known)
    day.type("explain", "deploy", "--service", "store", values=known)
    day.type("check", "deploy", values=known)
    day.commit("proj2, and me")

    day.title("The store of the second one ends, which nobody's connection ever reached")
    day.edit(proj2=[deployment("cart-proj2", "cart", "dev.proj2")])
    day.type("diff", "--git", "HEAD", "deploy", "--fail-on", "any", values=known)
    day.commit("proj2 without a store")

    day.title("A canary of the base")
    stable, canary = (deployment(f"web-dev-{one}", "web", "dev", version=one) for one in ("stable", "canary"))
    day.edit(web=[service("web"), stable, canary], canary=CANARY)
    day.type("diff", "--git", "HEAD", "deploy", "--fail-on", "any", values=known)
    day.type("matrix", "deploy", values=known)
    day.reaches("web", "dev.proj1", {"web-proj1"})
    day.commit("a canary")

    day.title("A pull request by which the base loses its cart")
    day.branch("feature")
    day.edit(cart=[service("cart")])
    day.type("diff", "--git", "main", "deploy", "--fail-on", "base", code=1, values=known)
    day.edit(cart=labelled["cart"])
    day.type("diff", "--git", "main", "deploy", "--fail-on", "base", values=known)

    day.title("The second environment gets another name")
    day.edit(proj2=[deployment("cart-payments", "cart", "dev.payments")])
    day.type("diff", "--git", "main", "deploy", values=["dev", "dev.proj1", "dev.proj1.me", "dev.payments"])


HEAD = """\
# A day

From a fresh application to its third environment: a typing mistake, a lost Deployment, a canary, a gate in a pull
request. Its user has three Services (`web` and `cart` speak HTTP, `store` plain TCP), writes the files named below, and
reads what stands here. `python3 tests/run.py tests/test_a_day.py --update` types it all and writes this page; each line
that is printed is asked of a real mesh by `tests/mesh/test_day.py`.
"""


def page(day):
    """The page of a day that has passed."""
    return HEAD + "".join(f"\n{part}\n" for part in day.said)
