"""`fork`: a new environment's manifest in the text of the workload that answers it today."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml

PACKAGE = """\
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: team}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
---
# The shop, as everybody has it.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop   # its name
  namespace: team
  labels: {app: shop, 'virtual-env': "dev"}
  uid: 0d0e
  resourceVersion: "17"
  annotations:
    deployment.kubernetes.io/revision: "3"
    note: 'kept'
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels:
        app: shop
        virtual-env: 'dev' # the base
    spec:
      initContainers:
      - {name: setup, image: setup:1}
      containers:
      - name: shop
        # pinned on purpose
        image: "shop:1"   # and why
        args: [--say,   "yes"]
status:
  replicas: 1
"""
FORKED = """\
# The shop, as everybody has it.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop-dev-proj1   # its name
  namespace: team
  labels: {app: shop, 'virtual-env': "dev.proj1"}
  annotations:
    note: 'kept'
spec:
  selector:
    matchLabels: {app: shop, virtual-env: dev.proj1}
  template:
    metadata:
      labels:
        app: shop
        virtual-env: 'dev.proj1' # the base
    spec:
      initContainers:
      - {name: setup, image: setup:1}
      containers:
      - name: shop
        # pinned on purpose
        image: "shop:pr-42"   # and why
        args: [--say,   "yes"]
"""


@pytest.fixture
def package(tmp_path):
    (tmp_path / "shop.yaml").write_text(PACKAGE)
    return tmp_path


def run(folder, *words, code=0):
    done = subprocess.run(
        ["virtual-env-fn", "fork", *words], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_the_text_is_the_old_one_but_for_what_must_differ(package):
    """Name, labels, selector and image change in place; comments and quotes stay; what a cluster filled in goes."""
    done = run(package, "dev.proj1", "Deployment/shop", "--image", "shop=shop:pr-42", ".")
    assert done.stdout == FORKED
    assert "dev.proj1 now answers team/shop itself (was dev)" in done.stderr


def test_a_member_of_a_list(package):
    """What `kubectl get -o yaml` prints can be forked as well: the copy is a document of its own, without status."""
    items = [one for one in yaml.safe_load_all(PACKAGE) if one]
    (package / "shop.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    forked = yaml.safe_load(run(package, "dev.proj1", "shop", "--image", "shop:pr-42", ".").stdout)
    assert forked == yaml.safe_load(FORKED)


def test_the_nearest_ancestor_is_copied(package):
    """Where an environment between has pods, its manifest is the one, whatever workload was named."""
    run(package, "dev.proj1", "shop", "-o", "proj1.yaml", "--image", "shop=shop:proj1", ".")
    forked = yaml.safe_load(run(package, "dev.proj1.try", "Deployment/shop", ".").stdout)
    assert forked["metadata"]["name"] == "shop-dev-proj1-try"
    assert forked["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:proj1"
    assert forked["spec"]["selector"]["matchLabels"] == {"app": "shop", "virtual-env": "dev.proj1.try"}
    other = yaml.safe_load(run(package, "dev.proj2", "Deployment/shop", ".").stdout)
    assert other["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:1"


def test_a_file_is_written_and_never_overwritten(package):
    """With -o the diff is on stdout, and a file that is there stays."""
    said = run(package, "dev.proj1", "shop", ".", "-o", "proj1.yaml").stdout
    assert "dev.proj1 now answers team/shop itself (was dev)" in said
    before = (package / "proj1.yaml").read_bytes()
    done = run(package, "dev.proj2", "shop", ".", "-o", "proj1.yaml", code=1)
    assert "proj1.yaml: is there already" in done.stderr
    assert (package / "proj1.yaml").read_bytes() == before


def forked(package, changes, *words):
    """Return what a fork of the package's Deployment has, with some text of the package changed before."""
    text = PACKAGE
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (package / "shop.yaml").write_text(text)
    done = run(package, "dev.proj1", "shop", *words, ".")
    return done.stdout, done.stderr


def test_what_a_cluster_noted_goes_without_its_version_too(package):
    """A manifest that somebody took from a cluster and cleaned by hand: what is left of the cluster is not copied."""
    left = {"  uid: 0d0e\n": "", '  resourceVersion: "17"\n': "", "    note: 'kept'\n": ""}
    text, _ = forked(package, left)
    assert "annotations" not in text
    assert "status" not in text
    left = {"    note: 'kept'\n": "    note: 'kept'\n    kubectl.kubernetes.io/last-applied-configuration: '{}'\n"}
    assert yaml.safe_load(forked(package, left)[0])["metadata"]["annotations"] == {"note": "kept"}


def test_an_image_stays_without_quotes(package):
    """A plain scalar stays plain, whatever the image is: port, tag and digest."""
    plain = {'image: "shop:1"   # and why': "image: shop:1   # and why"}
    for image in ("example.com:5000/a/shop:pr-42", "shop@sha256:0123abcd", "localhost/shop_x:1.2-rc.1"):
        text, _ = forked(package, plain, "--image", f"shop={image}")
        assert f"image: {image}   # and why" in text
        assert yaml.safe_load(text)["spec"]["template"]["spec"]["containers"][0]["image"] == image


def test_pods_keep_away_from_their_own(package):
    """Affinity and spread about the workload's own pods are about the copy's; about other pods they stay."""
    spread = """\
    spec:
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 1
            podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {virtual-env: dev}}}
        podAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - topologyKey: zone
            labelSelector: {matchLabels: {app: cache, virtual-env: dev}}
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: zone, labelSelector: {matchLabels: {app: shop, virtual-env: dev}}}
      initContainers:
"""
    text, _ = forked(package, {"    spec:\n      initContainers:\n": spread})
    assert text.count("virtual-env: dev.proj1}}") == 2
    assert "{app: cache, virtual-env: dev}" in text


AUTOSCALER = """\
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop, namespace: team}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}, maxReplicas: 3}
"""


def test_an_autoscaler_that_would_count_the_copy_is_told(package):
    """An HPA counts what its target's selector selects: without the label that is the copy's pods as well."""
    with_autoscaler = {"status:\n  replicas: 1\n": AUTOSCALER}
    _, said = forked(package, with_autoscaler)
    assert "HorizontalPodAutoscaler team/shop spec.scaleTargetRef: counts the pods of shop-dev-proj1 as well" in said
    own = {"matchLabels: {app: shop}": "matchLabels: {app: shop, virtual-env: dev}", **with_autoscaler}
    assert "counts the pods" not in forked(package, own)[1]


MISTAKES = {
    ("dev.proj1", "Deployment/shpo"): "did you mean 'Deployment/shop'? [not-found]",
    ("dev", "Deployment/shop"): "shop.yaml: Deployment team/shop spec.template.metadata.labels: Service team/shop has",
    ("dev..x", "Deployment/shop"): "'dev..x' cannot name an environment",
    ("dev.proj1", "shop", "--image", "shpo=x"): "has no container 'shpo'; did you mean 'shop'? [fork-impossible]",
}


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_mistake_is_told_and_nothing_is_printed(words, package):
    """A workload or container that is not there has the nearest name; an environment that is, its place."""
    done = run(package, *words, ".", code=1)
    assert done.stdout == ""
    assert MISTAKES[words] in done.stderr


def test_a_name_that_is_taken(package):
    """An object that has the copy's name is named."""
    (package / "taken.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop-dev-proj1, namespace: team}\n"
        "spec: {template: {metadata: {labels: {app: other}}}}\n"
    )
    assert (
        "taken.yaml: Deployment team/shop-dev-proj1 metadata.name"
        in run(package, "dev.proj1", "shop", ".", code=1).stderr
    )


def test_a_text_that_cannot_be_copied(package):
    """An anchor by which one text stands for selector and labels is told, and nothing is printed."""
    text = PACKAGE.replace("matchLabels: {app: shop}", "matchLabels: &l {app: shop, virtual-env: dev}")
    text = text.replace("labels:\n        app: shop\n        virtual-env: 'dev' # the base", "labels: *l")
    (package / "shop.yaml").write_text(text)
    forked = yaml.safe_load(run(package, "dev.proj1", "shop", ".").stdout)
    assert forked["spec"]["template"]["metadata"]["labels"]["virtual-env"] == "dev.proj1"
    text = text.replace("app: shop, 'virtual-env': \"dev\"", "app: shop, virtual-env: &v dev")
    text = text.replace("virtual-env: dev}", "virtual-env: dev, x: *v}")
    (package / "shop.yaml").write_text(text)
    done = run(package, "dev.proj1", "shop", ".", code=1)
    assert "[not-editable]" in done.stderr
    assert done.stdout == ""


def test_what_copy_and_source_share_is_told(package):
    """Volumes of a StatefulSet, claims, and ports of the host are warnings."""
    extra = """\
      hostNetwork: true
      volumes: [{name: data, persistentVolumeClaim: {claimName: shop-data}}]
      containers:
      - ports: [{containerPort: 80, hostPort: 8080}]
        name: shop"""
    claims = "kind: StatefulSet\n"
    text = PACKAGE.replace("kind: Deployment\n", claims).replace("      containers:\n      - name: shop", extra)
    text = text.replace("spec:\n  selector:", "spec:\n  volumeClaimTemplates: [{metadata: {name: own}}]\n  selector:")
    (package / "shop.yaml").write_text(text)
    said = run(package, "dev.proj1", "StatefulSet/shop", ".").stderr
    assert "has volumes of its own (own): those of shop-dev-proj1 are new, and empty" in said
    assert "has the claim 'shop-data' as a volume" in said
    assert "uses the ports of its host" in said
    assert "uses port 8080 of its host" in said
    assert said.count("[fork-shares]") == 4


def test_remove_names_what_to_delete(package):
    """`--remove` names the environment's workloads and what is about them, and shows who answers then."""
    run(package, "dev.proj1", "shop", ".", "-o", "proj1.yaml")
    (package / "more.yaml").write_text(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: scale, namespace: team}\n"
        "spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop-dev-proj1}}\n---\n"
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: keep, namespace: team}\n"
        "spec: {selector: {matchLabels: {virtual-env: dev.proj1}}}\n"
    )
    said = run(package, "--remove", "dev.proj1", ".").stdout
    assert "delete Deployment team/shop-dev-proj1 (proj1.yaml)" in said
    assert "delete HorizontalPodAutoscaler team/scale (more.yaml)" in said
    assert "delete PodDisruptionBudget team/keep (more.yaml)" in said
    assert "dev.proj1 has no pods of team/shop any more: dev answers" in said
    assert "did you mean 'dev.proj1'?" in run(package, "--remove", "dev.porj1", ".", code=1).stderr


def test_remove_of_what_runs(package):
    """Of `kubectl get` the workload is named alone: what it made goes with it, and answers nobody."""
    run(package, "dev.proj1", "shop", ".", "-o", "proj1.yaml")
    items = [one for name in ("shop", "proj1") for one in yaml.safe_load_all((package / f"{name}.yaml").read_text())]
    made = items[-1]["spec"]["template"]
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop-dev-proj1", "controller": True}
    metadata = {**made["metadata"], "name": "shop-dev-proj1-aaa", "namespace": "team", "ownerReferences": [owner]}
    items.append({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": {"template": made}})
    (package / "live").mkdir()
    (package / "live" / "all.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    said = run(package, "--remove", "dev.proj1", "live").stdout
    assert "ReplicaSet" not in said
    assert "delete Deployment team/shop-dev-proj1 (all.yaml)" in said
    assert "dev.proj1 has no pods of team/shop any more: dev answers" in said


def test_a_kind_without_a_selector_gets_none(package):
    """A kind of one's own, or one whose selector is its pods' labels, has no field of the name to put one into."""
    thing = "apiVersion: x.example.com/v1\nkind: Thing\nmetadata: {name: thing, namespace: team}\nspec:\n"
    thing += "  inner:\n    template:\n      metadata: {labels: {app: shop, virtual-env: dev.new}}\n      spec: {}\n"
    config = "apiVersion: virtual-env-fn.dev/v1alpha1\nkind: VirtualEnvironment\nmetadata: {name: v}\n"
    config += "spec: {workloads: [{apiVersion: x.example.com/v1, kind: Thing, templatePath: spec.inner.template}]}\n"
    (package / "thing.yaml").write_text(f"{thing}---\n{config}")
    text = run(package, "dev.new.one", "Thing/thing", ".").stdout
    assert text == thing.replace("name: thing", "name: thing-dev-new-one").replace("dev.new}", "dev.new.one}")
    chosen = thing.replace("  inner:\n", "  inner:\n    selector: {app: shop}\n")
    (package / "thing.yaml").write_text(f"{chosen}---\n{config}")
    text = run(package, "dev.new.one", "Thing/thing", ".").stdout
    assert "selector: {app: shop, virtual-env: dev.new.one}" in text


def test_what_tools_find_their_own_by_is_not_copied(package):
    """A copy that were part of an ApplySet or an Application would be pruned by it."""
    left = {"labels: {app: shop, 'virt": "labels: {applyset.kubernetes.io/part-of: a, app: shop, 'virt"}
    text, _ = forked(package, left)
    assert "labels: {app: shop, 'virtual-env': \"dev.proj1\"}" in text


def test_a_block_scalar_is_written_in_one_line(package):
    """An image or a label in lines of its own is replaced as any other; what follows stays."""
    lines = {
        "        virtual-env: 'dev' # the base\n": "        virtual-env: >-\n          dev\n",
        'image: "shop:1"   # and why': "image: |-\n          shop:1\n\n        # behind it",
    }
    text, _ = forked(package, lines, "--image", "shop=shop:2")
    assert "        virtual-env: dev.proj1\n    spec:" in text
    assert '        image: "shop:2"\n\n        # behind it\n        args:' in text


CHOOSERS = """\
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: both, namespace: team}
spec: {minAvailable: 1, selector: {matchLabels: {app: shop}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: base, namespace: team}
spec: {podSelector: {matchLabels: {app: shop, virtual-env: dev}}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: both, namespace: team}
spec: {selector: {matchLabels: {app: shop}}}
"""


def test_what_chooses_the_source_s_pods_is_told(package):
    """A budget over both lets one of them go; a policy about the source's alone leaves the copy without."""
    _, said = forked(package, {"status:\n  replicas: 1\n": CHOOSERS})
    assert "PodDisruptionBudget team/both spec.selector: counts the pods of shop-dev-proj1 with those of" in said
    assert "NetworkPolicy team/base spec.podSelector: is about pods of Deployment team/shop, and not" in said
    assert said.count("[fork-shares]") == 2


def test_a_stateful_set_whose_service_does_not_select_the_copy(package):
    """Pods of a StatefulSet have names by a Service that selects them, and only then."""
    own = "---\napiVersion: v1\nkind: Service\nmetadata: {name: own, namespace: team}\n"
    own += "spec: {clusterIP: None, selector: {app: shop, virtual-env: dev}, ports: [{name: http, port: 80}]}\n"
    changes = {"kind: Deployment": "kind: StatefulSet", "spec:\n  selector:": "spec:\n  serviceName: own\n  selector:"}
    _, said = forked(package, {**changes, "status:\n  replicas: 1\n": own})
    assert "gives names to pods by Service own, which does not select those of shop-dev-proj1" in said
    _, said = forked(package, {**changes, "status:\n  replicas: 1\n": own.replace(", virtual-env: dev", "")})
    assert "gives names" not in said


def test_a_rollout_that_works_on_services(package):
    """Argo Rollouts lets one Rollout have a Service; the copy of one by replicas alone shares nothing."""
    changes = {"kind: Deployment": "kind: Rollout", "apps/v1": "argoproj.io/v1alpha1"}
    strategy = "spec:\n  strategy: {canary: {stableService: shop, steps: []}}\n  selector:"
    _, said = forked(package, {**changes, "spec:\n  selector:": strategy})
    assert "spec.strategy.canary: works on Services and routes by its strategy (stableService)" in said
    _, said = forked(package, {**changes, "spec:\n  selector:": strategy.replace("stableService: shop, ", "")})
    assert "works on" not in said


def test_a_copy_that_sleeps(package):
    """A source that something scales up from zero is copied with its zero, and nothing scales the copy."""
    scaled = "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: shop, namespace: team}\n"
    scaled += "spec: {scaleTargetRef: {name: shop}}\n"
    changes = {"status:\n  replicas: 1\n": scaled, "spec:\n  selector:": "spec:\n  replicas: 0\n  selector:"}
    text, said = forked(package, changes)
    assert "replicas: 0" in text
    assert "has replicas: 0, and so has shop-dev-proj1" in said


KUSTOMIZATION = """\
resources: [shop.yaml]
namePrefix: team-
images: [{name: shop, newTag: "7"}]
configMapGenerator: [{name: settings, namespace: team, literals: [a=b]}]
"""


def test_a_copy_of_what_kustomize_built(package):
    """Put into the kustomization it would be named and tagged twice, and its ConfigMap be of yesterday: told, and true.

    In a kustomization around it, as the warning says, it is right.
    """
    if not (shutil.which("kustomize") or shutil.which("kubectl")):
        pytest.skip("neither kustomize nor kubectl is in PATH")
    text = PACKAGE.replace("args: [--say", "envFrom: [{configMapRef: {name: settings}}]\n        args: [--say")
    inner = package / "inner"
    inner.mkdir()
    (inner / "shop.yaml").write_text(text)
    (inner / "kustomization.yaml").write_text(KUSTOMIZATION)
    done = run(package, "dev.proj1", "team-shop", "--image", "shop=shop:pr-42", "inner", "-o", "copy.yaml")
    assert "inner/kustomization.yaml namePrefix: built what is copied" in done.stderr
    assert "through its namePrefix, images once more" in done.stderr
    assert "names ConfigMap team-settings-" in done.stderr
    copy = (package / "copy.yaml").read_text()
    (package / "copy.yaml").write_text(re.sub("team-settings-.*", "team-settings", copy))
    (package / "kustomization.yaml").write_text("resources: [inner, copy.yaml]\n")
    program = ["kustomize", "build"] if shutil.which("kustomize") else ["kubectl", "kustomize"]
    built = subprocess.run([*program, "."], cwd=package, capture_output=True, text=True, check=True).stdout
    pods = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]
        for one in yaml.safe_load_all(built)
        if one["kind"] == "Deployment"
    }
    assert {name: one["image"] for name, one in pods.items()} == {
        "team-shop": "shop:7",
        "team-shop-dev-proj1": "shop:pr-42",
    }
    assert pods["team-shop"]["envFrom"] == pods["team-shop-dev-proj1"]["envFrom"]
    assert re.search("team-settings-.{10}", str(pods["team-shop"]["envFrom"]))


def test_a_file_that_nothing_reads_yet(package):
    """A new file beside a kustomization, or beside the files given, is told with what makes it a part."""
    assert "is no part of" not in run(package, "dev.proj1", "shop", ".", "-o", "proj1.yaml").stdout
    said = run(package, "dev.proj2", "shop", "shop.yaml", "-o", "proj2.yaml").stdout
    assert said.endswith("proj2.yaml is no part of shop.yaml: give it as well\n")
    if shutil.which("kustomize") or shutil.which("kubectl"):
        (package / "kustomization.yaml").write_text("resources: [shop.yaml]\n")
        said = run(package, "dev.proj3", "shop", ".", "-o", "proj3.yaml").stdout
        assert said.endswith(
            "proj3.yaml is no part of kustomization.yaml yet: kustomize edit add resource proj3.yaml\n"
        )


def test_a_machine_is_not_copied(package):
    """A copy of a WorkloadEntry would be the same machine: an error says so."""
    machine = "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: old, namespace: team}\n"
    machine += "spec: {address: 192.0.2.1, labels: {app: shop, virtual-env: dev}}\n"
    text = (package / "shop.yaml").read_text()
    service = next(one for one in text.split("---\n") if "kind: Service" in one)
    (package / "shop.yaml").write_text(f"{service}---\n{machine}")
    assert "is a machine, which no copy makes another one" in run(package, "dev.proj1", "old", ".", code=1).stderr
