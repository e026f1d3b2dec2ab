"""What the views cost: explain, matrix and diff beside the function itself, and the page in a real browser.

    python bench/views.py              # all of it; the page needs Chromium and Playwright (.ci/parts/chromium)
    python bench/views.py --no-page    # or --page-only

Prints the processor time of each view as a multiple of the function's, median of the pairs, which take turns, and
milliseconds in the browser. The page's times run from the start of its navigation to the load event and to the first
frame that shows something, and from a click on an environment to the frame after it; the CPU time of the page's main
thread stands beside them, for it does not count other work on the machine. `chrt -r 10 python bench/views.py` (as root)
gives the browser the processors before all else.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from make_list import make_list
from run import ENVIRONMENT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROUNDS = 9
TABS = 11
CHROMIUM = "/usr/bin/chromium"

_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{app: {name}}}
  ports: [{{name: http, port: 80}}]
---
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}-{slug}, namespace: shop}}
spec:
  template:
    metadata: {{labels: {{app: {name}, virtual-env: {env}}}}}
    spec: {{containers: [{{name: app, image: registry.example.com/{name}}}]}}
---
"""
_WORDS = ("orders", "cart", "users", "search", "mail", "stock", "prices", "audit", "media", "reports")


def environments(count: int) -> list[str]:
    """Return `dev`, a project for every four of the rest, and the users of the projects."""
    names = ["dev"]
    project = 0
    while len(names) < count:
        project += 1
        names.append(f"dev.proj{project}")
        names += [f"dev.proj{project}.user{user}" for user in range(1, 4)]
    return names[:count]


def manifests(services: int, count: int, *, seed: int = 1) -> str:
    """Return Services with pods in `dev` and in up to eight of `count` environments, each of which somebody has."""
    rng = random.Random(seed)  # noqa: S311  # no secret: the same list every time
    names = environments(count)
    texts = []
    for number in range(services):
        name = f"{_WORDS[number % len(_WORDS)]}-{number}"
        own = {"dev", names[number % count], *rng.sample(names, rng.randint(0, min(6, count)))}
        texts.append(_SERVICE.format(name=name))
        texts += [_DEPLOYMENT.format(name=name, slug=env.replace(".", "-"), env=env) for env in sorted(own)]
    return "".join(texts)


def commands(folder: Path) -> None:
    """Compare the processor time of each view, as a whole process, with the function's on the same 1,000 resources."""
    listed, other = folder / "list.yaml", folder / "other.yaml"
    listed.write_bytes(make_list(100))
    other.write_bytes(make_list(100, seed=2))
    words: dict[str, list[str | Path]] = {
        "explain": ["explain", listed],
        "explain --env dev.proj1.me": ["explain", listed, "--env", "dev.proj1.me"],
        "matrix": ["matrix", listed],
        "check": ["check", listed],
        "diff, 1,000 against 1,000": ["diff", listed, other],
    }
    print(f"1,000 resources, processor time of whole processes (median of {ROUNDS} pairs):")
    for name, arguments in words.items():
        _cpu_seconds(arguments, listed)  # writes bytecode
        pairs = [(_cpu_seconds(arguments, listed), _cpu_seconds([], listed)) for _ in range(ROUNDS)]
        seconds, ratio = median(one for one, _ in pairs), median(one / other for one, other in pairs)
        print(f"  {name:28} {seconds:6.3f} s  {ratio:5.2f} x the function")


def _cpu_seconds(arguments: list[str | Path], stdin: Path) -> float:
    """Run a command and return its CPU time, user and system: other work on the machine counts little."""
    program = Path(sys.executable).with_name("virtual-env-fn")
    with stdin.open("rb") as file:
        process = subprocess.Popen([program, *arguments], stdin=file, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{program} {arguments} failed")
    return usage.ru_utime + usage.ru_stime


_TIMES = """() => new Promise((done) => {
  const frame = (then) => requestAnimationFrame(() => setTimeout(then));
  const heads = document.querySelectorAll("#grid tbody th");
  const times = [];
  const next = (place) => {
    if (place === 20) return done(times.sort((a, b) => a - b));
    const start = performance.now();
    heads[(place * 7 + 3) % heads.length].click();
    frame(() => { times.push(performance.now() - start); next(place + 1); });
  };
  next(0);
})"""
_LOADED = """() => performance.getEntriesByType("navigation")[0].loadEventEnd"""
_FIRST_FRAME = """() => new Promise((done) => {
  const look = () => {
    const [found] = performance.getEntriesByName("first-contentful-paint");
    if (found) done(found.startTime);
    else setTimeout(look, 5);
  };
  look();
})"""


def page(folder: Path) -> None:
    """Time the page of 200 Services and 60 environments in Chromium."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only the page needs it

    (folder / "large.yaml").write_text(manifests(200, 60))
    output = folder / "large.html"
    program = Path(sys.executable).with_name("virtual-env-fn")
    subprocess.run([program, "page", folder / "large.yaml", "-o", output], check=True)
    blank = folder / "blank.html"
    blank.write_text("<!doctype html><title>blank</title><p>blank</p>")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        tabs = [(_visit(browser, blank), _visit(browser, output)) for _ in range(TABS)]
        browser.close()
    print(f"load {os.getloadavg()[0]:.0f}")
    print(f"page of 200 x 60, {output.stat().st_size / 1000:.0f} kB, in {TABS} tabs of Chromium (least, median, most):")
    for name, place in (("blank page", 0), ("the page", 1)):
        visits = [tab[place] for tab in tabs]
        for what in visits[0]:
            print(f"  {name}: {what:32} {_spread([visit[what] for visit in visits])} ms")


def _visit(browser: Browser, path: Path) -> dict[str, float]:
    """Open a page and choose twenty environments; return milliseconds, those of an answer as the median."""
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def cpu() -> float:
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return metrics["TaskDuration"] * 1000

    start = cpu()
    tab.goto(path.as_uri(), wait_until="load")
    times = {"open, to the load event": tab.evaluate(_LOADED)}
    times["open, to the first frame"] = tab.evaluate(_FIRST_FRAME)
    tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    times["open, CPU of the main thread"] = cpu() - start
    if tab.locator("#grid").count():
        start = cpu()
        answers = tab.evaluate(_TIMES)
        times["an answer, click to frame"] = answers[len(answers) // 2]
        times["an answer, CPU of the main thread"] = (cpu() - start) / len(answers)
    tab.close()
    return times


def _spread(times: list[float]) -> str:
    times = sorted(times)
    return f"{times[0]:6.0f} {times[len(times) // 2]:6.0f} {times[-1]:6.0f}"


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--no-page", action="store_true")
    options.add_argument("--page-only", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if not given.page_only:
            commands(Path(place))
        if not given.no_page:
            page(Path(place))
