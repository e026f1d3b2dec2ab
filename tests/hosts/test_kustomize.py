"""kustomize, standalone and inside kubectl: exec function, legacy exec plugin, and the stream."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from host_tools import ROOT, documents, part, routes, run

PLUGIN = ROOT / "docs" / "hosts.md"
BUILD = ("build", "--enable-alpha-plugins", "--enable-exec")


def without_function_annotation(config: Path) -> None:
    """Turn the config of an exec function into that of a legacy plugin: kustomize then finds it by its kind."""
    loaded = yaml.safe_load(config.read_text())
    del loaded["metadata"]["annotations"]["config.kubernetes.io/function"]
    config.write_text(yaml.safe_dump(loaded))


def plugin_script() -> str:
    """Return the shell script of the legacy plugin as the documentation prints it."""
    return "#!/bin/sh\n" + PLUGIN.read_text().split("#!/bin/sh\n")[1].split("```")[0]


def install_plugin(env: dict[str, str]) -> None:
    folder = Path(env["XDG_CONFIG_HOME"], "kustomize/plugin/virtual-env-fn.dev/v1alpha1/virtualenvironment")
    folder.mkdir(parents=True)
    (folder / "VirtualEnvironment").write_text(plugin_script())
    (folder / "VirtualEnvironment").chmod(0o755)


def test_exec_function_found_on_path(quickstart, env, expected):
    """`kustomize build` runs the function named in the annotation from PATH and adds the expected routes."""
    assert routes(run(part("kustomize"), *BUILD, quickstart, cwd=quickstart, env=env).stdout) == expected


def test_exec_path_is_relative_to_the_kustomization(quickstart, env, expected):
    """`path: ./virtual-env-fn` means the folder of the kustomization, from wherever kustomize is called."""
    command = run("sh", "-c", "command -v virtual-env-fn", cwd=quickstart, env=env).stdout.strip()
    (quickstart / "virtual-env-fn").symlink_to(command)
    config = quickstart / "virtual-env.yaml"
    config.write_text(config.read_text().replace("path: virtual-env-fn", "path: ./virtual-env-fn"))
    done = run(part("kustomize"), *BUILD, "quickstart", cwd=quickstart.parent, env=env)
    assert routes(done.stdout) == expected


def test_an_error_stops_the_build_with_its_text(quickstart, env):
    """A finding of severity error ends the build with code 1, its line on stderr and no output."""
    config = quickstart / "virtual-env.yaml"
    config.write_text(config.read_text().replace("defaultSubset: dev ", "defaultSubset: deev "))
    done = run(part("kustomize"), *BUILD, quickstart, cwd=quickstart, env=env, code=1)
    assert "deev" in done.stderr
    assert done.stdout == ""


def test_kubectl_skips_exec_functions_in_silence(quickstart, env):
    """`kubectl kustomize` runs no exec function and says nothing: no routes, exit code 0."""
    argv = ("kustomize", "--enable-alpha-plugins", quickstart)
    done = run(part("kubectl"), *argv, cwd=quickstart, env=env)
    assert routes(done.stdout) == {}
    assert done.stderr == ""


@pytest.mark.parametrize("host", ["kubectl", "kustomize"])
def test_legacy_exec_plugin(quickstart, env, expected, host):
    """The documented two-line plugin gives the expected routes, in kubectl and in kustomize."""
    without_function_annotation(quickstart / "virtual-env.yaml")
    install_plugin(env)
    argv = ("build",) if host == "kustomize" else ("kustomize",)
    done = run(part(host), *argv, "--enable-alpha-plugins", quickstart, cwd=quickstart, env=env)
    assert routes(done.stdout) == expected


@pytest.mark.parametrize("host", ["kubectl", "kustomize"])
def test_stream_behind_a_build(quickstart, env, expected, host):
    """`kustomize build | virtual-env-fn --config F` keeps every document and adds the expected routes."""
    config = quickstart.parent / "virtual-env.yaml"
    (quickstart / "virtual-env.yaml").rename(config)
    kustomization = quickstart / "kustomization.yaml"
    kustomization.write_text(kustomization.read_text().split("transformers:")[0])
    argv = ("build",) if host == "kustomize" else ("kustomize",)
    built = run(part(host), *argv, quickstart, cwd=quickstart, env=env).stdout
    done = run("virtual-env-fn", "--config", config, cwd=quickstart, env=env, stdin=built)
    assert routes(done.stdout) == expected
    assert done.stdout.startswith(built)
    assert len(documents(done.stdout)) == len(documents(built)) + len(expected)


def test_a_failed_build_fails_the_pipe(quickstart, env):
    """Behind a build that failed and printed nothing the function ends with an error, without `pipefail`."""
    (quickstart / "app-go.yaml").unlink()
    pipe = f"{part('kustomize')} build . | virtual-env-fn --config virtual-env.yaml"
    done = run("sh", "-c", pipe, cwd=quickstart, env=env, code=1)
    assert done.stdout == ""


def test_an_overlay_renames_objects_but_not_the_hosts_inside(quickstart, env, expected):
    """Run in a base, the function's hosts keep the names of the base: run it in the outermost kustomization."""
    overlay = quickstart.parent / "overlay"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text("namePrefix: pre-\nresources: [../quickstart]\n")
    found = routes(run(part("kustomize"), *BUILD, overlay, cwd=overlay, env=env).stdout)
    assert {name for _, name in found} == {f"pre-{name}" for _, name in expected}
    assert found["VirtualService", "pre-app-js"]["hosts"] == ["app-js"]


def test_the_outermost_kustomization_gives_renamed_hosts(quickstart, env):
    """Run in the overlay that renames, the function sees the final names and uses them for its hosts."""
    base = quickstart / "kustomization.yaml"
    base.write_text(base.read_text().split("transformers:")[0])
    overlay = quickstart.parent / "overlay"
    overlay.mkdir()
    (quickstart / "virtual-env.yaml").rename(overlay / "virtual-env.yaml")
    (overlay / "kustomization.yaml").write_text(
        "namePrefix: pre-\nresources: [../quickstart]\ntransformers: [virtual-env.yaml]\n"
    )
    found = routes(run(part("kustomize"), *BUILD, overlay, cwd=overlay, env=env).stdout)
    assert found["VirtualService", "pre-app-js"]["hosts"] == ["pre-app-js"]


def test_name_references_mend_the_hosts_of_an_inner_kustomization(quickstart, env):
    """With the nameReference of the documentation, an overlay's prefix reaches the hosts inside as well."""
    text = PLUGIN.read_text()
    block = next(part for part in text.split("```yaml\n")[1:] if part.startswith("nameReference:"))
    (quickstart / "name-references.yaml").write_text(block.split("```")[0])
    base = quickstart / "kustomization.yaml"
    overlay = quickstart.parent / "overlay"
    overlay.mkdir()
    (quickstart / "name-references.yaml").rename(overlay / "name-references.yaml")
    assert "transformers:" in base.read_text()
    (overlay / "kustomization.yaml").write_text(
        "namePrefix: pre-\nresources: [../quickstart]\nconfigurations: [name-references.yaml]\n"
    )
    found = routes(run(part("kustomize"), *BUILD, overlay, cwd=overlay, env=env).stdout)
    destinations = {
        route["destination"]["host"]
        for http in found["VirtualService", "pre-app-js"]["http"]
        for route in http.get("route", [])
    }
    assert found["VirtualService", "pre-app-js"]["hosts"] == ["pre-app-js"]
    assert found["DestinationRule", "pre-app-js"]["host"] == "pre-app-js"
    assert destinations == {"pre-app-js"}
