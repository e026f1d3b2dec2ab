"""Config dumps of running proxies, through kubectl: it only reads, and every command is printed before it runs."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from krm_fn.results import Code, Ref, Result
from krm_fn.values import Value, mapping, mappings, strings
from krm_fn.verify.verifying import Wanted

_SECONDS = 120
_DUMP = ("pilot-agent", "request", "GET", "config_dump?include_eds")
_CONTAINER = "istio-proxy"

Pod = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """The dump of one proxy, as it came."""

    name: str
    text: bytes


@dataclass(slots=True)
class Answers:
    """What kubectl gave.

    Attributes:
        proxies: the dumps.
        environments: of every pod that was listed, by its IP; None for a pod without the label.
        problems: what could not be asked.
    """

    proxies: list[Said] = field(default_factory=list)
    environments: dict[str, str | None] = field(default_factory=dict)
    problems: list[Result] = field(default_factory=list)


class _RefusedError(Exception):
    """kubectl failed; its own words."""


def dumps(wanted: Wanted, namespaces: Sequence[str], pod: str) -> Answers:
    """Fetch the dump of one sidecar of each namespace, and of each gateway of the list.

    Args:
        wanted: the list, whose namespaces and Gateways are asked.
        namespaces: to ask these instead.
        pod: to ask this one alone, in the one namespace given.
    """
    answers = Answers()
    if not shutil.which("kubectl"):
        answers.problems.append(_problem("kubectl", "is not in PATH: install it, or give dumps with --proxy"))
        return answers
    plan = wanted.plan
    own = {one.service.ref.namespace or wanted.namespace for one in plan.services}
    spaces = list(namespaces) or sorted(own - {""})
    if not spaces:
        answers.problems.append(_problem("--live", "the list names no namespace: say with --namespace where it runs"))
    labels = {one.name: one.config.env_label.name for one in plan.namespaces}
    for space in spaces:
        label = labels.get(space) or labels.get("") or next(iter(labels.values()), "")
        for found in _of_namespace(answers, space, pod, label):
            _ask(answers, found)
    for selector in [] if pod else _selectors(wanted.manifests):
        for found in _gateways(answers, selector):
            _ask(answers, found)
    return answers


def _of_namespace(answers: Answers, space: str, wanted: str, label: str) -> Iterator[Pod]:
    pods = _pods(answers, ["--namespace", space])
    for one in pods:
        _learn(answers, one, label)
    proxies = [one for one in pods if _is_ready(one) and _kind(one) == "sidecar"]
    chosen = [one for one in proxies if _name(one) == wanted] if wanted else proxies[:1]
    if not chosen:
        what = f"has no ready pod {wanted} with a sidecar" if wanted else "has no ready pod with a sidecar"
        answers.problems.append(_problem(f"namespace {space}", what))
    elif len(proxies) > 1:
        _say(f"namespace {space}: 1 of {len(proxies)} sidecars is asked, {_name(chosen[0])}; --pod asks another")
    yield from chosen


def _gateways(answers: Answers, selector: str) -> Iterator[Pod]:
    pods = [one for one in _pods(answers, ["--all-namespaces", "--selector", selector]) if _is_ready(one)]
    if not pods:
        answers.problems.append(_problem(f"gateway {selector}", "has no ready pod"))
    elif len(pods) > 1:
        _say(f"gateway {selector}: 1 of {len(pods)} pods is asked, {_name(pods[0])}")
    yield from pods[:1]


def _selectors(manifests: Sequence[Value]) -> list[str]:
    """Return the selectors of the list's Gateways, as kubectl takes them."""
    found = []
    for one in manifests:
        if one.get("kind") == "Gateway":
            labels = mapping(mapping(one, "spec"), "selector")
            found += [",".join(f"{key}={value}" for key, value in sorted(labels.items()))] if labels else []
    return list(dict.fromkeys(found))


def _ask(answers: Answers, pod: Pod) -> None:
    space = str(mapping(pod, "metadata").get("namespace"))
    words = ["exec", _name(pod), "--namespace", space, "--container", _CONTAINER, "--", *_DUMP]
    try:
        answers.proxies.append(Said(f"{space}/{_name(pod)}", _kubectl(words)))
    except _RefusedError as error:
        answers.problems.append(_problem(f"{space}/{_name(pod)}", f"could not be asked: {error}"))


def _pods(answers: Answers, words: Sequence[str]) -> list[Pod]:
    try:
        listed = json.loads(_kubectl(["get", "pods", *words, "--output", "json"]))
    except _RefusedError as error:
        answers.problems.append(_problem(" ".join(words), f"pods could not be listed: {error}"))
        return []
    except ValueError:
        answers.problems.append(_problem(" ".join(words), "kubectl's list of pods is no JSON"))
        return []
    return sorted(mappings(listed.get("items")), key=_name)


def _learn(answers: Answers, pod: Pod, label: str) -> None:
    if mapping(pod, "spec").get("hostNetwork"):
        return  # its IP is the node's, and others have it too
    labels = mapping(mapping(pod, "metadata"), "labels")
    for one in mappings(mapping(pod, "status").get("podIPs")):
        answers.environments[str(one.get("ip"))] = labels.get(label)


def _kind(pod: Pod) -> str:
    """Return `sidecar` or `router` by the arguments of the proxy's container; empty where there is none."""
    spec = mapping(pod, "spec")
    for one in [*mappings(spec.get("containers")), *mappings(spec.get("initContainers"))]:
        if one.get("name") == _CONTAINER:
            words = strings(one.get("args"))
            return words[1] if len(words) > 1 and words[0] == "proxy" else "sidecar"
    return ""


def _is_ready(pod: Pod) -> bool:
    conditions = mappings(mapping(pod, "status").get("conditions"))
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _name(pod: Pod) -> str:
    return str(mapping(pod, "metadata").get("name", ""))


def _kubectl(words: Sequence[str]) -> bytes:
    command = ["kubectl", *words]
    _say(f"+ {shlex.join(command)}")
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - the user's own kubectl
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _RefusedError(str(error)) from error
    if done.returncode:
        raise _RefusedError(
            " ".join(done.stderr.decode(errors="replace").split())[:300] or f"exit code {done.returncode}"
        )
    return done.stdout


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _problem(what: str, message: str) -> Result:
    return Result(Code.PROXY_NOT_ASKED, message, Ref(file=what))
