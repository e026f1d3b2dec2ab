// Answers who it is. A path such as /storefront is passed on: to storefront, with the path /.
const { createServer } = require("node:http");

const server = createServer(async (request, response) => {
  const [, service, ...rest] = request.url.split("/");
  const next = service ? await (await fetch(`http://${service}:8080/${rest.join("/")}`)).json() : null;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ pod: process.env.POD, next }));
});
server.listen(8080, process.env.HOST ?? "0.0.0.0");
