"""Lists for the tests of the views, and their plans."""

from __future__ import annotations

import random

from lists import base, compute, config, service, workload
from markdown_it import MarkdownIt

from krm_fn.views import page

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</script><script>alert(2)//",
    "</style>]]>--><svg onload=alert(3)>",
    "__proto__",
    "constructor",
    "{{script}} $& ${1}",
    "x" * 300,
    "שלום-עולם",
    "\u202egnp.exe",
    "a|b`c`[d](javascript:alert(4)) @everyone",
    "\x1b[31mred\x07",
)


def quickstart():
    """The list of examples/quickstart, as values."""
    return [
        service("app-js"),
        service("app-go"),
        service("app-java"),
        *(workload(f"{app}-dev", "dev", app=app) for app in ("app-js", "app-go", "app-java")),
        workload("js-proj1", "dev.proj1", app="app-js"),
        workload("java-proj1", "dev.proj1", app="app-java"),
        workload("java-feature1", "dev.proj1.feature1", app="app-java"),
        workload("go-proj2", "dev.proj2", app="app-go"),
    ]


def hostile():
    """A Service of each hostile name, with pods of `dev` and `dev.proj1` whose Deployments have such names, too."""
    return [
        one
        for number, name in enumerate(HOSTILE)
        for one in (
            service(name, selector={"app": f"a{number}"}, ports=((80, name[:40]),)),
            workload(name, "dev", app=f"a{number}"),
            workload(f"{name}-1", "dev.proj1", app=f"a{number}"),
        )
    ]


def plan_of(values, function_config=None):
    return compute(values, function_config or base()).plan


def page_of(values, function_config=None, title="a test"):
    computed = compute(values, function_config or base())
    return page.page(title, page.Side(computed.plan, computed.results))


# Services that no header steers, or not whole.
_SHAPES = (
    {"ports": ((9, "tcp"),)},
    {"ports": ((443, "tls"),)},
    {"ports": ((80, "http"), (6379, "redis"))},
    {"clusterIP": "None"},
)


def random_world(seed):
    """A list of Services over a random tree, its configuration, and values to ask for, known and unknown."""
    rng = random.Random(seed)  # noqa: S311 - the same world every time
    splitter = rng.choice([".", "-", "--", "."])
    names = set()
    for _ in range(rng.randint(2, 9)):
        names.add(splitter.join(rng.choice("ab1") for _ in range(rng.randint(1, 4))))
    names = sorted(names)
    values = []
    for number in range(rng.randint(1, 5)):
        app = f"app{number}"
        shape = rng.choice([{}, {}, {}, *_SHAPES])
        values.append(service(app, **shape))
        own = rng.sample(names, rng.randint(1, len(names)))
        values += [
            workload(f"{app}-{place}", env, app=app, **({"replicas": 0} if rng.random() < 0.2 else {}))
            for place, env in enumerate(own)
        ]
    values.append(workload("all", names[0], app="nobody"))
    values += [workload(f"all-{place}", env, app="nobody") for place, env in enumerate(names)]
    values.append(service("nobody"))
    spec = config(
        envLabel={"defaultSubset": rng.choice(names), "splitter": splitter},
        matching=rng.choice(["prefix", "prefix", "exact"]),
        unmatched=rng.choice(["reject", "anyPod"]),
        tcp=rng.choice(["base", "base", "callerLabels"]),
    )
    typed = [*names, *(f"{name}{splitter}{tail}" for name in names for tail in ("a", "zz", ""))]
    typed += [*(f"{name}0" for name in names), "zz", "__proto__", "constructor", "A", splitter, f"{splitter}a"]
    return values, spec, rng.sample(typed, min(12, len(typed)))


def markdown_parts(text):
    """What stands in code spans of a Markdown text, and how many cells its tables have.

    Fails where anything outside of the spans is more than text: a link, an image, HTML.
    """
    inside, cells = set(), 0
    for block in MarkdownIt("commonmark").enable("table").parse(text):
        cells += block.type in ("td_open", "th_open")
        assert block.type != "html_block"
        for part in block.children or ():
            assert part.type in ("text", "code_inline", "softbreak", "strong_open", "strong_close"), part
            if part.type == "code_inline":
                inside.add(part.content)
            else:
                assert "@" not in part.content
    return inside, cells
