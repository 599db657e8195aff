/** Jobs that pretend: nodes run in order, the sampler shows previews, savers give a sample video. */
import { picture } from "./picture.mjs";

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Simulation {
  constructor(types, slow) {
    this.types = types;
    this.slow = slow;
    this.byId = new Map(types.map((type) => [type.id, type]));
    this.jobs = new Map();
    this.events = [];
    this.listeners = new Set();
    this.cache = new Set();
    this.queue = Promise.resolve();
    this.n = 0;
    this.sent = 0;
  }

  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(event) {
    this.n += 1;
    const numbered = { n: this.n, ...event };
    if (event.type !== "node_progress") this.events.push(numbered);
    for (const listener of this.listeners) listener(JSON.stringify(numbered));
  }

  preview(job, node, step) {
    const header = Buffer.from(JSON.stringify({ job, node, media_type: "image/png" }));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(header.length);
    const frame = Buffer.concat([length, header, picture(96, 64, step)]);
    for (const listener of this.listeners) listener(frame);
  }

  /** Nodes in an order in which they can run, and a text for each that stands for its key. */
  order(workflow, targets) {
    const edges = workflow.edges ?? [];
    const into = (id) => edges.filter((edge) => edge.to[0] === id);
    const keys = new Map();
    const visit = (id) => {
      if (keys.has(id) || !workflow.nodes[id]) return;
      keys.set(id, "");
      for (const edge of into(id)) visit(edge.from[0]);
      keys.delete(id);
      const { type, values } = workflow.nodes[id];
      keys.set(id, JSON.stringify([type, values, into(id).map((edge) => [edge.to[1], keys.get(edge.from[0]), edge.from[1]])]));
    };
    const wanted = targets ?? Object.keys(workflow.nodes).filter((id) => this.byId.get(workflow.nodes[id].type)?.output);
    for (const id of wanted) visit(id);
    return keys;
  }

  check(workflow) {
    const problems = [];
    for (const [id, { type, values, mode }] of Object.entries(workflow.nodes)) {
      const info = this.byId.get(type);
      if (!info || mode) continue;
      const wired = new Set((workflow.edges ?? []).filter((edge) => edge.to[0] === id).map((edge) => edge.to[1]));
      for (const input of info.inputs) {
        if (input.required && !wired.has(input.name) && !(input.name in values)) {
          problems.push({ code: "missing", node: id, socket: input.name, message: `${input.name} is needed`, given: "", wanted: input.type.name, example: null });
        }
      }
    }
    return problems;
  }

  plan(workflow) {
    const problems = this.check(workflow);
    const steps = [...this.order(workflow)].map(([node, key]) => ({
      node,
      type: workflow.nodes[node].type,
      key: "",
      status: this.cache.has(key) ? "cached" : "run",
      where: this.cache.has(key) ? "memory" : "",
      reason: this.cache.has(key) ? "" : "has not run before",
      reasons: this.cache.has(key) ? [] : [{ code: "first_run", params: {} }],
      seconds: 0.4,
      nbytes: 1000,
    }));
    const latents = Object.entries(workflow.nodes).filter(([, node]) => node.type === "NoiseLatent");
    const facts = Object.fromEntries(latents.map(([id]) => [id, { latent: { width: 64, height: 64, frames: 17, family: "mini" } }]));
    return { steps, targets: [], run: steps.length, cached: 0, seconds: 1, unknown_seconds: 0, nbytes: 0, facts, problems };
  }

  summary(job) {
    const rest = { ...job };
    delete rest.workflow;
    delete rest.targets;
    return rest;
  }

  page() {
    return { jobs: [...this.jobs.values()].map((job) => this.summary(job)).reverse(), total: this.jobs.size, n: this.n };
  }

  /** As the real server: every word stands in the file's name, or in what the workflow of its job says. */
  files(query) {
    const words = (query.get("search") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const says = (job, file) => `${file.path} ${job.title} ${JSON.stringify(job.workflow)}`.toLowerCase();
    const files = [...this.jobs.values()]
      .flatMap((job) => job.outputs.filter((file) => words.every((word) => says(job, file).includes(word))))
      .filter((file) => file.media_type.startsWith(query.get("kind") ?? ""))
      .reverse();
    return { files, total: files.length };
  }

  accept({ workflow, targets, client }) {
    const id = `job-${this.jobs.size + 1}`;
    const job = {
      id, state: "queued", title: workflow.meta?.title ?? "", client: client ?? "", priority: 0, created: Date.now() / 1000, started: null, finished: null,
      attempts: 0, seconds: null, nodes_run: null, nodes_cached: null, peak_memory: null, peak_device_memory: null, error: null, outputs: [], retry_of: "", fork_of: "", asked: "", workflow, targets: targets ?? null,
    };
    this.jobs.set(id, job);
    this.emit({ job: id, type: "job_queued", state: "queued", title: job.title });
    this.queue = this.queue.then(() => this.run(job)).catch((error) => console.error(error));
    return { id, n: this.n };
  }

  act(id, action) {
    const job = this.jobs.get(id);
    if (job && action === "cancel") job.cancelled = true;
    if (job && action === "retry") return this.accept(job);
    return { ok: true };
  }

  end(job, state, more = {}) {
    job.state = state;
    job.finished = Date.now() / 1000;
    job.seconds = job.finished - (job.started ?? job.finished);
    this.emit({ job: job.id, type: "job_finished", state, seconds: job.seconds, outputs: job.outputs, ...more });
  }

  async run(job) {
    if (job.cancelled) return this.end(job, "cancelled");
    job.state = "running";
    job.started = Date.now() / 1000;
    this.emit({ job: job.id, type: "job_started", state: "running" });
    for (const [node, key] of this.order(job.workflow, job.targets)) {
      if (job.cancelled) return this.end(job, "cancelled");
      const { type, values } = job.workflow.nodes[node];
      const info = this.byId.get(type);
      if (this.cache.has(key) && !info?.output) {
        this.emit({ job: job.id, type: "node_cached", node, tier: "memory" });
        continue;
      }
      this.emit({ job: job.id, type: "node_started", node });
      if (String(values?.prompt ?? "").includes("fail")) {
        const error = { code: "node_failed", message: "the prompt asks to fail", node, problems: [] };
        job.error = error;
        this.emit({ job: job.id, type: "node_failed", node, error: "ValueError", message: error.message, details: "Traceback (most recent call last):\n  ..." });
        return this.end(job, "failed", { error });
      }
      const begin = Date.now();
      if (type === "DiTSampler") await this.sample(job, node);
      else await wait(40 * this.slow);
      this.cache.add(key);
      if (info?.output) this.save(job, node);
      this.emit({ job: job.id, type: "node_finished", node, seconds: (Date.now() - begin) / 1000, nbytes: 3_145_728 });
    }
    return this.end(job, "succeeded");
  }

  /** Progress of the nodes of the latest job, so many events a second: to measure what a page bears. */
  burst({ per_second: perSecond, seconds }) {
    const job = [...this.jobs.values()].at(-1);
    const nodes = Object.keys(job?.workflow.nodes ?? {});
    const begin = Date.now();
    this.sent = 0;
    const tick = () => {
      const due = Math.min(perSecond * seconds, ((Date.now() - begin) / 1000) * perSecond);
      for (; nodes.length > 0 && this.sent < due; this.sent += 1) {
        const step = this.sent % 100;
        this.emit({ job: job.id, type: "node_progress", node: nodes[this.sent % nodes.length], step, total: 100, message: "", seconds: step / 100 });
      }
      if (due < perSecond * seconds) setTimeout(tick, 5);
    };
    tick();
    return { nodes: nodes.length };
  }

  async sample(job, node) {
    const total = 16;
    for (let step = 1; step <= total && !job.cancelled; step += 1) {
      await wait(50 * this.slow);
      this.emit({ job: job.id, type: "node_progress", node, step, total, message: "", seconds: step * 0.05 });
      if (step % 2 === 0) this.preview(job.id, node, step / total);
    }
  }

  save(job, node) {
    const name = `${job.workflow.nodes[node].values?.name ?? "video"}-${job.id}${this.jobs.size % 2 ? "" : "-second"}.mp4`;
    const file = { node, path: `outputs/${name}`, url: `/api/files/outputs/${name}`, media_type: "video/mp4", size: 10000, job: job.id, created: Date.now() / 1000 };
    job.outputs.push(file);
    this.emit({ job: job.id, type: "node_shown", node, ui: { files: [file] } });
  }
}
