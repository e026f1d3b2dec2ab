// What the plan says, and the same rule for values that nobody carries.

const data = JSON.parse(document.getElementById("data").textContent);
const ROW = 28; // pixels, as page.css has it
const NARROW = 28; // pixels of a column that shows a sign only
const ABOVE = 280; // pixels of the window that the page's head and the grid's take at least
const MARGIN = 6; // rows and columns that are drawn around what is seen
const WIDE = 130; // pixels of a column that names who answers, where there is room for all
const LISTED = 40; // Services of a group that are listed before it is opened
const PRINTED = 32; // Services beside one another on paper
const byId = (id) => document.getElementById(id);

const nameOf = (one) => (one.namespace ? `${one.namespace}/${one.name}` : one.name);
const environments = data.environments.map((one) => one.name);
const sides = data.sides.map((side) => ({ ...side, byName: new Map(side.services.map((one) => [nameOf(one), one])) }));
const listed = new Map(data.environments.map((one, place) => [one.name, place]));
const names = data.names;
const changed = new Set((data.changes || []).map((one) => one.service));
// What running proxies do otherwise (krm_fn/views/page.py, Overlay), by Service.
const mesh = new Map();
for (const one of data.mesh.flatMap((proxy) => proxy.cells)) mesh.set(one.service, [...(mesh.get(one.service) || []), one]);
const meshAt = (service, value) => (mesh.get(service) || []).filter((one) => (one.value || "") === value);
const state = { side: 0, environment: "", service: "", search: "", onlyChanged: changed.size > 0 };

// A Service as page.py shortened it, in full: only the one that is looked at needs to be.
function inFull(service) {
  if (service.full) return service.full;
  const now = data.sides.findIndex((one) => one.services.includes(service));
  const { settings, known, ports, texts } = data.sides[now];
  const workload = ([kind, name, file, namespace = service.namespace || ""]) =>
    ({ kind: texts[kind], name, file: texts[file], namespace });
  const set = settings[service.settings];
  const route = (one) => (Array.isArray(one)
    ? { environment: one[0], exact: one[1], prefix: one[2] }
    : { environment: environments[one], exact: [environments[one]], prefix: environments[one] + set.splitter });
  service.full = {
    namespace: "", file: "", exception: "", ...service, ...set,
    known: new Set(known[service.known].map((place) => environments[place])),
    ports: ports[service.ports].map(([number, name, rule]) => ({ number, name, rule })),
    own: new Map(service.own.map(([place, found]) => [environments[place], found.map(workload)])),
    absent: new Map((service.absent || []).map(([name, found, why]) =>
      [name, found.map((one, place) => ({ ...workload(one), absent: why[place] }))])),
    routes: service.routes.map(route),
  };
  return service.full;
}

function levels(name, splitter) {
  const parts = name.split(splitter);
  return parts.map((_, count) => parts.slice(0, parts.length - count).join(splitter));
}

// As ServicePlan.answer in krm_fn/plan/answers.py; tests/views compares the two over random trees.
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
  if (place !== undefined) {
    const owner = service.answers.charCodeAt(place) - 48;
    return owner < 0 ? null : environments[service.own[owner][0]];
  }
  if (service.always || service.byCaller) return service.baseAnswer && !anyPod(service) ? service.baseAnswer : null;
  return answer(inFull(service), environment).environment;
}

const anyPod = (service) => service.otherwise === "any pod";

function routeOf(service, value) {
  const takes = (one) => one.exact.includes(value) || (one.prefix && value.startsWith(one.prefix));
  return value ? service.routes.find(takes) : undefined;
}

const splitterOf = () => (side().settings.length ? side().settings[0].splitter : ".");

// Digits count things on purpose: who asks for pr-132 does not mean pr-123.
const letters = (name) => name.replace(/\d+/g, "0");

function nearest(value) {
  const close = environments.filter((name) => letters(name) !== letters(value)).map((name) => [distance(name, value), name]).sort((a, b) => a[0] - b[0])[0];
  if (!close || close[0] > Math.max(2, value.length / 4)) return "";
  const splitter = splitterOf();
  return value.startsWith(close[1] + splitter) ? "" : close[1]; // who asks for a.b.me knows a.b
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
