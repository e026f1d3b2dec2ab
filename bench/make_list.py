"""Make a ResourceList as `kpt fn render` sends it: realistic, seeded, of any size.

    python bench/make_list.py                    # 10,000 resources, about 11.7 MB, to stdout
    python bench/make_list.py --services 100     # 1,000 resources
    python bench/make_list.py --shape nested     # each workload with one pair of braces in another
    python bench/make_list.py --shape published  # as published applications are: see below

Each Service has a base (`dev`) and two to four further environments, nine workloads in all, and one port
or two. Namespaces hold 50 Services each; `dev` is the only root in each of them, so the function needs no
configuration to find its base.
"""

from __future__ import annotations

import argparse
import random
import sys

WORKLOADS = 9  # per Service
SERVICES_PER_NAMESPACE = 50

_WORDS = ("orders", "cart", "users", "search", "mail", "stock", "prices", "audit", "media", "reports")
_TEAMS = ("atlas", "borealis", "cygnus", "delphi")
_PORTS = (("http", 8080), ("grpc", 9090), ("http-api", 8000), ("tcp-sync", 7000))

_ANNOTATIONS = """\
    annotations:
      config.kubernetes.io/index: '{index}'
      config.kubernetes.io/path: '{path}'
      internal.config.kubernetes.io/index: '{index}'
      internal.config.kubernetes.io/package-path: '/tmp/shop'
      internal.config.kubernetes.io/path: '{path}'
      internal.config.kubernetes.io/seqindent: 'compact'
      internal.config.kubernetes.io/annotations-migration-resource-id: '{id}'
      internal.config.kubernetes.io/id: '{id}'
      config.k8s.io/id: '{id}'
"""

_SERVICE = """\
- # The {word} service of team {team}
  apiVersion: v1
  kind: Service
  metadata:
    name: {name}
    namespace: {namespace}
    labels:
      app.kubernetes.io/name: {name}
      team: {team}
{annotations}\
  spec:
    selector:
      app: {name}
    ports:
{ports}"""

_PORT = """\
    - name: {name}
      port: {port} # as the clients know it
      targetPort: {name}
"""

_WORKLOAD = """\
- apiVersion: apps/v1
  kind: {kind}
  metadata:
    name: {name}
    namespace: {namespace}
{annotations}\
  spec:
    replicas: {replicas}
{service_name}\
    selector:
      matchLabels: {{app: {app}, virtual-env: {env}, version: {version}}}
    template:
      metadata:
        labels:
          app: {app}
          version: {version}
          virtual-env: {env}
      spec:
        containers:
        - name: app
          image: ghcr.io/{team}/{app}:{tag}
          env:
          - name: LOG_LEVEL
            value: "{level}"
          ports:
          - name: {port}
            containerPort: {number}
          resources:
            limits: {{cpu: 500m, memory: 256Mi}}
          readinessProbe:
            httpGet: {{path: /healthz, port: {port}}}
"""

# One pair of braces in another, in a line that nobody asks for.
_NESTED = (
    "resources:\n            limits: {{cpu: 500m, memory: 256Mi}}",
    "resources: {{requests: {{cpu: 100m}}, limits: {{cpu: 500m, memory: 256Mi}}}}",
)
# What published applications have beside plain lines: quoted keys, lists in brackets with quotes, probes by command,
# scripts as block scalars; and to each Service a ConfigMap, a Role, and to each tenth a CustomResourceDefinition.
_PUBLISHED = """\
          command: ["/bin/sh", "-c", "exec /app --config=/etc/app/{app}.yaml"]
          args:
          - --listen=:{number}
          - "--label={{app: '{app}'}}"
          lifecycle:
            preStop:
              exec:
                command: ["sleep", "5"]
          securityContext: {{capabilities: {{drop: ["ALL"]}}, runAsNonRoot: true}}
          volumeMounts: [{{name: config, mountPath: /etc/app}}, {{name: "tmp", mountPath: "/tmp"}}]
        volumes:
        - name: config
          configMap: {{name: {app}, items: [{{key: "app.yaml", path: "{app}.yaml"}}]}}
        - name: tmp
          emptyDir: {{}}
"""
_BESIDE = """\
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: {app}
    namespace: {namespace}
    labels: {{"app.kubernetes.io/name": "{app}", 'helm.sh/chart': 'shop-1.2.3'}}
  data:
    "app.yaml": |
      # how {app} runs
      server:
        listen: "0.0.0.0:8080"
        routes: [{{path: "/", to: "{app}"}}, {{path: "/healthz", to: self}}]

      log: {{level: info, format: json}}
    run.sh: |-
      #!/bin/sh
      set -eu
      for one in a b c; do
        echo "starting $one of {app}: $(date)"
      done
      exec /app "$@"
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata:
    name: {app}
    namespace: {namespace}
  rules:
  - apiGroups: [""]
    resources: ["configmaps", "secrets", "pods/log"]
    verbs: ["get", "list", "watch"]
  - apiGroups: ["apps", "extensions"]
    resources: ["deployments"]
    resourceNames: ["{app}"]
    verbs: ["*"]
"""
_DEFINITION_HEAD = """\
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata:
    name: {app}s.example.com
    annotations:
      controller-gen.kubebuilder.io/version: v0.14.0
  spec:
    group: example.com
    names: {{kind: Kind{number}, listKind: Kind{number}List, plural: {app}s, singular: {app}}}
    scope: Namespaced
    versions:
    - name: v1
      served: true
      storage: true
      subresources: {{status: {{}}}}
      schema:
        openAPIV3Schema:
          type: object
          properties:
"""
_DEFINITION_FIELD = """\
            field{number}:
              description: |-
                What field {number} is for. It may be left out; then the default holds.
                See also "other fields": the ones before it.
              type: array
              items:
                type: object
                required: ["name", "value"]
                properties:
                  name: {{type: string, pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$', maxLength: 63}}
                  value: {{anyOf: [{{type: integer}}, {{type: string}}], x-kubernetes-int-or-string: true}}
"""
SHAPES = ("made", "nested", "published")


def _beside(name: str, namespace: str, number: int) -> list[str]:
    """Return what stands beside a Service among published applications."""
    texts = [_BESIDE.format(app=name, namespace=namespace)]
    if number % 10 == 0:
        texts.append(_DEFINITION_HEAD.format(app=name, number=number))
        texts += [_DEFINITION_FIELD.format(number=field) for field in range(40)]
    return texts


def _environments(rng: random.Random) -> list[str]:
    children = [f"dev.proj{number}" for number in rng.sample(range(1, 20), rng.randint(2, 3))]
    grandchildren = [f"{children[0]}.user{rng.randint(1, 30)}"] * rng.randint(0, 1)
    return ["dev", *children, *grandchildren]


def _service(rng: random.Random, name: str, namespace: str, counter: int, workload_text: str) -> tuple[list[str], int]:
    word, team = name.partition("-")[0], rng.choice(_TEAMS)
    ports = [rng.choice(_PORTS[:-1]), *_PORTS[-1:] * rng.choice((0, 0, 0, 1))]
    path = f"{namespace}/{name}.yaml"

    def annotations(index: int) -> str:
        return _ANNOTATIONS.format(index=index, path=path, id=counter + index)

    texts = [
        _SERVICE.format(
            word=word,
            team=team,
            name=name,
            namespace=namespace,
            annotations=annotations(0),
            ports="".join(_PORT.format(name=port, port=number) for port, number in ports),
        )
    ]
    environments = _environments(rng)
    for index in range(WORKLOADS):
        env = environments[index % len(environments)]
        version = f"v{index // len(environments) + 1}"
        kind = rng.choices(("Deployment", "StatefulSet"), (9, 1))[0]
        texts.append(
            workload_text.format(
                kind=kind,
                name=f"{name}-{env.replace('.', '-')}-{version}",
                namespace=namespace,
                app=name,
                annotations=annotations(index + 1),
                replicas=rng.randint(1, 4),
                env=env,
                version=version,
                service_name=f"    serviceName: {name}\n" if kind == "StatefulSet" else "",
                team=team,
                tag=f"{rng.randint(1, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 9)}",
                level=rng.choice(("debug", "info", "warn")),
                port=ports[0][0],
                number=ports[0][1],
            )
        )
    return texts, counter + WORKLOADS + 1


def make_list(services: int = 1000, *, seed: int = 1, shape: str = "made") -> bytes:
    """Return a ResourceList of `services` Services with nine workloads each, in UTF-8 and block YAML."""
    rng = random.Random(seed)  # noqa: S311  # no secret: the same list every time
    texts = ["apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"]
    counter = 1
    workload_text = _WORKLOAD.replace(*_NESTED) if shape == "nested" else _WORKLOAD
    if shape == "published":
        workload_text += _PUBLISHED
    for number in range(services):
        name = f"{_WORDS[number % len(_WORDS)]}-{number}"
        namespace = f"shop-{number // SERVICES_PER_NAMESPACE}"
        more, counter = _service(rng, name, namespace, counter, workload_text)
        texts += more
        texts += _beside(name, namespace, number) if shape == "published" else []
    texts.append(
        "functionConfig:\n  apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: function-input\n  data: {}\n",
    )
    return "".join(texts).encode()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--services", type=int, default=1000, metavar="N", help="10 resources each")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--shape", choices=SHAPES, default="made")
    options = arguments.parse_args()
    sys.stdout.buffer.write(make_list(options.services, seed=options.seed, shape=options.shape))
