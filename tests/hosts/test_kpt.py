"""kpt, the real one: eval and render on the quickstart."""

from __future__ import annotations

import shutil

import yaml
from host_tools import documents, package_bytes, package_text, part, routes, run


def without_deployment(path, name):
    kept = [doc for doc in path.read_text().split("\n---\n") if yaml.safe_load(doc)["metadata"]["name"] != name]
    path.write_text("\n---\n".join(kept).rstrip("\n") + "\n")


def render(package, env):
    return run(part("kpt"), "fn", "render", "--allow-exec", package, cwd=package.parent, env=env)


def test_eval_exec_writes_the_routes_into_the_package(quickstart, env, expected):
    """`kpt fn eval --exec` with a functionConfig file adds exactly the expected routes."""
    argv = ("fn", "eval", quickstart, "--exec", "virtual-env-fn", "--fn-config", quickstart / "virtual-env.yaml")
    run(part("kpt"), *argv, cwd=quickstart, env=env)
    assert routes(package_text(quickstart)) == expected


def test_eval_exec_reads_its_options_from_the_command_line(quickstart, env, expected):
    """`kpt fn eval --exec … -- key=value` reaches the function as a ConfigMap and gives the same routes."""
    (quickstart / "virtual-env.yaml").unlink()
    settings = ("envLabel.defaultSubset=dev", "envHeader.name=ali-env-mark")
    argv = ("fn", "eval", quickstart, "--exec", "virtual-env-fn", "--", *settings)
    run(part("kpt"), *argv, cwd=quickstart, env=env)
    assert routes(package_text(quickstart)) == expected


def test_eval_to_stdout_leaves_the_package_alone(quickstart, env, expected):
    """`kpt fn eval -o unwrap` prints the routes and changes no file."""
    before = package_bytes(quickstart)
    argv = ("fn", "eval", quickstart, "--exec", "virtual-env-fn", "--fn-config", quickstart / "virtual-env.yaml")
    done = run(part("kpt"), *argv, "-o", "unwrap", cwd=quickstart, env=env)
    assert routes(done.stdout) == expected
    assert package_bytes(quickstart) == before


def test_source_and_sink_are_a_pipeline_around_the_function(quickstart, env, expected):
    """`kpt fn source | virtual-env-fn | kpt fn sink` gives the same routes in a new folder."""
    config = ("--fn-config", quickstart / "virtual-env.yaml")
    source = run(part("kpt"), "fn", "source", quickstart, *config, cwd=quickstart, env=env).stdout
    listed = run("virtual-env-fn", cwd=quickstart, env=env, stdin=source).stdout
    run(part("kpt"), "fn", "sink", "out", cwd=quickstart.parent, env=env, stdin=listed)
    shutil.copy(quickstart / ".krmignore", quickstart.parent / "out")
    assert routes(package_text(quickstart.parent / "out")) == expected


def test_render_twice_changes_nothing_the_second_time(quickstart, env, expected):
    """`kpt fn render` writes the expected routes, and a second run in place leaves every byte as it is."""
    render(quickstart, env)
    first = package_bytes(quickstart)
    render(quickstart, env)
    assert routes(package_text(quickstart)) == expected
    assert package_bytes(quickstart) == first


def test_render_leaves_the_files_of_the_user_alone(quickstart, env):
    """`kpt fn render` adds files only: those of the user keep every byte, comments and quoting included."""
    before = package_bytes(quickstart)
    render(quickstart, env)
    after = package_bytes(quickstart)
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)


def test_render_prunes_the_routes_of_a_removed_environment(quickstart, env):
    """Routes that an environment needed go when its last workload goes, and the others stay."""
    render(quickstart, env)
    without_deployment(quickstart / "app-go.yaml", "app-go-dev-proj2")
    render(quickstart, env)
    left = {name for _, name in routes(package_text(quickstart))}
    assert left == {"app-js", "app-java"}


def test_render_without_environments_gives_back_the_package(quickstart, env):
    """When no environment is left, the package is what it was before the function ever ran."""
    removed = {
        "app-js": ["app-js-dev-proj1"],
        "app-go": ["app-go-dev-proj2"],
        "app-java": ["app-java-dev-proj1", "app-java-dev-proj1-feature1"],
    }
    plain = quickstart.parent / "plain"
    shutil.copytree(quickstart, plain)
    render(quickstart, env)
    for folder in (plain, quickstart):
        for service, names in removed.items():
            for name in names:
                without_deployment(folder / f"{service}.yaml", name)
    render(quickstart, env)
    assert package_bytes(quickstart) == package_bytes(plain)


def test_render_of_a_package_with_subpackages(quickstart, env, expected):
    """A parent's function serves the Services of its subpackages, twice the same."""
    team = quickstart / "team-java"
    team.mkdir()
    shutil.move(quickstart / "app-java.yaml", team)
    (team / "Kptfile").write_text("apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: team-java\n")
    render(quickstart, env)
    first = package_bytes(quickstart)
    render(quickstart, env)
    assert routes(package_text(quickstart)) == expected
    assert package_bytes(quickstart) == first


def test_eval_over_subpackages_gives_the_same_routes(quickstart, env, expected):
    """`kpt fn eval` on a package with a subpackage, where paths start at the root, gives the same routes twice."""
    team = quickstart / "team-java"
    team.mkdir()
    shutil.move(quickstart / "app-java.yaml", team)
    (team / "Kptfile").write_text("apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: team-java\n")
    argv = ("fn", "eval", quickstart, "--exec", "virtual-env-fn", "--fn-config", quickstart / "virtual-env.yaml")
    run(part("kpt"), *argv, cwd=quickstart, env=env)
    first = package_bytes(quickstart)
    run(part("kpt"), *argv, cwd=quickstart, env=env)
    assert routes(package_text(quickstart)) == expected
    assert package_bytes(quickstart) == first


def test_an_error_stops_render_and_writes_nothing(quickstart, env):
    """A finding of severity error ends kpt with code 1, shows its text and changes no file."""
    config = quickstart / "virtual-env.yaml"
    config.write_text(config.read_text().replace("defaultSubset: dev ", "defaultSubset: deev "))
    before = package_bytes(quickstart)
    done = run(part("kpt"), "fn", "render", "--allow-exec", quickstart, cwd=quickstart.parent, env=env, code=1)
    assert "deev" in done.stderr
    assert package_bytes(quickstart) == before


def test_the_generated_objects_keep_out_of_the_list_of_sources(quickstart, env):
    """What kpt hands back to the function on the second run holds each generated object once."""
    render(quickstart, env)
    render(quickstart, env)
    listed = documents(run(part("kpt"), "fn", "source", quickstart, cwd=quickstart, env=env).stdout)
    identities = [(doc["kind"], doc["metadata"].get("name")) for doc in listed]
    assert len(identities) == len(set(identities))
