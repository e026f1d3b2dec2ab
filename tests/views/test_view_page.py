"""The page in a real browser."""

from __future__ import annotations

import json
import re

import pytest
from lists import base, service, workload
from lists import compute as compute_list
from worlds import HOSTILE, hostile, page_of, plan_of, quickstart, random_world

from krm_fn.views import page
from krm_fn.views.compare import compare
from krm_fn.views.who import ANY_POD, fixed, who, word

_ASK = """(value) => {
  const input = document.getElementById("environment");
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}"""
_GROUPS = """() => [...document.querySelectorAll("#why .group")].flatMap((one) =>
  JSON.parse(one.dataset.services).map((service) => [service, one.dataset.answer]))"""
_LEVELS = """() => [...document.querySelectorAll("#why .levels li")].map((one) =>
  [one.firstChild.textContent, one.lastChild.textContent, one.className])"""


# What stands on the screen with text of its own: in which font, and how many elements the table has.
_FONTS = """() => {
  const drawn = (one) => one.getClientRects().length && getComputedStyle(one).visibility === "visible";
  const texts = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const keys = ["fontFamily", "fontSize", "fontWeight", "fontStyle"];
  const font = (one) => keys.map((key) => getComputedStyle(one)[key]).join(" ");
  const all = [...document.body.querySelectorAll("*")].filter(drawn);
  return [...new Set(all.filter((one) => one.tagName === "INPUT" || texts(one)).map(font))];
}"""


def answers(tab, value):
    """Type a value; return who answers each Service."""
    tab.evaluate(_ASK, value)
    return dict(tab.evaluate(_GROUPS))


def head(tab, kind, name):
    return tab.locator(f"#grid th.{kind}", has_text=re.compile(rf"^{re.escape(name)}$"))


@pytest.mark.parametrize("seed", range(30))
def test_typed_values_are_answered_as_the_plan_says(show, seed):
    """Over random trees the page's own rule gives every value, known or not, the plan's answer and its levels."""
    values, spec, typed = random_world(seed)
    plan = plan_of(values, spec)
    assert plan.services
    tab = show(page_of(values, spec))
    for value in typed:
        expected = {}
        for one in plan.services:
            otherwise = "any pod" if word(one) == "any pod" else f"nobody: {word(one)}"
            expected[one.service.ref.name] = who(one, value).environment or otherwise
        assert answers(tab, value) == expected, value
    for one in plan.services:
        tab.keyboard.press("Escape")
        head(tab, "column", one.service.ref.name).click()
        for value in typed:
            tab.evaluate(_ASK, value)
            found = [(name, text if kind == "missing" else "") for name, text, kind in tab.evaluate(_LEVELS)]
            always = fixed(one)
            levels = one.answer(None if always else value).levels
            told = [] if always and always.otherwise == ANY_POD else levels
            assert found == [(level.environment, level.missing) for level in told], value


def test_choosing_an_environment_shows_who_answers(show):
    """A click on dev.proj1 lights its row, marks the three cells that answer, and draws a line to the one above."""
    tab = show(page_of(quickstart()))
    head(tab, "row", "dev.proj1").click()
    assert answers_now(tab) == {"app-js": "dev.proj1", "app-java": "dev.proj1", "app-go": "dev"}
    assert tab.locator("#grid tr.chosen th").inner_text() == "dev.proj1"
    assert tab.locator("#grid td.answers").count() == 3
    assert tab.locator("svg path").get_attribute("d").count("M") == 1
    assert tab.evaluate("location.hash") == "#env=dev.proj1"


def answers_now(tab):
    return dict(tab.evaluate(_GROUPS))


def test_choosing_a_service_says_why(show):
    """A Service's panel names every level that was tried, what was missing, the route, its ports and its pods."""
    tab = show(page_of(quickstart()), fragment="#env=dev.proj1.feature1&service=app-go")
    text = tab.locator("#why").inner_text()
    assert "request of dev.proj1.feature1 → dev" in text
    levels = ["dev.proj1.feature1: no pod", "dev.proj1: no pod", "dev: Deployment app-go-dev"]
    assert [line.inner_text() for line in tab.locator("#why .levels li").all()] == levels
    assert "80 http: by header" in text
    assert "dev.proj2: Deployment go-proj2" in text


def test_typing_a_value_that_nobody_carries(show):
    """A typed value gets a row of its own below its ancestor, its answers, and the name that was perhaps meant."""
    tab = show(page_of(quickstart()))
    tab.keyboard.press("e")
    tab.keyboard.type("dev.porj1")
    assert [one.inner_text() for one in tab.locator("#grid th.row").all()][1] == "dev.porj1"
    assert set(answers_now(tab).values()) == {"dev"}
    tab.get_by_role("button", name="dev.proj1", exact=True).click()
    assert tab.locator("#environment").input_value() == "dev.proj1"
    assert answers_now(tab)["app-js"] == "dev.proj1"
    assert tab.locator("#grid tr.typed").count() == 0


def test_a_route_names_every_carrier(show):
    """The panel's route says where a request may carry the environment, aliases and all."""
    spec = base(envHeader={"name": "x-env", "aliases": [{"cookie": "env"}, {"baggage": "e"}]})
    tab = show(page_of(quickstart(), spec), fragment="#env=dev.proj1&service=app-js")
    assert "x-env or cookie env or baggage member e is dev.proj1" in tab.locator("#why").inner_text()


def test_search_leaves_the_services_that_match(show):
    """Typing into the search leaves the columns that hold the text, and Enter chooses the first."""
    tab = show(page_of(quickstart()))
    tab.keyboard.press("/")
    tab.keyboard.type("JAVA")
    assert [one.inner_text() for one in tab.locator("#grid th.column").all()] == ["app-java"]
    assert "2 hidden" in tab.locator("#summary").inner_text()
    tab.keyboard.press("Enter")
    assert tab.locator("#why h2").inner_text() == "app-java"
    tab.keyboard.press("Escape")
    assert tab.locator("#grid th.column").count() == 3


def test_the_keyboard_reaches_every_cell(show):
    """Arrow keys move through the grid, Enter chooses, and the cell's name says who answers."""
    tab = show(page_of(quickstart()))
    tab.locator("#grid").focus()
    for key in ("ArrowDown", "ArrowRight"):
        tab.keyboard.press(key)
    active = tab.locator(f"#{tab.locator('#grid').get_attribute('aria-activedescendant')}")
    assert active.get_attribute("aria-label") == "app-go, dev.proj1: dev answers"
    tab.keyboard.press("Enter")
    assert tab.locator("#why .verdict").inner_text() == "request of dev.proj1 → dev"


def test_the_keyboard_reaches_cells_that_are_not_drawn_yet(show):
    """End and PageDown go to the last Service and far rows of a large list, which then stand in the table."""
    names = [f"dev.p{number}" for number in range(70)]
    values = [one for n in range(120) for one in (service(f"s{n:03}"), workload(f"w{n}", "dev", app=f"s{n:03}"))]
    values += [workload(f"x{place}", env, app="s000") for place, env in enumerate(names)]
    tab = show(page_of(values))
    assert tab.locator("#grid td").count() < 3000
    assert tab.locator("#grid").get_attribute("aria-colcount") == "121"
    tab.locator("#grid").focus()
    tab.keyboard.press("End")
    for _ in range(7):
        tab.keyboard.press("PageDown")
    assert tab.locator("#active").get_attribute("aria-label") == "s119, dev.p69: dev answers"
    tab.locator("#grid-frame").evaluate("(one) => { one.scrollTop = 0; one.scrollLeft = 0; }")
    tab.wait_for_selector("#grid th.column:has-text('s000')")
    head(tab, "column", "s003").click()
    assert tab.locator("#why h2").inner_text() == "s003"


def test_what_is_seen_first_is_little(show):
    """Of 200 Services and 60 environments the page draws those on the screen, in two fonts: a browser lays out text
    only after another process has told it of each font, which takes longer than the rest where that one is busy.
    """
    names = ["dev", *(f"dev.p{number}" for number in range(59))]
    values = [one for n in range(200) for one in (service(f"s{n:03}"), workload(f"w{n}", "dev", app=f"s{n:03}"))]
    values += [workload(f"x{place}", env, app=f"s{place:03}") for place, env in enumerate(names) if place]
    tab = show(page_of(values))
    assert len(tab.evaluate(_FONTS)) == 2
    assert tab.locator("#grid td").count() < 600


def test_hostile_names_are_text(show):
    """Names with tags, quotes, scripts, right-to-left marks and control characters are shown, and do nothing."""
    tab = show(page_of(hostile(), title="<script>alert(0)</script>"))
    shown = [one.get_attribute("title") for one in tab.locator("#grid th.column").all()]
    plain = {name for name in HOSTILE if name.isprintable()}
    assert plain <= set(shown)
    assert {r"\u{202e}gnp.exe", r"\u{1b}[31mred\u{7}"} <= set(shown)
    assert tab.title() == "<script>alert(0)</script>"
    for name in HOSTILE:
        tab.keyboard.press("Escape")
        place = [one for one in shown if one == name or (not name.isprintable() and one[-6:] == clean(name)[-6:])]
        tab.locator(f"#grid th.column >> nth={shown.index(place[0])}").click()
        head(tab, "row", "dev.proj1").click()
    assert tab.locator("img, script[src], link, iframe, object").count() == 0
    assert tab.locator("script").count() == 2


def clean(name):
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in name)


def test_the_policy_forbids_what_is_not_the_page_s_own(chromium, tmp_path):
    """Even markup that got into the page could not run a script, load an image or style anything."""
    injected = "<img src='http://127.0.0.1:9/x'><script>window.hit = 1</script><b id=b style='color: red'>b</b>"
    path = tmp_path / "injected.html"
    path.write_text(page_of(quickstart()).replace("</main>", f"{injected}</main>"), encoding="utf-8")
    tab = chromium.new_page()
    refused = []
    tab.on("console", lambda message: refused.append(message.text))
    failures = []
    tab.on("requestfailed", lambda request: failures.append((request.url, request.failure)))
    tab.goto(path.as_uri())
    assert tab.evaluate("window.hit") is None
    assert tab.evaluate("getComputedStyle(document.getElementById('b')).color") != "rgb(255, 0, 0)"
    assert failures == [("http://127.0.0.1:9/x", "csp")]
    assert len(refused) == 3
    assert all("Content Security Policy" in text for text in refused)
    assert tab.locator("#grid th.column").count() == 3
    tab.close()


def test_findings_stand_on_top_and_at_their_service(show):
    """Errors are open above the grid, and a Service's panel has those of its own."""
    values = [*quickstart(), service("db", ports=((443, "https"),)), workload("d1", "dev", app="db")]
    values += [workload("d2", "dev.proj1", app="db"), service("bad"), workload("b1", "dev", app="bad")]
    values += [workload("b2", app="bad")]
    tab = show(page_of(values))
    assert "1 error" in tab.locator("#findings summary").inner_text()
    assert "unlabelled-workload" in tab.locator("#findings li.error").inner_text()
    head(tab, "column", "db").click()
    assert "tls-port" in tab.locator("#why").inner_text()
    assert "no port that follows the header" in tab.locator("#why").inner_text()


def test_before_and_after_in_one_page(show):
    """The page of a diff lists what changes, marks the cells that move, and switches between the two."""
    old, new = plan_of(quickstart()), plan_of([*quickstart(), workload("go-proj1", "dev.proj1", app="app-go")])
    tab = show(page.page("a change", page.Side(new, ()), page.Side(old, ()), compare(old, new)))
    assert (
        "dev.proj1 now answers app-go itself (was dev); also for dev.proj1.feature1" in tab.locator("#why").inner_text()
    )
    assert [one.inner_text() for one in tab.locator("#grid th.column").all()] == ["app-go"]
    assert tab.locator("#grid td.moved").count() == 2
    head(tab, "row", "dev.proj1").click()
    assert answers_now(tab) == {"app-go": "dev.proj1"}
    tab.locator("#before").click()
    assert answers_now(tab) == {"app-go": "dev"}
    tab.locator("#changed").uncheck()
    assert tab.locator("#grid th.column").count() == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("state", ["", "#env=dev.proj1", "#env=dev.porj1", "#env=dev.proj1&service=app-go"])
def test_axe_finds_nothing(show, axe, scheme, width, state):
    """Names, roles, contrast and the rest are right by axe-core, light and dark, wide and narrow, chosen and not."""
    values = [*quickstart(), service("lost"), workload("lost-1", "dev.proj2", app="lost")]
    tab = show(page_of(values), width=width, scheme=scheme, fragment=state)
    tab.evaluate(f"(() => {{ {axe} }})()")
    found = tab.evaluate("axe.run(document)")
    assert found["passes"]
    told = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
    assert told == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_never_wider_than_the_window(show, width):
    """At 1280 and at 390 pixels only the grid scrolls sideways, whatever the names."""
    tab = show(page_of(hostile(), title="x" * 200), width=width, fragment="#env=dev.proj1")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize("spaces", [("",), ("shop",), ("shop", "payments-production")], ids=len)
def test_long_names_are_readable(show, count, spaces):
    """A name of 63 letters, as long as Kubernetes allows, stands above its column whole, among few and many."""
    names = [
        f"{'checkout-payment-gateway-adapter-for-the-second-shop-in-spain-x'[: 20 + n % 44]}{n}"[-63:]
        for n in range(count)
    ]
    values = [
        one
        for place, name in enumerate(names)
        for space in [spaces[place % len(spaces)]]
        for one in (service(name, namespace=space), workload(name, "dev", app=name, namespace=space))
    ]
    tab = show(page_of(values))
    heads = tab.locator("#grid th.column span")
    cut = heads.evaluate_all("""(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1
      || one.scrollHeight > one.clientHeight + 1).map((one) => one.textContent)""")
    assert heads.count() >= 3
    assert cut == []
    table = tab.locator("#grid thead").bounding_box()
    boxes = [head.bounding_box() for head in heads.all()]
    assert all(box["y"] >= table["y"] - 1 for box in boxes)


def test_a_search_that_finds_nothing_says_so(show):
    """Where no Service matches, the grid gives way to a sentence, and comes back with the search gone."""
    tab = show(page_of(quickstart()))
    tab.keyboard.press("/")
    tab.keyboard.type("nobody")
    assert tab.locator("#empty").inner_text() == "No Service is called nobody. Esc shows all."
    tab.keyboard.press("Escape")
    assert tab.locator("#empty").inner_text() == ""
    assert tab.locator("#grid").is_visible()


def test_a_way_past_the_routes_stands_at_its_service(show):
    """A Service that an Ingress reaches past its routes says so in its panel, and no other does."""
    spec = {"defaultBackend": {"service": {"name": "app-js", "port": {"number": 80}}}}
    door = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "door"}, "spec": spec}
    for name, bent in (("app-js", True), ("app-go", False)):
        tab = show(page_of([*quickstart(), door]), fragment=f"#service={name}")
        assert ("reached past its routes" in tab.locator("#why").inner_text()) is bent
        assert ("outside-door" in tab.locator("#why").inner_text()) is bent


def test_paper_has_every_service(show):
    """A print has all columns, in several tables below one another, and no controls."""
    values = [one for n in range(70) for one in (service(f"s{n}"), workload(f"w{n}", "dev", app=f"s{n}"))]
    tab = show(page_of(values))
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("table.printed").count() == 3
    assert tab.locator("table.printed th.column:visible").count() == 70
    assert not tab.locator("form").is_visible()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("table.printed").count() == 0


def test_an_empty_plan_is_a_page(show):
    """A list without labelled pods gives a page that says so."""
    tab = show(page_of([service("a"), workload("w", app="a")]))
    assert "0 Services" in tab.locator("#summary").inner_text()
    assert "Put the label virtual-env: dev on the pod templates" in tab.locator("#empty").inner_text()
    assert not tab.locator("#grid").is_visible()
    assert "1 without a part" in tab.locator("#why").inner_text()


def test_the_data_cannot_end_its_own_block():
    """The data of a page has no character by which it could become markup."""
    html = page_of(hostile())
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1]
    assert not set("<>&\u2028\u2029") & set(data)
    assert {one["name"] for one in json.loads(data)["sides"][0]["services"]} == set(HOSTILE)


def test_what_a_proxy_does_lies_over_the_plan(show):
    """A result of verify marks its cells, with a shape and not by colour alone, and the panel says what and why."""
    computed = compute_list(quickstart(), base())
    cells = [
        page.Overlay("app-go", "dev.proj1", differs=True, text="port 8080: dev should answer; gets <b>nobody</b>"),
        page.Overlay("app-js", "dev", differs=False, text="cannot tell: a filter"),
    ]
    verified = [page.Verified("sidecar default/client: 2 cells", cells)]
    tab = show(page.page("a test", page.Side(computed.plan, computed.results), verified=verified))
    assert tab.locator("td.differs").count() == tab.locator("td.untold").count() == 1
    assert "gets <b>nobody</b>" in tab.locator("td.differs").get_attribute("title")
    assert tab.locator("#in-mesh").is_visible()
    assert tab.locator("td.differs").evaluate("(cell) => getComputedStyle(cell).outlineStyle") == "dashed"
    assert "sidecar default/client: 2 cells" in tab.locator("#why").inner_text()
    tab.locator("td.differs").click()
    assert "In the mesh" in tab.locator("#why").inner_text()
    assert "port 8080: dev should answer; gets <b>nobody</b>" in tab.locator("#why").inner_text()
