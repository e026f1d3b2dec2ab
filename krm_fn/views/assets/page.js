"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const CELL = 26; // pixels, as page.css has it
  const PRINTED = 32; // Services beside one another on paper
  const byId = (id) => document.getElementById(id);

  // ---- the model: what the plan says, and the same rule for values that nobody carries

  const nameOf = (one) => (one.namespace ? `${one.namespace}/${one.name}` : one.name);
  const sides = data.sides.map((side) => ({
    ...side,
    byName: new Map(side.services.map((one) => [nameOf(one), prepared(one)])),
  }));
  const listed = new Map(data.environments.map((one, place) => [one.name, place]));
  const names = [...new Set(sides.flatMap((side) => [...side.byName.keys()]))].sort();
  const changed = new Set((data.changes || []).map((one) => one.service));
  const state = { side: 0, environment: "", service: "", search: "", onlyChanged: changed.size > 0 };

  function prepared(service) {
    return {
      ...service,
      own: new Map(Object.entries(service.own)),
      absent: new Map(Object.entries(service.absent)),
      known: new Set(service.known),
    };
  }

  function levels(name, splitter) {
    const parts = name.split(splitter);
    return parts.map((_, count) => parts.slice(0, parts.length - count).join(splitter));
  }

  // As ServicePlan.answer in krm_fn/plan.py; tests/views compares the two over random trees.
  function answer(service, value) {
    const followed = service.matching === "prefix" || service.known.has(value);
    const tried = [];
    for (const start of [followed ? value : "", service.base]) {
      for (const name of start ? levels(start, service.splitter) : []) {
        if (tried.some((level) => level.environment === name)) continue;
        const pods = service.own.get(name) || [];
        tried.push({ environment: name, pods, missing: pods.length ? "" : missing(service, name) });
        if (pods.length) return { environment: name, levels: tried };
      }
    }
    return { environment: null, levels: tried };
  }

  function missing(service, name) {
    const absent = (service.absent.get(name) || []).map((one) => `${one.kind} ${nameOf(one)} has ${one.absent}`);
    return absent.join(", ") || "no pod";
  }

  function who(service, environment) {
    const place = listed.get(environment);
    if (place === undefined) return answer(service, environment).environment;
    const owner = service.answers[place];
    return owner < 0 ? null : service.owners[owner];
  }

  function routeOf(service, value) {
    const takes = (one) => one.exact.includes(value) || (one.prefix && value.startsWith(one.prefix));
    return value ? service.routes.find(takes) : undefined;
  }

  function nearest(value) {
    const close = [...listed.keys()].map((name) => [distance(name, value), name]).sort((a, b) => a[0] - b[0])[0];
    return close && close[0] > 0 && close[0] <= Math.max(2, value.length / 4) ? close[1] : "";
  }

  function distance(one, other) {
    let row = Array.from({ length: other.length + 1 }, (_, place) => place);
    for (let i = 1; i <= one.length; i++) {
      const next = [i];
      for (let j = 1; j <= other.length; j++) {
        const same = one[i - 1] === other[j - 1] ? 0 : 1;
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + same);
      }
      row = next;
    }
    return row[other.length];
  }

  // ---- elements; every name becomes text, what does not print is spelled out

  const clean = (text) =>
    String(text).replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    for (const child of children.flat()) {
      element.append(typeof child === "object" ? child : clean(child));
    }
    return element;
  }

  const bdi = (text, className) => make("bdi", className, text);

  function button(text, choose, className) {
    const element = make("button", className, bdi(text));
    element.type = "button";
    element.addEventListener("click", choose);
    return element;
  }

  // ---- the grid

  const side = () => sides[state.side];
  const grid = byId("grid");
  const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  lines.append(path);
  lines.setAttribute("aria-hidden", "true");
  let columns = [];
  let rows = [];
  let lit = [];
  let focused = null;

  function visible() {
    const wanted = state.search.toLowerCase();
    return names.filter(
      (name) => (!state.onlyChanged || changed.has(name)) && name.toLowerCase().includes(wanted),
    );
  }

  function shownRows() {
    const known = data.environments.map((one) => ({ ...one }));
    const typed = state.environment;
    if (!typed || listed.has(typed)) return known;
    const splitter = side().services.length ? side().services[0].splitter : ".";
    const above = levels(typed, splitter).findIndex((name) => listed.has(name));
    const at = above < 0 ? known.length : listed.get(levels(typed, splitter)[above]) + 1;
    const depth = above < 0 ? 0 : known[at - 1].depth + 1;
    known.splice(at, 0, { name: typed, depth, typed: true });
    return known;
  }

  function draw() {
    columns = visible();
    rows = shownRows();
    const [head, body] = tableParts(columns, rows);
    grid.tHead.replaceWith(head);
    grid.tBodies[0].replaceWith(body);
    grid.style.width = `calc(var(--names) + ${columns.length * CELL}px)`;
    lit = [];
    focused = null;
    light();
    summarize();
  }

  function tableParts(services, environments) {
    const head = make("thead", "", make("tr", "", corner(), services.map(columnHead)));
    const body = make("tbody");
    const found = services.map((name) => [side().byName.get(name), movedOf(name)]);
    for (const row of environments) {
      const line = make("tr", row.typed ? "typed" : "", rowHead(row));
      for (const [service, moved] of found) line.append(cell(service, row.name, moved));
      body.append(line);
    }
    return [head, body];
  }

  function corner() {
    const element = make("th", "corner", "environment");
    element.scope = "col";
    return element;
  }

  function columnHead(name) {
    const element = make("th", "column", make("span", "", bdi(name)));
    element.scope = "col";
    element.title = clean(name);
    return element;
  }

  function rowHead(row) {
    const element = make("th", "row", bdi(row.name));
    element.scope = "row";
    element.title = clean(row.name);
    element.style.setProperty("--depth", Math.min(row.depth, 6));
    return element;
  }

  function movedOf(name) {
    const [now, before] = sides.map((one) => one.byName.get(name));
    if (sides.length < 2 || !changed.has(name)) return () => false;
    const said = (service, value) => (service ? who(service, value) : undefined);
    return (value) => said(now, value) !== said(before, value);
  }

  function cell(service, environment, moved) {
    const element = document.createElement("td");
    if (!service) {
      element.className = "gone";
      return element;
    }
    const found = who(service, environment);
    const [kind, glyph] =
      found === environment ? ["pod", "●"]
      : found === null ? ["none", "✕"]
      : found === service.baseAnswer ? ["base", "↑"]
      : ["up", "↑"];
    element.className = moved(environment) ? `${kind} moved` : kind;
    element.textContent = glyph;
    return element;
  }

  // Light up the chosen row, the cells that answer it, and a line to each of them.
  function light() {
    for (const [element, className] of lit) element.classList.remove(className);
    lit = [];
    const at = rows.findIndex((row) => row.name === state.environment);
    const column = columns.indexOf(state.service);
    const body = grid.tBodies[0];
    const mark = (element, className) => {
      element.classList.add(className);
      lit.push([element, className]);
    };
    if (at >= 0) mark(body.rows[at], "chosen");
    if (column >= 0) mark(grid.tHead.rows[0].cells[column + 1], "chosen");
    path.setAttribute("d", at < 0 ? "" : columns.map((name, place) => lineTo(name, place, at, mark)).join(""));
    lines.setAttribute("width", columns.length * CELL);
    lines.setAttribute("height", rows.length * CELL);
  }

  function lineTo(name, place, at, mark) {
    const service = side().byName.get(name);
    const found = service && who(service, state.environment);
    const target = rows.findIndex((row) => row.name === found);
    if (target < 0) return "";
    mark(grid.tBodies[0].rows[target].cells[place + 1], "answers");
    if (target === at) return "";
    const x = (place + 0.5) * CELL;
    const sign = target < at ? 1 : -1;
    const tip = (target + 0.5) * CELL + sign * 9;
    return `M${x} ${(at + 0.5) * CELL - sign * 8}V${tip}m-4 ${sign * 5}l4 ${-sign * 5}l4 ${sign * 5}`;
  }

  function summarize() {
    const hidden = names.length - columns.length;
    const counts = [
      `${columns.length} Service${columns.length === 1 ? "" : "s"}`,
      hidden ? ` (${hidden} hidden)` : "",
      ` × ${data.environments.length} environments`,
    ];
    byId("summary").textContent = counts.join("");
  }

  // ---- why

  function explain() {
    const panel = byId("why");
    const service = side().byName.get(state.service);
    const parts = state.environment ? typedNote() : [];
    if (service) parts.push(...aboutService(service));
    else if (state.environment) parts.push(...aboutEnvironment());
    else parts.push(...overview());
    panel.replaceChildren(...parts);
  }

  function typedNote() {
    if (listed.has(state.environment)) return [];
    const close = nearest(state.environment);
    const note = make("p", "note", "No pod carries ", bdi(state.environment), "; each Service answers it as below.");
    if (close) note.append(" Did you mean ", button(close, () => choose({ environment: close }), "link"), "?");
    return [note];
  }

  function aboutEnvironment() {
    const groups = new Map();
    for (const name of columns) {
      const service = side().byName.get(name);
      if (!service) continue;
      const found = who(service, state.environment);
      const key = found === null ? unmatched(service) : found;
      groups.set(key, [...(groups.get(key) || []), name]);
    }
    const parts = [make("h2", "", "Request of ", bdi(state.environment))];
    const order = [...groups].sort((a, b) => (b[0] === state.environment) - (a[0] === state.environment));
    for (const [key, services] of order) {
      const title = key === state.environment ? "its own pods" : key;
      const chips = services.map((name) => make("li", "", button(name, () => choose({ service: name }), "chip")));
      const section = make("section", "group", make("h3", "", bdi(title), ` · ${services.length}`), make("ul", "chips", chips));
      section.dataset.answer = key;
      parts.push(section);
    }
    return parts;
  }

  const unmatched = (service) => (service.unmatched === "anyPod" ? "any pod" : "nobody: 503");

  function aboutService(service) {
    const parts = [make("h2", "", bdi(nameOf(service)))];
    const value = state.environment;
    const found = answer(service, value);
    const asked = value ? ["request of ", bdi(value)] : ["request without an environment"];
    const target = found.environment === null ? bdi(unmatched(service), "none") : bdi(found.environment, "pod");
    parts.push(make("p", "verdict", asked, " → ", target));
    parts.push(make("ol", "levels", found.levels.map(levelItem)));
    if (service.exception) parts.push(make("p", "note", service.exception));
    parts.push(make("h3", "", "Route"), make("p", "", service.routed ? routeText(service, value) : "none is needed or possible"));
    parts.push(make("h3", "", "Ports"), make("ul", "", service.ports.map((port) =>
      make("li", "", `${port.number} `, bdi(port.name || "unnamed"), `: ${port.rule}`))));
    parts.push(make("h3", "", "Pods of its own"), make("ul", "", [...service.own].map(([name, pods]) =>
      make("li", "", button(name, () => choose({ environment: name }), "link"), ": ", podsText(pods)))));
    parts.push(...findingsOf(service));
    return parts;
  }

  function levelItem(level) {
    const text = level.pods.length ? podsText(level.pods) : level.missing;
    return make("li", level.pods.length ? "found" : "missing", bdi(level.environment), ": ", bdi(text));
  }

  const podsText = (pods) => pods.map((one) => `${one.kind} ${one.name}${one.file ? ` in ${one.file}` : ""}`).join("; ");

  function routeText(service, value) {
    const route = routeOf(service, value);
    if (!route) return "the last one, for what no other takes";
    const below = route.prefix ? `, or begins with ${route.prefix}` : "";
    return `${route.environment}: ${service.header} is ${route.exact.join(" or ")}${below}`;
  }

  function findingsOf(service) {
    const pods = [...service.own.values(), ...service.absent.values()].flat();
    const places = new Set([
      `Service/${service.namespace}/${service.name}`,
      ...pods.map((one) => `${one.kind}/${one.namespace}/${one.name}`),
    ]);
    const found = side().findings.filter((one) => places.has(one.place));
    return found.length ? [make("h3", "", "Findings"), findingList(found)] : [];
  }

  const findingList = (found) =>
    make("ul", "findings", found.map((one) => make("li", one.severity, bdi(one.text))));

  function overview() {
    const parts = [];
    if (data.changes) parts.push(...changeList());
    else parts.push(make("p", "note", "Choose an environment, a Service, or a cell between them. ",
      "Or type any value: also one that no pod carries."));
    const apart = side().apart;
    if (apart.length) {
      const list = make("ul", "", apart.map((one) => make("li", "", bdi(nameOf(one)), ` ${one.reason}`)));
      parts.push(make("details", "", make("summary", "", `${apart.length} without a part`), list));
    }
    return parts;
  }

  function changeList() {
    if (!data.changes.length) return [make("p", "note", "No answer changes.")];
    const items = data.changes.map((one) => {
      const first = one.values.find((value) => value !== null) || "";
      const loud = one.kind === "base" || one.losesAnswer;
      return make("li", loud ? "error" : "info",
        button(one.sentence, () => choose({ environment: first, service: one.service }), "link"));
    });
    return [make("h2", "", "What changes"), make("ul", "findings changes", items)];
  }

  function showFindings() {
    const loud = data.settings.map((text) => ({ severity: "error", text }));
    const found = [...loud, ...side().findings.filter((one) => one.severity !== "info")];
    const errors = found.filter((one) => one.severity === "error");
    if (!found.length) return byId("findings").replaceChildren();
    const title = `${errors.length} error${errors.length === 1 ? "" : "s"}, ${found.length - errors.length} warnings`;
    const box = make("details", errors.length ? "error" : "warning", make("summary", "", title), findingList(found));
    box.open = errors.length > 0;
    return byId("findings").replaceChildren(box);
  }

  // ---- choosing

  function choose(next, fromInput) {
    const typedBefore = !listed.has(state.environment) && state.environment;
    Object.assign(state, next);
    const typedNow = !listed.has(state.environment) && state.environment;
    if (typedBefore || typedNow) draw();
    else light();
    if (!fromInput) byId("environment").value = state.environment;
    explain();
    const query = new URLSearchParams();
    if (state.environment) query.set("env", state.environment);
    if (state.service) query.set("service", state.service);
    history.replaceState(null, "", query.size ? `#${query}` : location.pathname + location.search);
  }

  function fromHash() {
    const query = new URLSearchParams(location.hash.slice(1));
    const service = query.get("service") || "";
    choose({ environment: query.get("env") || "", service: names.includes(service) ? service : "" });
  }

  function show(place) {
    state.side = place;
    byId("after").setAttribute("aria-pressed", String(place === 0));
    byId("before").setAttribute("aria-pressed", String(place === 1));
    draw();
    showFindings();
    explain();
  }

  function pick(element) {
    const line = element.closest("tr");
    const place = element.cellIndex - 1;
    const row = line.parentElement === grid.tHead ? null : rows[line.sectionRowIndex];
    if (row && place >= 0) choose({ environment: row.name, service: columns[place] });
    else if (row) choose({ environment: row.name === state.environment ? "" : row.name, service: "" });
    else if (place >= 0) choose({ service: columns[place] === state.service ? "" : columns[place] });
  }

  // ---- keyboard and mouse

  grid.addEventListener("click", (event) => {
    const element = event.target.closest("td, th");
    if (element) { focusOn(element); pick(element); }
  });

  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  byId("grid-frame").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    if (event.key === "Enter" && focused) pick(focused);
    else if (step) move(step);
    else return;
    event.preventDefault();
  });

  function move([down, right]) {
    const line = focused ? focused.parentElement.rowIndex + down : 1;
    const place = focused ? focused.cellIndex + right : 0;
    const row = grid.rows[Math.max(0, Math.min(line, grid.rows.length - 1))];
    focusOn(row.cells[Math.max(0, Math.min(place, row.cells.length - 1))]);
  }

  function focusOn(element) {
    if (focused) focused.removeAttribute("tabindex");
    focused = element;
    const row = rows[element.parentElement.sectionRowIndex];
    const service = side().byName.get(columns[element.cellIndex - 1]);
    if (element.tagName === "TD" && service) {
      const found = who(service, row.name);
      const said = found === row.name ? "its own pods" : found === null ? unmatched(service) : `${found} answers`;
      element.setAttribute("aria-label", clean(`${nameOf(service)}, ${row.name}: ${said}`));
    }
    element.tabIndex = -1;
    element.focus();
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.tagName === "INPUT" && event.target.type !== "checkbox";
    if (event.key === "Escape") {
      byId("search").value = "";
      const redraw = state.search !== "";
      Object.assign(state, { search: "" });
      if (redraw) draw();
      choose({ environment: "", service: "" });
    } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && (event.key === "/" || event.key === "e")) {
      byId(event.key === "/" ? "search" : "environment").focus();
      event.preventDefault();
    }
  });

  byId("environment").addEventListener("input", (event) => choose({ environment: event.target.value.trim() }, true));
  byId("search").addEventListener("input", (event) => {
    state.search = event.target.value;
    draw();
    explain();
  });
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    if (document.activeElement === byId("search") && columns.length) choose({ service: columns[0] });
  });
  byId("changed").addEventListener("change", (event) => {
    state.onlyChanged = event.target.checked;
    draw();
    explain();
  });
  byId("after").addEventListener("click", () => show(0));
  byId("before").addEventListener("click", () => show(1));
  addEventListener("hashchange", fromHash);

  // Paper cannot scroll: the Services stand in several tables below one another.
  addEventListener("beforeprint", () => {
    const pages = make("div");
    pages.id = "printed";
    for (let start = 0; start < columns.length; start += PRINTED) {
      pages.append(make("table", "printed", tableParts(columns.slice(start, start + PRINTED), rows)));
    }
    byId("grid-frame").append(pages);
  });
  addEventListener("afterprint", () => byId("printed")?.remove());

  byId("known").append(...data.environments.map((one) => {
    const option = document.createElement("option");
    option.value = one.name;
    return option;
  }));
  byId("sides").hidden = byId("only").hidden = sides.length < 2;
  byId("changed").checked = state.onlyChanged;
  grid.setAttribute("role", "grid");
  draw();
  grid.after(lines);
  showFindings();
  fromHash();
})();
