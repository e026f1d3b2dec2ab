"""kpt gets an example from a git repository as a package, renders it at once, and brings it up to date."""

from __future__ import annotations

import shutil

import pytest
import yaml
from host_tools import ROOT, package_text, part, routes, run

AS_TESTS = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
EXAMPLES = [
    path.split("/", 1)[1] for path in yaml.safe_load((ROOT / "metadata.yaml").read_text())["examplePackageURLs"]
]


def commit(folder, env, message):
    run("git", "add", "--all", cwd=folder, env=env)
    run("git", *AS_TESTS, "commit", "--quiet", "--message", message, cwd=folder, env=env)


@pytest.fixture
def repository(tmp_path, env):
    """A repository with the examples where this one has them, at a tag."""
    folder = tmp_path / "virtual-env-fn"
    listed = run("git", "ls-files", "examples", "Kptfile", "metadata.yaml", ".krmignore", cwd=ROOT, env=env).stdout
    for name in listed.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    run("git", "init", "--quiet", "--initial-branch", "main", cwd=folder, env=env)
    commit(folder, env, "one")
    run("git", "tag", "v0.1.0", cwd=folder, env=env)
    return folder


@pytest.fixture
def user(tmp_path, env):
    """A user's own repository, in which packages land."""
    folder = tmp_path / "user"
    folder.mkdir()
    run("git", "init", "--quiet", "--initial-branch", "main", cwd=folder, env=env)
    (folder / "README.md").write_text("ours\n")
    commit(folder, env, "ours")
    return folder


def get(repository, name, user, env):
    run(part("kpt"), "pkg", "get", f"{repository}.git/examples/{name}@v0.1.0", "shop", cwd=user, env=env)
    return user / "shop"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_package_is_got_and_rendered(repository, user, env, name):
    """`kpt pkg get` and `kpt fn render` of an example that metadata.yaml names give its expected routes."""
    package = get(repository, name, user, env)
    assert yaml.safe_load((package / "Kptfile").read_text())["upstream"]["git"]["ref"] == "v0.1.0"
    run(part("kpt"), "fn", "render", "shop", "--allow-exec", cwd=user, env=env)
    assert routes(package_text(package)) == routes((ROOT / "examples" / name / "expected.yaml").read_text())


def test_an_update_keeps_what_was_rendered(repository, user, env):
    """`kpt pkg update` takes a change of upstream's into a rendered package, and the next render follows it."""
    package = get(repository, "quickstart", user, env)
    run(part("kpt"), "fn", "render", "shop", "--allow-exec", cwd=user, env=env)
    commit(user, env, "shop")
    upstream = repository / "examples" / "quickstart" / "app-go.yaml"
    text = upstream.read_text()
    upstream.write_text(text.replace("dev.proj2", "dev.proj3").replace("dev-proj2", "dev-proj3"))
    assert upstream.read_text() != text
    commit(repository, env, "two")
    run("git", "tag", "v0.2.0", cwd=repository, env=env)
    run(part("kpt"), "pkg", "update", "shop@v0.2.0", cwd=user, env=env)
    assert "app-go" in {name for _, name in routes(package_text(package))}
    run(part("kpt"), "fn", "render", "shop", "--allow-exec", cwd=user, env=env)
    made = routes(package_text(package))["DestinationRule", "app-go"]
    assert [one["name"] for one in made["subsets"]] == ["dev", "dev-proj3"]
