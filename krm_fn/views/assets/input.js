// Keyboard and mouse, paper, and the first drawing.

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

byId("environment").addEventListener("focus", () => byId("known").append(...environments.map((name) => {
  const option = document.createElement("option");
  option.value = name;
  return option;
})), { once: true });
byId("sides").hidden = byId("only").hidden = sides.length < 2;
byId("in-mesh").hidden = !data.mesh.length;
byId("changed").checked = state.onlyChanged;
grid.after(lines);
draw();
showFindings();
fromHash();
