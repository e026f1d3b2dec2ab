// The grid: environments as rows, Services as columns, a line from the chosen row to who answers.

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
  const splitter = splitterOf();
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
  frame.style.setProperty("--head", `${headHeight()}px`);
  frame.style.setProperty("--column", `${width}px`);
  grid.style.width = `calc(var(--names) + ${columns.length * width}px)`;
  grid.setAttribute("aria-rowcount", rows.length + 1);
  grid.setAttribute("aria-colcount", columns.length + 1);
  active = null;
  drawPart(around(1)); // the margin can wait until somebody scrolls
  summarize();
}

// Where all Services are of one namespace, that stands once, in the corner.
const spaces = new Set(names.map((name) => name.slice(0, name.indexOf("/") + 1)));
const space = spaces.size === 1 ? [...spaces][0] : "";
const SMALL = 20; // letters of a name from which on it is written smaller

// The two lines of a column's head: the namespace, if it is not everybody's, and the name.
function headLines(name) {
  const slash = name.indexOf("/") + 1;
  return slash && !space ? [name.slice(0, slash), name.slice(slash)] : [name.slice(space.length)];
}

// The height that shows the longest name: Kubernetes allows 63 letters, and a namespace of as many.
function headHeight() {
  const heads = columns.map(headLines);
  const longest = heads.reduce((most, lines) => Math.max(most, ...lines.map((line) => line.length)), 0);
  const rows = (lines) => lines.reduce((sum, line) => sum + Math.ceil(line.length / 12), 0);
  if (width === WIDE) return Math.min(20 * heads.reduce((most, lines) => Math.max(most, rows(lines)), 1) + 16, 280);
  return Math.min(Math.max(longest * (longest > SMALL ? 7.2 : 8.5) + 20, 96), 480);
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
  const element = make("th", "corner", space ? `${space.slice(0, -1)} · environment` : "environment");
  element.scope = "col";
  return element;
}

function columnHead(name) {
  const lines = headLines(name);
  const kind = lines.length > 1 ? "two" : lines[0].length > SMALL ? "long" : "";
  const parts = lines.map((line, place) => bdi(line, place < lines.length - 1 ? "space" : ""));
  const element = make("th", "column", make("span", kind, parts));
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
  const said = (service, value) => (service ? who(service, value) ?? service.otherwise : undefined);
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
    : found === null ? (anyPod(service) ? ["any", "∗"] : ["none", "✕"])
    : found === service.baseAnswer ? ["base", "↑"]
    : ["up", "↑"];
  const odd = meshAt(nameOf(service), environment);
  const over = odd.some((one) => one.differs) ? " differs" : odd.length ? " untold" : "";
  element.className = (moved(environment) ? `${kind} moved` : kind) + over;
  if (odd.length) element.title = clean(odd.map((one) => one.text).join("\n"));
  element.textContent = width === WIDE && kind !== "pod" ? `${glyph} ${clean(found || service.otherwise)}` : glyph;
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

// What stands in place of a grid without columns.
function emptiness() {
  if (columns.length) return [];
  if (state.search) return ["No Service is called ", make("code", "", state.search), ". ", make("kbd", "", "Esc"), " shows all."];
  if (names.length) return ["No answer of a Service changes."];
  const label = side().label;
  return ["No Service of this list takes part: none has pods that name an environment. Put the label ",
    make("code", "", `${label}: dev`), " on the pod templates of the base, and ", make("code", "", `${label}: dev.NAME`),
    " on those of an environment."];
}

function summarize() {
  byId("empty").replaceChildren(...emptiness().map((part) => (typeof part === "object" ? part : clean(part))));
  grid.hidden = byId("legend").hidden = byId("keys").hidden = !columns.length;
  const hidden = names.length - columns.length;
  const counts = [
    `${columns.length} Service${columns.length === 1 ? "" : "s"}`,
    hidden ? ` (${hidden} hidden)` : "",
    ` × ${data.environments.length} environments`,
  ];
  byId("summary").textContent = counts.join("");
}
