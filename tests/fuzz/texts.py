"""A random list, written as nobody would write it by hand and some tool or person does."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from tests.fuzz import crowds

ENVIRONMENTS = ["dev", "dev.x", "dev.x.y", "dev.aAb", "dev.aab", "prod", "1_000", "dev..x", "0b11", "on", ""]
MORE = [
    {"tcp": "callerLabels"},
    {"output": "gatewayAPI"},
    {"matching": "exact"},
    {"routes": "all", "applyOrder": "list"},
    {"envHeader": {"autoInject": True, "aliases": [{"cookie": "env"}, {"baggage": "env"}]}},
    {"unmatched": "anyPod", "namespace": "ns"},
    {"output": "gatewayAPI", "base": "selector"},
]
USUAL = 5  # so many of them are names that the function takes
ODD_SCALARS = [
    "",
    "~",
    "null",
    ".inf",
    "1e999",
    "0b11",
    "1_000",
    "!!binary aGk=",
    "!x y",
    "'it''s'",
    '"\\u00e9\\n"',
    "- ",
    "a: b",
]
COMMENTS = ["# a remark", "#", "  # deeper", "# é 😀", "# - a: b", "# 'it's", "#\ttab"]
FATAL = ["# a\x85b", "# \x07", "# \u2028"]  # comments that no reader of YAML takes
LINES = ["a", "# b", "- c", "d: e", "", "  f", "---x", "{", "'", "\tg", "é 😀"]  # of texts in block scalars


class Writer:
    """Writes values as YAML in one style after the other, as the dice fall."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.odd = rng.choice([0.0, 0.0, 0.02, 0.1])  # how often a place is written oddly
        self.anchors: list[str] = []

    def oddly(self) -> bool:
        return self.rng.random() < self.odd

    def mapping(self, value: dict, indent: int) -> list[str]:
        lines: list[str] = []
        blank = " " * indent
        for key, child in value.items():
            name = self.key(key)
            if self.oddly():
                lines.append(self.remark(blank))
            written = self.entry(child, indent)
            if self.oddly() and not written[0].startswith(" |"):
                lines += [f"{blank}? {name}", f"{blank}:{written[0]}", *written[1:]]
            else:
                lines += [f"{blank}{name}:{written[0]}", *written[1:]]
            if self.oddly():
                lines += self.rng.choice(
                    [[f"{blank}{name}:{written[0]}", *written[1:]], [f"{blank}{name}:"], [f"{blank}z: &a {{b: 1}}"]]
                )
        return lines

    def remark(self, blank: str) -> str:
        """A line that says nothing: a comment, where its neighbours stand or at the edge, or blanks."""
        comment = self.rng.choice(FATAL if self.rng.random() < 0.02 else [*COMMENTS, ""])
        return self.rng.choice([blank, blank, ""]) + comment

    def entry(self, value: object, indent: int) -> list[str]:
        """The text behind a colon, and the lines below."""
        rng = self.rng
        tag = rng.choice([" &a", " !", " !!map", " &b"]) if self.oddly() and isinstance(value, dict) else ""
        if isinstance(value, dict) and value and rng.random() > 0.25:
            if self.oddly():
                return [tag, f"{' ' * (indent + 2)}<<: {self.flow(value)}"]
            return [tag, *self.mapping(value, indent + rng.choice([1, 2, 2, 2, 4]))]
        if isinstance(value, list) and value and rng.random() > 0.3:
            return ["", *self.sequence(value, indent + rng.choice([0, 0, 2]))]
        if isinstance(value, (dict, list)):
            return [f" {self.flow(value)}"]
        if isinstance(value, str) and "\n" in value:
            step = rng.choice(["", "", "2", "1"])
            sign = rng.choice(["", "", "-", "+"])
            blank = " " * (indent + int(step or 2))
            return [
                f" {rng.choice('|>')}{step}{sign}" + (" # c" if self.oddly() else ""),
                *(blank + line if line else "" for line in value.split("\n")),
            ]
        return [f" {self.scalar(value)}" + (rng.choice([" # c", "  "]) if self.oddly() else "")]

    def sequence(self, values: list, indent: int) -> list[str]:
        lines: list[str] = []
        for number, value in enumerate(values):
            dash = " " * indent + "-" + (f" &i{number}" if self.oddly() and self.oddly() else "")
            if self.oddly():
                lines.append(self.remark(" " * indent))
            if isinstance(value, dict) and value and self.rng.random() > 0.3:
                first, *rest = self.mapping(value, indent + 2)
                lines += (
                    [dash, first, *rest]
                    if "&" in dash or self.oddly() or not first.strip(" ").strip() or first.lstrip()[0] == "#"
                    else [dash + first[indent + 1 :], *rest]
                )
            else:
                lines.append(f"{dash} {self.flow(value)}")
        return lines

    def flow(self, value: object) -> str:
        if self.rng.random() < 0.3:
            return json.dumps(value)
        if isinstance(value, dict):
            pairs = [f"{self.key(key)}: {self.flow(child)}" for key, child in value.items()]
            if self.oddly():
                pairs.append(self.rng.choice(["e:", "e: ", "? f", "g: 2001:db8::"]))
            return "{" + ", ".join(pairs) + self.rng.choice(["", "", ","] if pairs else [""]) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.flow, value)) + "]"
        return self.scalar(value)

    def key(self, key: str) -> str:
        return self.rng.choice([key] * 8 + [f'"{key}"', f"'{key}'"])

    def scalar(self, value: object) -> str:
        if self.oddly():
            return self.rng.choice(ODD_SCALARS)
        if (
            isinstance(value, str)
            and value
            and value.replace(".", "").replace("-", "").isalnum()
            and self.rng.random() > 0.2
        ):
            return value
        return json.dumps(value)


def environment(rng: random.Random, number: int) -> str:
    """The environment of a workload: the first one is mostly the base."""
    if rng.random() < 0.03:
        return rng.choice(ENVIRONMENTS)
    return ENVIRONMENTS[0] if not number else rng.choice(ENVIRONMENTS[:USUAL])


def objects(rng: random.Random) -> list[dict]:
    def meta(name: str) -> dict:
        more = rng.choice(
            [{}, {}, {}, {"namespace": "ns"}, {"annotations": {"note": "a\nb\n"}}, {"labels": {"virtual-env": "dev"}}]
        )
        return {"name": name, **more}

    ports = rng.choice(
        [
            [{"port": 80, "name": "http"}],
            [{"port": 80, "name": "http"}, {"port": 5432, "name": "tcp-db"}],
            [{"port": 443, "name": "tls"}],
        ]
    )
    found = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta("web"),
            "spec": {"selector": {"app": "web"}, "ports": ports},
        }
    ]
    for number in range(rng.choice([0, 1, 2, 2, 3, 3])):
        labels = {
            "app": "web",
            **({"virtual-env": environment(rng, number)} if rng.random() > 0.05 else {}),
        }
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
        if rng.random() > 0.5:
            found.append(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {**meta(f"w{number}"), "labels": labels},
                    "spec": pod["spec"],
                }
            )
        else:
            found.append(
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "metadata": meta(f"w{number}"),
                    "spec": {"replicas": rng.choice([1, 0, "x"]), "template": pod},
                }
            )
    if rng.random() > 0.4:
        destination = {"host": rng.choice(["web", "web", "web.ns.svc.cluster.local", "other"])}
        route = rng.choice(
            [
                {"route": [{"destination": destination}]},
                {"match": [{"uri": {"prefix": "/a"}}], "route": [{"destination": destination, "weight": 100}]},
            ]
        )
        kind = rng.choice(["http", "http", "http", "tcp", "tls"])
        routes = rng.choice([[route], [route], [route, route], [], None])
        spec = {"hosts": ["web"], kind: routes}
        spec = spec if rng.random() > 0.3 else dict(reversed(spec.items()))
        found.append(
            {
                "apiVersion": "networking.istio.io/v1",
                "kind": "VirtualService",
                "metadata": meta("web"),
                "spec": spec,
            }
        )
    if rng.random() > 0.5:
        subsets = rng.choice(
            [
                {},
                {"subsets": []},
                {"subsets": None},
                {"subsets": [{"name": "v1", "labels": {"version": "v1"}}]},
                {"trafficPolicy": None},
            ]
        )
        found.append(
            {
                "apiVersion": "networking.istio.io/v1",
                "kind": "DestinationRule",
                "metadata": meta("web"),
                "spec": {"host": "web", **subsets},
            }
        )
    if rng.random() > 0.6:
        spec = rng.choice([{"unlabelled": "adopt"}, {"previewHosts": "{env}.{host}"}, {}, *MORE])
        found.append(
            {
                "apiVersion": "virtual-env-fn.dev/v1alpha1",
                "kind": "VirtualEnvironment",
                "metadata": {"name": "c"},
                "spec": {"envLabel": {"defaultSubset": "dev"}, **spec},
            }
        )
    if rng.random() > 0.6:
        found.append(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "m"},
                "data": {"run.sh": "#!/bin/sh\n\nexit 0\n", "x": "\n".join(rng.choices(LINES, k=rng.randint(2, 6)))},
            }
        )
    found += others(rng, meta)
    rng.shuffle(found)
    return found


def others(rng: random.Random, meta: Callable[[str], dict]) -> list[dict]:
    """Some of what stands beside it in real lists: other controllers, other routes, a second Service, lists."""
    istio = "networking.istio.io/v1"
    destination = {"host": rng.choice(["web", "web.ns.svc.cluster.local"]), "subset": rng.choice(["v1", "dev"])}
    pod = {"metadata": {"labels": {"app": "web", "virtual-env": "dev.x"}}, "spec": {"containers": [{"name": "c"}]}}
    gateway = {"servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]}
    kinds = [
        (
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            {"parentRefs": [{"kind": "Service", "group": "", "name": "web"}]},
        ),
        (istio, "Gateway", {"selector": {"istio": "ingressgateway"}, **gateway}),
        (istio, "VirtualService", {"hosts": ["shop.example"], "gateways": ["g"], "http": [{"route": [destination]}]}),
        (istio, "VirtualService", {"hosts": ["web", "shop"], "http": [{"route": [{"destination": destination}]}]}),
        (istio, "DestinationRule", {"host": "*.ns.svc.cluster.local", "trafficPolicy": {"tls": {"mode": "DISABLE"}}}),
        (istio, "Sidecar", {"egress": [{"hosts": ["./*"]}]}),
        (istio, "ServiceEntry", {"hosts": ["web.example"], "workloadSelector": {"labels": {"app": "web"}}}),
        ("argoproj.io/v1alpha1", "Rollout", {"template": pod, "strategy": {"canary": {"stableService": "web"}}}),
        ("serving.knative.dev/v1", "Service", {"template": pod}),
        ("batch/v1", "Job", {"template": pod}),
        ("v1", "Service", {"selector": {"app": "web"}, "ports": [{"port": 80}], "clusterIP": "None"}),
        ("v1", "Service", {"type": "ExternalName", "externalName": "example.org"}),
        ("env.alibaba.com/v1alpha2", "VirtualEnvironment", {"envLabel": {"name": "virtual-env", "splitter": "."}}),
    ]
    chosen = rng.sample(kinds, rng.choice([0, 0, 0, 1, 2, 3]))
    made = [
        {"apiVersion": version, "kind": kind, "metadata": meta(f"o{number}"), "spec": spec}
        for number, (version, kind, spec) in enumerate(chosen)
    ]
    if made and rng.random() < 0.2:
        return [{"apiVersion": "v1", "kind": "List", "items": made}]
    return made


def text(seed: int, make: Callable[[random.Random], list[dict]] = objects) -> bytes:
    """The input of a number: objects that are made by its dice, and written by them."""
    rng = random.Random(seed)  # noqa: S311 - no secret: a number names an input
    listed, writer = make(rng), Writer(rng)

    def items(of: list[dict], indent: int) -> str:
        return "\n".join(crowds.written(of, lambda one: writer.sequence([one], indent), rng, ODD_SCALARS))

    form = rng.choice(["list", "list", "stream", "stream", "json", "json list", "v1 List", "typed"])
    if form == "json":
        written = rng.choice(["\n", "\n", "", " ", "\r\n", "\n---\n"]).join(
            json.dumps(one, indent=rng.choice([None, 2])) for one in listed
        )
    elif form == "json list":
        written = json.dumps({"apiVersion": "v1", "kind": "List", "items": listed}, indent=rng.choice([None, 4]))
    elif form == "typed":
        kinds = dict.fromkeys((one["apiVersion"], one["kind"]) for one in listed)
        written = "---\n".join(
            f"apiVersion: {version}\nkind: {kind}List\nitems:\n"
            + items([one for one in listed if (one["apiVersion"], one["kind"]) == (version, kind)], 0)
            + "\n"
            for version, kind in kinds
        )
    elif form == "stream":
        written = rng.choice(["---\n", "---\n", "--- # c\n", "...\n---\n", "---\n---\n", "---\n# c\n"]).join(
            one + "\n" for one in crowds.written(listed, lambda one: writer.mapping(one, 0), rng, ODD_SCALARS)
        )
    else:
        kind = (
            "kind: List\napiVersion: v1"
            if form == "v1 List"
            else "apiVersion: config.kubernetes.io/v1\nkind: ResourceList"
        )
        tag = rng.choice([" !", " &i", " # c", " !!seq"]) if writer.oddly() else ""
        rest = rng.choice(["", "", "# end\n", "  # end\n", "\n\n", "functionConfig: {}\n" if form == "list" else ""])
        written = f"{kind}\nitems:{tag}\n" + items(listed, rng.choice([0, 0, 2])) + f"\n{rest}"
    if rng.random() < 0.1:
        written = written.replace("\n", rng.choice(["\r\n", "\r\n", "\r\n", "\r"]), rng.choice([-1, -1, -1, 9]))
    if rng.random() < 0.2:
        written = written.rstrip("\r\n")
    if rng.random() < 0.1:
        written = mutated(written, rng)
    return ("\ufeff" if rng.random() < 0.02 else "").encode() + written.encode("utf-8", "replace")


def mutated(written: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(written) + 1)
        piece = rng.choice(
            [
                "",
                " ",
                "\n",
                "\t",
                ":",
                "- ",
                "{",
                "]",
                '"',
                "'",
                "&a ",
                "*a",
                "|\n",
                "#",
                "---\n",
                "\x00",
                "\x85",
                "? ",
                "<<: ",
                "!",
            ]
        )
        written = written[:place] + piece + written[place + rng.choice([0, 0, 1, 5]) :]
    return written
