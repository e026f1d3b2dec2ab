"""Helm 3: the function as a post-renderer."""

from __future__ import annotations

from host_tools import part, routes, run


def test_post_renderer(quickstart, env, expected):
    """`helm template --post-renderer` passes the chart's manifests through the function."""
    chart = quickstart.parent / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: quickstart\nversion: 0.1.0\n")
    for name in ("app-js.yaml", "app-go.yaml", "app-java.yaml"):
        (quickstart / name).rename(chart / "templates" / name)
    argv = ("template", "quickstart", chart, "--post-renderer", "virtual-env-fn")
    arguments = ("--post-renderer-args", "--config", "--post-renderer-args", quickstart / "virtual-env.yaml")
    done = run(part("helm"), *argv, *arguments, cwd=quickstart, env=env)
    assert routes(done.stdout) == expected
