"""Ports that a Service leads to by name: what is seen in a template's text is what reading it says."""

import pytest

from krm_fn import function

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}]}
---
"""
POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s}
spec:
  template:
    metadata: {labels: {app: web, virtual-env: %s}}
    spec:
      containers:
      - name: web
        ports:
%s
"""
HAVE = [
    "        - name: web\n          containerPort: 80",
    "        - containerPort: 80\n          name: web",
    "        - containerPort: 80\n          protocol: TCP\n          name: 'web'",
    '        - "containerPort": 80\n          "name": "web"',
    "        - protocol: TCP\n          name: web\n          containerPort: 80",
    "        - name: web\n          protocol: TCP\n          containerPort: 80",
    "        - {name: web, containerPort: 80}",
    "        - name: web # c\n          containerPort: 80",
    "        - name: other\n          containerPort: 81\n        - name: web\n          containerPort: 80",
    "        - hostPort: 1\n          name: web\n          containerPort: 80",
]
LACK = [
    "        - name: other\n          containerPort: 80",
    "        - containerPort: 80",
    "        - name: web-2\n          containerPort: 80",
    "        - name: other\n          # name: web\n          containerPort: 80",
    "        - {containerPort: 80}",
    "        - containerPort: 80\n        env:\n        - name: web\n          value: '80'",
    (
        "        - containerPort: 80\n      initContainers:\n      - name: i\n        ports:\n        - name: web\n"
        "          containerPort: 80"
    ),
]


def told(ports):
    """Tell whether the environment's pods, with these ports, are said to have none of the name."""
    text = SERVICE + POD % ("a", "dev", HAVE[0]) + "---\n" + POD % ("b", "dev.x", ports)
    outcome = function.run(text.encode())
    assert not outcome.failed
    return [result.about[0].name for result in outcome.results if result.code.value[0] == "target-port"]


@pytest.mark.parametrize("ports", HAVE)
def test_pods_that_have_the_port_are_not_told(ports):
    """However their template says so."""
    assert told(ports) == []


@pytest.mark.parametrize("ports", LACK)
def test_pods_that_lack_it_are(ports):
    """Also where the name stands somewhere else."""
    assert told(ports) == ["b"]


def test_a_port_that_nobody_has_is_no_environments_matter():
    """Before and after, nobody answers there."""
    text = SERVICE + POD % ("a", "dev", LACK[0]) + "---\n" + POD % ("b", "dev.x", LACK[1])
    assert not [result for result in function.run(text.encode()).results if result.code.value[0] == "target-port"]
