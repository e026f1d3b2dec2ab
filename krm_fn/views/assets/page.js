"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const ROW = 28; // pixels, as page.css has it
  const NARROW = 28; // pixels of a column that shows a sign only
  const ABOVE = 280; // pixels of the window that the page's head and the grid's take at least
  const MARGIN = 6; // rows and columns that are drawn around what is seen
  const WIDE = 130; // pixels of a column that names who answers, where there is room for all
  const LISTED = 40; // Services of a group that are listed before it is opened
  const PRINTED = 32; // Services beside one another on paper
  const byId = (id) => document.getElementById(id);

  // ---- the model: what the plan says, and the same rule for values that nobody carries

  const nameOf = (one) => (one.namespace ? `${one.namespace}/${one.name}` : one.name);
  const sides = data.sides.map((side) => {
    const known = side.known.map((one) => new Set(one));
    return { ...side, byName: new Map(side.services.map((one) => [nameOf(one), prepared(one, known)])) };
  });
  const listed = new Map(data.environments.map((one, place) => [one.name, place]));
  const names = data.names;
  const changed = new Set((data.changes || []).map((one) => one.service));
  const state = { side: 0, environment: "", service: "", search: "", onlyChanged: changed.size > 0 };

  function prepared(service, known) {
    return {
      ...service,
      own: new Map(Object.entries(service.own)),
      absent: new Map(Object.entries(service.absent)),
      known: known[service.known],
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
    /^[ -~]*$/.test(text) ? String(text) : String(text).replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);

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
  const frame = byId("grid-frame");
  const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  lines.append(path);
  lines.setAttribute("aria-hidden", "true");
  let columns = []; // the names of all Services that the search leaves
  let rows = []; // all environments, and the typed one
  let width = NARROW;
  let drawn = null; // the part of columns and rows that stands in the table
  let active = null; // the place of the cell that the keyboard is at: row and column, -1 for the heads

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

  // Draw all anew. Only what can be seen and a margin around it becomes elements: thousands of cells are slow.
  function draw() {
    columns = visible();
    rows = shownRows();
    width = namesWidth() + columns.length * WIDE <= frame.clientWidth ? WIDE : NARROW;
    frame.classList.toggle("roomy", width === WIDE);
    frame.style.setProperty("--column", `${width}px`);
    grid.style.width = `calc(var(--names) + ${columns.length * width}px)`;
    grid.setAttribute("aria-rowcount", rows.length + 1);
    grid.setAttribute("aria-colcount", columns.length + 1);
    active = null;
    drawPart(around(MARGIN));
    summarize();
  }

  const namesWidth = () => parseFloat(getComputedStyle(lines).left) || 0;

  // The part that can be seen, and so many rows and columns around it.
  function around(margin) {
    const part = (from, length, all) => [Math.max(0, from - margin), Math.min(all, from + length + margin)];
    const room = frame.clientWidth - namesWidth();
    const across = part(Math.floor(frame.scrollLeft / width), Math.ceil(room / width), columns.length);
    const down = part(Math.floor(frame.scrollTop / ROW), Math.ceil((innerHeight - ABOVE) / ROW), rows.length);
    return { left: across[0], right: across[1], top: down[0], bottom: down[1] };
  }

  function drawPart(part) {
    drawn = part;
    const [head, body] = tableParts(columns.slice(part.left, part.right), rows.slice(part.top, part.bottom));
    const gaps = [part.left * width, (columns.length - part.right) * width];
    for (const line of [...head.rows, ...body.rows]) {
      if (gaps[0]) line.cells[0].after(gap("td", "width", gaps[0]));
      if (gaps[1]) line.append(gap("td", "width", gaps[1]));
    }
    if (part.top) body.prepend(gap("tr", "height", part.top * ROW));
    if (part.bottom < rows.length) body.append(gap("tr", "height", (rows.length - part.bottom) * ROW));
    grid.tHead.replaceWith(head);
    grid.tBodies[0].replaceWith(body);
    light();
  }

  function gap(tag, property, size) {
    const element = make(tag, "gap");
    element.setAttribute("aria-hidden", "true");
    element.style[property] = `${size}px`;
    return element;
  }

  function scrolled() {
    const near = around(MARGIN / 2);
    const across = drawn.left <= near.left && drawn.right >= near.right;
    if (!across || drawn.top > near.top || drawn.bottom < near.bottom) drawPart(around(MARGIN));
  }

  function tableParts(services, environments) {
    const head = make("thead", "", make("tr", "", corner(), services.map(columnHead)));
    const body = make("tbody");
    const found = services.map((name) => [side().byName.get(name), movedOf(name)]);
    for (const row of environments) {
      const line = make("tr", row.typed ? "typed" : "", rowHead(row));
      line.append(...found.map(([service, moved]) => cell(service, row.name, moved)));
      body.append(line);
    }
    return [head, body];
  }

  // The element at a place of the grid, if it is drawn.
  function elementAt(row, column) {
    const outside = (place, from, to) => place >= 0 && (place < from || place >= to);
    if (outside(row, drawn.top, drawn.bottom) || outside(column, drawn.left, drawn.right)) return null;
    const line = row < 0 ? grid.tHead.rows[0] : grid.tBodies[0].rows[row - drawn.top + (drawn.top ? 1 : 0)];
    return line.cells[column < 0 ? 0 : column - drawn.left + (drawn.left ? 2 : 1)];
  }

  function placeOf(element) {
    const line = element.parentElement;
    const column = element.cellIndex ? element.cellIndex - (drawn.left ? 2 : 1) + drawn.left : -1;
    const inBody = line.parentElement === grid.tBodies[0];
    return { row: inBody ? line.sectionRowIndex - (drawn.top ? 1 : 0) + drawn.top : -1, column };
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
    const element = make("th", row.depth ? "row child" : "row", bdi(row.name));
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
    element.textContent = width === WIDE && kind !== "pod" ? `${glyph} ${clean(found || unmatched(service))}` : glyph;
    return element;
  }

  // Light up the chosen row, the cells that answer it, and a line to each of them.
  function light() {
    for (const element of grid.querySelectorAll(".chosen, .answers, .here")) {
      element.classList.remove("chosen", "answers", "here");
    }
    const at = rows.findIndex((row) => row.name === state.environment);
    const column = columns.indexOf(state.service);
    if (at >= 0) elementAt(at, -1)?.parentElement.classList.add("chosen");
    if (column >= 0) elementAt(-1, column)?.classList.add("chosen");
    if (at >= 0 && column >= 0) elementAt(at, column)?.classList.add("here");
    const parts = [];
    for (let place = drawn.left; at >= 0 && place < drawn.right; place++) parts.push(lineTo(place, at));
    path.setAttribute("d", parts.join(""));
    lines.setAttribute("width", columns.length * width);
    lines.setAttribute("height", rows.length * ROW);
    showActive();
  }

  function lineTo(place, at) {
    const service = side().byName.get(columns[place]);
    const found = service && who(service, state.environment);
    const target = rows.findIndex((row) => row.name === found);
    if (target < 0) return "";
    elementAt(target, place)?.classList.add("answers");
    if (target === at) return "";
    const x = place * width + NARROW / 2;
    const sign = target < at ? 1 : -1;
    const tip = (target + 0.5) * ROW + sign * 9;
    return `M${x} ${(at + 0.5) * ROW - sign * 9}V${tip}m-4 ${sign * 5}l4 ${-sign * 5}l4 ${sign * 5}`;
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
    // Its own pods first, what the base answers last: that is the longest and the least surprising.
    const rank = ([key]) => (key === state.environment ? 0 : key === base() ? 2 : 1);
    for (const [key, services] of [...groups].sort((a, b) => rank(a) - rank(b))) parts.push(group(key, services));
    return parts;
  }

  const base = () => (side().services.length ? side().services[0].base : "");

  function group(key, services) {
    const title = key === state.environment ? "its own pods" : key;
    const section = make("details", "group", make("summary", "", bdi(title), ` · ${services.length}`));
    section.dataset.answer = key;
    section.dataset.services = JSON.stringify(services);
    const fill = () => {
      if (!section.open || section.children.length > 1) return;
      section.append(make("ul", "chips", services.map((name) =>
        make("li", "", button(name, () => choose({ service: name }), "chip")))));
    };
    section.addEventListener("toggle", fill);
    section.open = services.length <= LISTED;
    fill();
    return section;
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
    if (!location.hash) return explain();
    const query = new URLSearchParams(location.hash.slice(1));
    const service = query.get("service") || "";
    return choose({ environment: query.get("env") || "", service: names.includes(service) ? service : "" });
  }

  function show(place) {
    state.side = place;
    byId("after").setAttribute("aria-pressed", String(place === 0));
    byId("before").setAttribute("aria-pressed", String(place === 1));
    draw();
    showFindings();
    explain();
  }

  function pick({ row, column }) {
    const environment = row < 0 ? "" : rows[row].name;
    const service = column < 0 ? "" : columns[column];
    if (environment && service) choose({ environment, service });
    else if (environment) choose({ environment: environment === state.environment ? "" : environment, service: "" });
    else if (service) choose({ service: service === state.service ? "" : service });
  }

  // ---- keyboard and mouse

  grid.addEventListener("click", (event) => {
    const element = event.target.closest("td, th");
    if (!element || element.classList.contains("gap")) return;
    active = placeOf(element);
    pick(active);
  });

  const STEPS = {
    ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
    PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -Infinity], End: [0, Infinity],
  };

  grid.addEventListener("focus", () => {
    active ||= { row: 0, column: -1 };
    showActive();
  });

  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    if ((event.key === "Enter" || event.key === " ") && active) pick(active);
    else if (step) move(step);
    else return;
    event.preventDefault();
  });

  function move([down, right]) {
    const clamped = (place, all) => Math.max(-1, Math.min(place, all - 1));
    const from = active || { row: 0, column: -1 };
    active = { row: clamped(from.row + down, rows.length), column: clamped(from.column + right, columns.length) };
    bringIntoView(active);
    scrolled();
    showActive();
  }

  function bringIntoView({ row, column }) {
    const head = grid.tHead.offsetHeight;
    const fit = (scroll, from, to, room) => (from < scroll ? from : to > scroll + room ? to - room : scroll);
    if (row >= 0) frame.scrollTop = fit(frame.scrollTop, row * ROW, (row + 1) * ROW, frame.clientHeight - head);
    const room = frame.clientWidth - namesWidth();
    if (column >= 0) frame.scrollLeft = fit(frame.scrollLeft, column * width, (column + 1) * width, room);
  }

  // The grid itself keeps the focus; the cell that it is at is named to assistive technology.
  function showActive() {
    document.getElementById("active")?.removeAttribute("id");
    grid.querySelector(".active")?.classList.remove("active");
    const element = active && elementAt(active.row, active.column);
    if (!element) return grid.removeAttribute("aria-activedescendant");
    element.classList.add("active");
    element.id = "active";
    const service = side().byName.get(columns[active.column]);
    if (active.row >= 0 && service) {
      const environment = rows[active.row].name;
      const found = who(service, environment);
      const said = found === environment ? "its own pods" : found === null ? unmatched(service) : `${found} answers`;
      element.setAttribute("aria-label", clean(`${nameOf(service)}, ${environment}: ${said}`));
    }
    return grid.setAttribute("aria-activedescendant", "active");
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
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && columns.length) choose({ service: columns[0] });
  });
  byId("ask").addEventListener("submit", (event) => event.preventDefault());
  byId("changed").addEventListener("change", (event) => {
    state.onlyChanged = event.target.checked;
    draw();
    explain();
  });
  byId("after").addEventListener("click", () => show(0));
  byId("before").addEventListener("click", () => show(1));
  addEventListener("hashchange", fromHash);
  addEventListener("resize", draw);
  frame.addEventListener("scroll", scrolled, { passive: true });

  // Paper cannot scroll: the Services stand in several tables below one another.
  addEventListener("beforeprint", () => {
    const pages = make("div");
    pages.id = "printed";
    for (let start = 0; start < columns.length; start += PRINTED) {
      pages.append(make("table", "printed", tableParts(columns.slice(start, start + PRINTED), rows)));
    }
    frame.append(pages);
  });
  addEventListener("afterprint", () => byId("printed")?.remove());

  byId("known").append(...data.environments.map((one) => {
    const option = document.createElement("option");
    option.value = one.name;
    return option;
  }));
  byId("sides").hidden = byId("only").hidden = sides.length < 2;
  byId("changed").checked = state.onlyChanged;
  grid.after(lines);
  draw();
  showFindings();
  fromHash();
})();
