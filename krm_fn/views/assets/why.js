// The panel: who answers, and why; what changes; findings.

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

const base = () => (side().settings.length ? side().settings[0].base : "");

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

const unmatched = (service) => (anyPod(service) ? "any pod" : `nobody: ${service.otherwise}`);

function aboutService(short) {
  const service = inFull(short);
  const parts = [make("h2", "", bdi(nameOf(service)))];
  const value = state.environment;
  const found = value || service.always || service.byCaller ? who(short, value) : service.baseAnswer || null;
  const asked = service.always ? ["every connection"]
    : service.byCaller ? (value ? ["connection from a pod of ", bdi(value)] : ["connection from any other pod"])
    : value ? ["request of ", bdi(value)] : ["request without an environment"];
  const target = found === null ? bdi(unmatched(service), "none") : bdi(found, "pod");
  parts.push(make("p", "verdict", asked, " → ", target));
  const bent = side().findings.filter((one) => one.about.includes(`Service/${service.namespace}/${service.name}`));
  if (bent.length) parts.push(make("p", "note bent", "It is reached past its routes, too: ", `${bent.length} below.`));
  if (!(service.always && anyPod(service))) {
    parts.push(make("ol", "levels", answer(service, service.always ? "" : value).levels.map(levelItem)));
  }
  if (service.exception) parts.push(make("p", "note", service.exception));
  parts.push(make("h3", "", "Route"), make("p", "", service.notRouted ? "none is needed or possible" : routeText(service, value)));
  parts.push(make("h3", "", "Ports"), make("ul", "", service.ports.map((port) =>
    make("li", "", `${port.number} `, bdi(port.name || "unnamed"), `: ${port.rule}`))));
  parts.push(make("h3", "", "Pods of its own"), make("ul", "", [...service.own].map(([name, pods]) =>
    make("li", "", button(name, () => choose({ environment: name }), "link"), ": ", podsText(pods)))));
  parts.push(...meshOf(service, value), ...findingsOf(service));
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
  return `${route.environment}: ${[service.header, ...service.aliases].join(" or ")} is ${route.exact.join(" or ")}${below}`;
}

function meshOf(service, value) {
  const found = value ? meshAt(nameOf(service), value) : mesh.get(nameOf(service)) || [];
  return found.length ? [make("h3", "", "In the mesh"), meshList(found)] : [];
}

const meshList = (found) =>
  make("ul", "findings", found.map((one) => make("li", one.differs ? "error" : "warning", bdi(one.text))));

function meshOverview() {
  const parts = data.mesh.length ? [make("h2", "", "In the mesh")] : [];
  for (const proxy of data.mesh) {
    const items = proxy.cells.slice(0, LISTED).map((one) => make("li", one.differs ? "error" : "warning",
      button(`${one.service}: ${one.text}`, () => choose({ environment: one.value || "", service: one.service }), "link")));
    const more = proxy.cells.length - items.length;
    if (more > 0) items.push(make("li", "info", `and ${more} more`));
    parts.push(make("p", "note", proxy.summary), make("ul", "findings", items));
  }
  return parts;
}

function findingsOf(service) {
  const pods = [...service.own.values(), ...service.absent.values()].flat();
  const places = new Set([
    `Service/${service.namespace}/${service.name}`,
    ...pods.map((one) => `${one.kind}/${one.namespace}/${one.name}`),
  ]);
  const found = side().findings.filter((one) => [...one.places, ...one.about].some((place) => places.has(place)));
  return found.length ? [make("h3", "", "Findings"), findingList(found)] : [];
}

const findingList = (found) =>
  make("ul", "findings", found.map((one) => make("li", one.severity, bdi(one.text))));

function overview() {
  const parts = [];
  if (data.changes) parts.push(...changeList());
  else if (names.length) parts.push(make("p", "note", "Choose an environment, a Service, or a cell between them. ",
    "Or type any value: also one that no pod carries."));
  parts.push(...meshOverview());
  const apart = side().apart;
  if (apart.length) {
    const list = make("ul", "", apart.map((one) => make("li", "", bdi(nameOf(one)), ` ${one.reason}`)));
    parts.push(make("details", "", make("summary", "", `${apart.length} without a part`), list));
  }
  return parts;
}

function changeList() {
  if (!data.changes.length) return [make("p", "note", "No answer changes.")];
  const parts = [make("h2", "", "What changes")];
  for (const heading of new Set(data.changes.map((one) => one.heading))) {
    const items = data.changes.filter((one) => one.heading === heading).map(changeItem);
    parts.push(make("h3", "", heading), make("ul", "findings changes", items));
  }
  return parts;
}

function changeItem(change) {
  const environment = change.values.find((value) => value !== null) || "";
  const loud = change.kind === "base" || change.losesAnswer;
  return make("li", loud ? "error" : "info",
    button(change.sentence, () => choose({ environment, service: change.service }), "link"));
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
