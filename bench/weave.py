"""Measure weaving: VirtualServices of ten routes each, to Services of five environments, one to each Service.

    python bench/weave.py            # some minutes: 100, 1,000 and 10,000 VirtualServices
    python bench/weave.py --quick    # without the longest list, fewer runs
    python bench/weave.py --apart    # each route with a timeout of its own, so that none shares its copies

Prints the function's processor time on a first run, on its own output, and on that output without labels (which takes
all routes out again), each divided by twice the bare event pass over the same input (bench/run.py says what that is).
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

from run import EVENT_PASS, FUNCTION, Comparison, compare

ENVIRONMENTS = ("dev", "dev.proj1", "dev.proj2", "dev.proj3", "dev.proj1.user1")
ROUTES = 10
SERVICES_PER_NAMESPACE = 50
LABEL = re.compile(rb"\n +virtual-env: \S+")

_SERVICE = """\
- apiVersion: v1
  kind: Service
  metadata: {{name: {name}, namespace: {namespace}}}
  spec:
    selector: {{app: {name}}}
    ports:
    - name: http
      port: 8080
"""
_DEPLOYMENT = """\
- apiVersion: apps/v1
  kind: Deployment
  metadata: {{name: {name}-{slug}, namespace: {namespace}}}
  spec:
    template:
      metadata:
        labels:
          app: {name}
          virtual-env: {environment}
"""
_VIRTUAL_SERVICE = """\
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata:
    name: {name}
    namespace: {namespace}
  spec:
    hosts:
    - {name}
    http:
{routes}"""
_ROUTE = """\
    - name: route-{number}
      match:
      - uri:
          prefix: /api/{number}/
      route:
      - destination:
          host: {name}
          port:
            number: 8080
      timeout: {timeout}s # as long as the page waits
      retries: {{attempts: 2, perTryTimeout: 1s}}
"""


def make_list(count: int, *, apart: bool = False) -> bytes:
    """Return a ResourceList of so many VirtualServices, each with its Service and five Deployments.

    `apart` gives each route a timeout of its own; else they do the same for different paths.
    """
    texts = ["apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"]
    for number in range(count):
        name, namespace = f"app-{number}", f"shop-{number // SERVICES_PER_NAMESPACE}"
        texts.append(_SERVICE.format(name=name, namespace=namespace))
        for environment in ENVIRONMENTS:
            slug = environment.replace(".", "-")
            texts.append(_DEPLOYMENT.format(name=name, namespace=namespace, slug=slug, environment=environment))
        routes = "".join(
            _ROUTE.format(name=name, number=route, timeout=route + 3 if apart else 3) for route in range(ROUTES)
        )
        texts.append(_VIRTUAL_SERVICE.format(name=name, namespace=namespace, routes=routes))
    return "".join(texts).encode()


def line(count: int, label: str, comparison: Comparison, source: Path) -> None:
    """Print what a run costs."""
    print(
        f"{count:>9,} {label:<22} {source.stat().st_size / 1e6:>7.1f}"
        f" {source.with_suffix('.out').stat().st_size / 1e6:>7.1f}"
        f" {comparison.seconds():>8.2f} {comparison.processor() / 2:>8.2f}",
        flush=True,
    )


def measure(folder: Path, count: int, runs: int, *, apart: bool) -> None:
    """Print the three lines of a list. Raises SystemExit when weaving is not what it should be."""
    first, second, third = (folder / f"{count}-{name}.yaml" for name in ("first", "second", "third"))
    first.write_bytes(make_list(count, apart=apart))
    line(count, "first run", compare(FUNCTION, EVENT_PASS, first, runs), first)
    woven = first.with_suffix(".out").read_bytes()
    second.write_bytes(woven)
    line(count, "its output again", compare(FUNCTION, EVENT_PASS, second, runs), second)
    if second.with_suffix(".out").read_bytes() != woven:
        raise SystemExit("a second run changed the list")
    third.write_bytes(LABEL.sub(b"", woven))
    line(count, "without labels again", compare(FUNCTION, EVENT_PASS, third, runs), third)
    left = third.with_suffix(".out").read_bytes().partition(b"\nresults:")[0]
    if left.strip() != LABEL.sub(b"", first.read_bytes()).strip():
        raise SystemExit("the list without labels is not what it was before")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="no list of 10,000 VirtualServices, fewer runs")
    parser.add_argument("--apart", action="store_true", help="routes that are not alike, with copies of their own")
    options = parser.parse_args()
    quick = options.quick
    print(" Virtual-                           MB in  MB out  seconds   ÷ input")
    print(" Services                                                  read twice")
    with tempfile.TemporaryDirectory() as name:
        for count, runs in ((100, 5), (1000, 3 if quick else 5), *(() if quick else ((10_000, 1),))):
            measure(Path(name), count, runs, apart=options.apart)


if __name__ == "__main__":
    main()
