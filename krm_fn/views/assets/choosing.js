// Choosing an environment and a Service, and the address that keeps the choice.

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
