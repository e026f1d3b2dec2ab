"""The container image: built and run by podman, as kpt and kustomize run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
import transcripts
import yaml
from host_tools import ROOT, documents, environment, missing, package_text, part, routes, run

IMAGE = "localhost/virtual-env-fn:test"
BASE = "localhost/virtual-env-fn-base:bookworm"  # made by .ci/parts/podman
PYTHON = "3.11"  # of the base image

LABELS = {"version": "0.0.1-test", "revision": "0123abc", "source": "https://forge.example/team/virtual-env-fn"}

# What kpt 1.0.0-beta.56 and kustomize 5.8.2 pass to the container runtime, word for word.
HARDENED = ("--network", "none", "--user", "nobody", "--security-opt=no-new-privileges")
KPT = ("run", "--rm", "-i", *HARDENED, "--pull", "missing")
KUSTOMIZE = (
    *("run", "--rm", "-i", "-a", "STDIN", "-a", "STDOUT", "-a", "STDERR", *HARDENED),
    *("-e", "LOG_TO_STDERR=true", "-e", "STRUCTURED_RESULTS=true"),
)


def download_wheels(folder):
    """Fetch what the image installs, so that the build itself needs no network."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--python-version", PYTHON)
    for name in ("run", "build"):
        argv = [*pip, "-d", str(folder), "--require-hashes", "-r", str(ROOT / "requirements" / f"{name}.txt")]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr


def let_through():
    """Return what .dockerignore lets through of the repository; the wheels are the test's own."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line[1:] for line in lines if line.startswith("!") and line != "!wheels"]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The image, built from a copy of what .dockerignore lets through and without a network."""
    podman = part("podman")
    context = tmp_path_factory.mktemp("image") / "context"
    context.mkdir()
    env = environment(context.parent)
    if run(podman, "images", "--quiet", BASE, cwd=context, env=env).stdout == "":
        missing("podman", f"podman has no image {BASE}; .ci/parts/podman makes it")
    shutil.copy(ROOT / "Dockerfile", context)
    for name in let_through():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            (context / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, context / name)
    download_wheels(context / "wheels")
    arguments = ("--build-arg", f"BASE_IMAGE={BASE}", "--build-arg", "PIP_NO_INDEX=1", "--network", "none")
    for name, value in LABELS.items():
        arguments += ("--build-arg", f"{name.upper()}={value}")
    # No cache: podman 4.3 takes a layer of labels from it that was made with other arguments.
    run(podman, "build", "--no-cache", *arguments, "-t", IMAGE, ".", cwd=context, env=env)
    return podman


def resource_list(package):
    """Return the package as the ResourceList that a host would send."""
    config = yaml.safe_load((package / "virtual-env.yaml").read_text())
    items = [doc for doc in documents(package_text(package)) if doc["kind"] != "VirtualEnvironment"]
    whole = {
        "apiVersion": "config.kubernetes.io/v1",
        "kind": "ResourceList",
        "items": items,
        "functionConfig": config,
    }
    return yaml.safe_dump(whole, sort_keys=False)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(KPT, id="kpt"),
        pytest.param(KUSTOMIZE, id="kustomize"),
        pytest.param((*KPT, "--read-only", "--cap-drop=ALL"), id="read-only"),
    ],
)
def test_the_image_as_a_host_runs_it(image, quickstart, env, expected, options):
    """With each host's own options, and read-only without a capability, the image gives the expected routes."""
    done = run(image, *options, IMAGE, cwd=quickstart, env=env, stdin=resource_list(quickstart))
    assert routes(done.stdout) == expected


def test_help_needs_no_input(image, quickstart, env):
    """`kpt fn doc` asks the image for --help without standard input, and is answered."""
    done = run(image, "run", "--rm", IMAGE, "--help", cwd=quickstart, env=env)
    assert "virtual-env-fn" in done.stdout


def test_the_image_runs_as_nobody_and_writes_nothing(image, quickstart, env):
    """The image's own user is 65534, its home does not exist, and no file of the application is writable."""
    probe = 'id -u; test ! -e "$HOME" && find /app ! -type l -writable'
    done = run(image, "run", "--rm", "--entrypoint", "sh", IMAGE, "-c", probe, cwd=quickstart, env=env)
    assert done.stdout == "65534\n"


def test_an_error_ends_the_container_with_one(image, quickstart, env):
    """An error comes out of the container as exit code 1, the input unchanged and a line on stderr."""
    wrong = resource_list(quickstart).replace("defaultSubset: dev\n", "defaultSubset: deev\n")
    done = run(image, *KPT, IMAGE, cwd=quickstart, env=env, stdin=wrong, code=1)
    assert "deev" in done.stderr
    assert documents(done.stdout) == documents(wrong)


def test_kpt_eval_runs_the_image(image, quickstart, env, expected):
    """`kpt fn eval --image`, with podman as its runtime, writes the expected routes into the package."""
    assert image
    argv = ("fn", "eval", quickstart, "--image", IMAGE, "--fn-config", quickstart / "virtual-env.yaml")
    run(part("kpt"), *argv, cwd=quickstart, env=env | {"KPT_FN_RUNTIME": "podman"})
    assert routes(package_text(quickstart)) == expected


def test_kpt_render_runs_the_image(image, quickstart, env, expected):
    """A Kptfile that names the image needs no --allow-exec."""
    assert image
    kptfile = quickstart / "Kptfile"
    kptfile.write_text(kptfile.read_text().replace("exec: virtual-env-fn", f"image: {IMAGE}"))
    run(part("kpt"), "fn", "render", quickstart, cwd=quickstart, env=env | {"KPT_FN_RUNTIME": "podman"})
    assert routes(package_text(quickstart)) == expected


@pytest.mark.parametrize("host", ["kubectl", "kustomize"])
def test_kustomize_runs_the_image(image, quickstart, env, expected, host):
    """A container function gives the expected routes in kubectl and kustomize; they call `docker`, here podman."""
    links = quickstart.parent / "bin"
    links.mkdir()
    (links / "docker").symlink_to(image)
    config = quickstart / "virtual-env.yaml"
    container = f"container:\n        image: {IMAGE}"
    config.write_text(config.read_text().replace("exec:\n        path: virtual-env-fn", container))
    argv = ("build",) if host == "kustomize" else ("kustomize",)
    path = f"{links}:{env['PATH']}"
    done = run(part(host), *argv, "--enable-alpha-plugins", quickstart, cwd=quickstart, env=env | {"PATH": path})
    assert routes(done.stdout) == expected


def test_the_labels_say_what_it_was_built_from(image, quickstart, env):
    """The labels of the OCI name the version, the revision, the source and the licence that the build was given."""
    argv = (image, "image", "inspect", IMAGE, "--format", "{{json .Labels}}")
    labels = json.loads(run(*argv, cwd=quickstart, env=env).stdout)
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert {name: labels[f"org.opencontainers.image.{name}"] for name in LABELS} == LABELS


def test_nothing_in_the_image_installs_packages(image, quickstart, env):
    """No pip, no setuptools, and no library that only a desk needs: nothing of them can be imported or started."""
    names = ("pip", "setuptools", "wheel", "ensurepip", "rich", "pathspec", "pydantic")
    probe = f"import importlib.util as u; print([n for n in {names} if u.find_spec(n)])"
    argv = (image, "run", "--rm", "--entrypoint", "python3", IMAGE, "-c", probe)
    assert run(*argv, cwd=quickstart, env=env).stdout.strip() == "['pydantic']"
    find = "find / -xdev ( -name pip -o -name pip3* -o -name setuptools -o -name ensurepip ) -not -path /proc/*"
    argv = (image, "run", "--rm", "--user", "0", "--entrypoint", "find", IMAGE, *find.split()[1:])
    assert run(*argv, cwd=quickstart, env=env).stdout == ""


def test_a_directory_is_refused_with_what_to_do(image, quickstart, env):
    """The image has no library for directories, and says that the documents go through standard input."""
    argv = (image, "run", "--rm", "-i", IMAGE, "check", "/app/bin")
    assert "stdin (-)" in run(*argv, cwd=quickstart, env=env, code=1).stderr


def test_the_image_explains_what_it_reads(image, quickstart, env):
    """Without the libraries of a desk the views still answer for a list on standard input."""
    argv = (image, "run", "--rm", "-i", IMAGE, "explain", "-", "--service", "app-js")
    assert "app-js" in run(*argv, cwd=quickstart, env=env, stdin=resource_list(quickstart)).stdout


def test_the_sidecar_of_argo_cd(image, quickstart, env, expected):
    """hosts/argocd's image has the plugin, and its command gives the expected routes, as Argo CD's user, read-only.

    kustomize comes from an image that is made here of the one that is installed: its registry is not asked.
    """
    files = ROOT / "hosts" / "argocd"
    context = quickstart.parent / "kustomize"
    (context / "app").mkdir(parents=True)
    shutil.copy(part("kustomize"), context / "app" / "kustomize")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY app /app\n")
    kustomize, sidecar = "localhost/virtual-env-kustomize:test", "localhost/virtual-env-argocd:test"
    run(image, "build", "-t", kustomize, ".", cwd=context, env=env)
    arguments = ("--build-arg", f"FUNCTION={IMAGE}", "--build-arg", f"KUSTOMIZE={kustomize}", "--network", "none")
    run(image, "build", *arguments, "-t", sidecar, files, cwd=quickstart, env=env)
    plugin = yaml.safe_load((files / "plugin.yaml").read_text())["spec"]
    inside = ("run", "--rm", "--read-only", "--network", "none", "-v", f"{quickstart}:/work:ro", "-w", "/work")
    probe = "id -u; cat /home/argocd/cmp-server/config/plugin.yaml"
    done = run(image, *inside, "--entrypoint", "sh", sidecar, "-c", probe, cwd=quickstart, env=env)
    assert done.stdout == f"999\n{(files / 'plugin.yaml').read_text()}"
    command = (*plugin["generate"]["command"][1:], *plugin["generate"]["args"])
    assert (quickstart / plugin["discover"]["fileName"]).is_file()
    done = run(image, *inside, "--entrypoint", "sh", sidecar, *command, cwd=quickstart, env=env)
    assert routes(done.stdout) == expected


def test_the_transcript_of_the_image(image, quickstart, env, request):
    """What docs/install.md types with the image prints what it shows there."""
    part("kpt")
    programs = quickstart.parent / "programs"
    programs.mkdir()
    (programs / "docker").symlink_to(image)
    env |= {"PATH": os.pathsep.join([str(programs), env["PATH"]]), "KPT_FN_RUNTIME": "podman"}
    words = {"localhost/virtual-env-fn:0.1.0": IMAGE}
    seen = transcripts.played(transcripts.typed("The image"), quickstart.parent, env, words)
    transcripts.compare("The image", seen, update=request.config.getoption("--update"))
