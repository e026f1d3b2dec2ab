"""matrix: cells, folding, filters, Markdown and JSON."""

from __future__ import annotations

from lists import base, compute, service, workload
from worlds import HOSTILE, hostile, markdown_parts, plan_of, quickstart

from krm_fn.views import matrix, paint
from krm_fn.views.table import tables


def lines(plan, *filters, everything=False):
    return paint.plain(matrix.matrix(tables(plan, *filters), everything=everything)).splitlines()


def large(services=300, environments=50):
    names = ["dev", *(f"dev.project-{n // 5}.user-{n}" for n in range(environments - 1))]
    values = []
    for n in range(services):
        app = f"service-{n:03}"
        values += [service(app), workload(f"{app}-dev", "dev", app=app)]
        if n % 3 == 0:
            values.append(workload(f"{app}-own", names[1 + n % (environments - 1)], app=app))
    values += [service("all"), *(workload(f"all-{n}", env, app="all") for n, env in enumerate(names))]
    return values


def test_a_small_table_has_its_names():
    """Own pods are a dot, an inherited answer is the name of who gives it, and all stands in one line a Service."""
    assert lines(plan_of(quickstart()))[:5] == [
        "base dev",
        "          dev  dev.proj1  dev.proj1.feature1  dev.proj2  (none)",
        "app-go    ●    dev        dev                 ●          dev",
        "app-java  ●    ●          ●                   dev        dev",
        "app-js    ●    ●          dev.proj1           dev        dev",
    ]


def test_a_large_table_fits_and_leaves_out_what_is_as_the_base():
    """300 Services by 50 environments: 100 columns, numbers for names, rows that differ, and the rest as a count."""
    plan = plan_of(large())
    told = lines(plan)
    assert max(map(len, told)) <= matrix.WIDTH
    assert "   1 dev  pods of 301 Services" in told
    assert "200 Services get the base's answer in every environment; --all shows all" in told
    assert len(told) < 300
    for name in ("service-003", "service-297"):
        assert any(line.startswith(name) for line in told)
    assert not any(line.startswith("service-001") for line in told)
    assert any(line.startswith("service-001") for line in lines(plan, everything=True))


def test_every_cell_of_the_folded_table_is_the_plan_s():
    """Read back by its numbers, each cell of a folded table is who answers by the plan."""
    plan = plan_of(large(12, 40))
    told = lines(plan, everything=True)
    (table,) = tables(plan)
    numbers = {str(place): node.name for place, node in enumerate(table.environments, 1)}
    heads, read = [], {}
    for line in told[1 + len(numbers) :]:
        words = line.split()
        if line.startswith(" ") and words:
            heads = words
        elif words and words[0] in {row.name for row in table.rows}:
            for head, cell in zip(heads, words[1:], strict=True):
                value = numbers.get(head)
                read[words[0], value] = value if cell == "●" else numbers[cell]
    expected = {
        (one.service.ref.name, value): one.answer(value).environment
        for one in plan.services
        for value in [*numbers.values(), None]
    }
    assert read == expected


def test_filters_choose_services_and_environments():
    """Patterns choose rows and columns; what is outside is still named as who answers."""
    told = lines(plan_of(quickstart()), ["*-js"], ["*.feature1"])
    assert told[1:3] == ["        dev.proj1.feature1  (none)", "app-js  dev.proj1           dev"]
    assert tables(plan_of(quickstart()), ["nothing"]) == []


def test_namespaces_with_other_environments_have_tables_of_their_own():
    """Two teams with other environments get a table each, Services with their namespace."""
    values = [
        one
        for team, env in (("a", "dev.x"), ("b", "dev.y"))
        for one in (service(namespace=team), workload("w", "dev", namespace=team), workload("v", env, namespace=team))
    ]
    told = lines(plan_of(values))
    assert told.count("base dev") == 2
    assert [line.split()[0] for line in told if "/" in line] == ["a/app", "b/app"]


def test_an_exception_is_told_below():
    """A Service of several environments that no header can steer is named with the reason."""
    values = [service(ports=((9, "tcp"),)), workload("a", "dev"), workload("b", "dev.x")]
    assert lines(plan_of(values))[-1] == "app: no port that follows the header"


def test_what_no_header_steers_is_not_said_to_be_steered():
    """Plain TCP is the base's in every cell, TLS and headless are any pod's; a port of a mixed Service stands below."""
    pods = [
        one
        for app in ("tcp", "tls", "peer", "mixed", "gone")
        for one in (workload(f"{app}-d", "dev", app=app), workload(f"{app}-x", "dev.x", app=app))
        if (app, one["metadata"]["name"]) != ("gone", "gone-d")
    ]
    values = [
        *pods,
        service("tcp", ports=((9, "tcp"),)),
        service("tls", ports=((443, "tls"),)),
        service("peer", clusterIP="None"),
        service("mixed", ports=((80, "http"), (6379, "redis"))),
        service("gone", ports=((9, "tcp"),)),
    ]
    assert any(line.startswith("gone ") for line in lines(plan_of(values)))
    told = lines(plan_of(values), everything=True)
    assert [line.split("  ") for line in (" ".join(line.split()) for line in told[2:7])] == [
        ["gone closed closed closed"],
        ["mixed ● ● dev"],
        ["peer any pod any pod any pod"],
        ["tcp ● dev dev"],
        ["tls any pod any pod any pod"],
    ]
    assert "mixed: port 6379: to the base → dev" in told
    computed = compute(values, base())
    services = {
        one["name"]: one for one in matrix.as_json(tables(computed.plan), computed.plan, ())["tables"][0]["services"]
    }
    assert services["tcp"]["answers"] == {"dev": "dev", "dev.x": "dev"}
    assert (services["gone"]["unnamed"], services["gone"]["otherwise"]) == (None, "closed")
    assert (services["peer"]["answers"]["dev"], services["peer"]["otherwise"]) == (None, "any pod")


def test_markdown_has_names_in_code_spans_only():
    """Hostile names stand in code spans, rows keep their cells, and nothing becomes a link, a mention or HTML."""
    plan = plan_of(hostile())
    told = matrix.as_markdown(tables(plan))
    inside, cells = markdown_parts(told)
    assert set(filter(str.isprintable, HOSTILE)) <= {name.replace("\\|", "|") for name in inside}
    assert cells == (len(HOSTILE) + 1) * 4


def test_json_has_every_row():
    """The JSON has all Services, also those that the text only counts, and who answers each environment."""
    computed = compute([*quickstart(), service("one"), workload("one", "dev", app="one")], base())
    found = matrix.as_json(tables(computed.plan), computed.plan, computed.results)
    assert (found["kind"], len(found["tables"])) == ("Matrix", 1)
    services = {one["name"]: one for one in found["tables"][0]["services"]}
    assert set(services) == {"app-js", "app-go", "app-java", "one"}
    assert services["app-js"]["answers"]["dev.proj1.feature1"] == "dev.proj1"
    assert services["app-js"]["unnamed"] == "dev"
