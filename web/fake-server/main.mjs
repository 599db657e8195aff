/**
 * A small stand-in for the server: the same routes and stream, no models. For tests of the editor and for working on it.
 *
 *   node fake-server/main.mjs --port 8300 [--static ../server/static] [--slow 1]
 *
 * A node whose `prompt` contains "fail" fails; results are cached by what they are made of, so a second run is cached.
 */
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { join, normalize, extname, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { Simulation } from "./simulation.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const port = Number(option("port", "8300"));
const root = option("static", join(here, "../../server/static"));
const simulation = new Simulation(JSON.parse(await readFile(join(here, "node-types.json"), "utf8")), Number(option("slow", "1")));
const workflows = new Map();
const uploads = new Map();

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".mp4": "video/mp4", ".json": "application/json" };

function json(response, status, data) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(data));
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function sendFile(request, response, bytes, type) {
  const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "");
  if (!range) {
    response.writeHead(200, { "content-type": type, "content-length": bytes.length, "accept-ranges": "bytes" });
    return response.end(bytes);
  }
  const start = Number(range[1]);
  const end = Math.min(range[2] ? Number(range[2]) : Number.POSITIVE_INFINITY, bytes.length - 1);
  response.writeHead(206, { "content-type": type, "content-range": `bytes ${start}-${end}/${bytes.length}`, "content-length": end - start + 1, "accept-ranges": "bytes" });
  return response.end(bytes.subarray(start, end + 1));
}

async function api(request, response, url) {
  const path = url.pathname.slice("/api/".length);
  const [head, id, action] = path.split("/").map(decodeURIComponent);
  if (path === "health") return json(response, 200, { status: "ok", version: "fake", uptime: 1 });
  if (path === "node-types") return json(response, 200, { node_types: simulation.types, revision: "fake", plugin_errors: [] });
  if (path === "burst" && request.method === "POST") return json(response, 202, simulation.burst(JSON.parse(await body(request))));
  if (path === "burst") return json(response, 200, { sent: simulation.sent });
  if (path === "models") return json(response, 200, { models: [{ name: "mini", size: 1, modified: 0, format: "safetensors", tensors: 1, error: "" }] });
  if (path === "plan") return json(response, 200, simulation.plan(JSON.parse(await body(request)).workflow));
  if (path === "jobs" && request.method === "POST") {
    const asked = JSON.parse(await body(request));
    const problems = simulation.check(asked.workflow);
    if (problems.length > 0) return json(response, 422, { error: "invalid_workflow", message: "not valid", problems });
    return json(response, 202, simulation.accept(asked));
  }
  if (path === "jobs") return json(response, 200, simulation.page());
  if (head === "jobs" && action) return json(response, 200, simulation.act(id, action));
  if (head === "jobs") return json(response, simulation.jobs.has(id) ? 200 : 404, simulation.jobs.get(id) ?? { error: "not_found", message: "no such job" });
  if (head === "workflows" && !id) return json(response, 200, { workflows: [...workflows.keys()].map((name) => ({ name, version: 1, saved: 0, size: 0, autosave: false })) });
  if (head === "workflows" && request.method === "PUT") {
    workflows.set(id, JSON.parse(await body(request)));
    return json(response, 200, { name: id, version: 1, saved: Date.now() / 1000, size: 0, autosave: false });
  }
  if (head === "workflows" && action === "versions") return json(response, 200, { workflows: [{ name: id, version: 1, saved: Date.now() / 1000, size: 0, autosave: true }] });
  if (head === "workflows") return json(response, workflows.has(id) ? 200 : 404, workflows.get(id) ?? { error: "not_found", message: "no such workflow" });
  if (path === "uploads") {
    const name = /filename="([^"]+)"/.exec((await body(request)).toString("latin1"))?.[1] ?? "file";
    uploads.set(name, true);
    return json(response, 201, { name, url: `/api/files/inputs/${name}`, media_type: "application/octet-stream", size: 1 });
  }
  if (path === "files") return json(response, 200, simulation.files(url.searchParams));
  if (head === "files") return sendFile(request, response, await readFile(join(here, "media", path.includes("second") ? "second.mp4" : "first.mp4")), "video/mp4");
  return json(response, 404, { error: "not_found", message: "no such route" });
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  try {
    if (url.pathname.startsWith("/api/")) return await api(request, response, url);
    const path = normalize(url.pathname === "/" ? "/index.html" : url.pathname);
    return sendFile(request, response, await readFile(join(root, path)), TYPES[extname(path)] ?? "application/octet-stream");
  } catch (error) {
    return json(response, error.code === "ENOENT" ? 404 : 500, { error: "failed", message: String(error) });
  }
});

const sockets = new WebSocketServer({ server, path: "/api/stream" });
sockets.on("connection", (socket, request) => {
  const after = Number(new URL(request.url, "http://localhost").searchParams.get("after") ?? simulation.n);
  for (const event of simulation.events.filter((candidate) => candidate.n > after)) socket.send(JSON.stringify(event));
  const stop = simulation.listen((frame) => socket.readyState === socket.OPEN && socket.send(frame));
  socket.on("close", stop);
});
server.listen(port, "127.0.0.1", () => console.log(`fake server on http://127.0.0.1:${port}`));
