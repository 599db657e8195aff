/** The HTTP routes of the server. The only place that calls `fetch`. */

import type {
  ErrorBody,
  FilePage,
  ForkRequest,
  Job,
  JobAccepted,
  JobEvents,
  JobPage,
  JobRequest,
  JsonObject,
  ModelList,
  NodeTypesReply,
  PlanInfo,
  Problem,
  Uploaded,
  WireValue,
  WorkflowEntry,
  WorkflowList,
} from "./protocol";

/** The address of an API route, relative to the page. */
export function apiUrl(path: string): string {
  return new URL(`api/${path}`, document.baseURI).toString();
}

/** The server refused the workflow: every mistake, by node and socket. */
export class Refused extends Error {
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map((problem) => problem.message).join("\n"));
  }
}

/** The server answered with an error. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function request<T>(method: string, path: string, body?: unknown, init: RequestInit = {}, more: Record<string, string> = {}): Promise<T> {
  const headers: Record<string, string> = { ...more };
  const plain = body instanceof FormData || body === undefined;
  if (!plain) headers["Content-Type"] = "application/json";
  const payload = plain ? body : JSON.stringify(body);
  const reply = await fetch(apiUrl(path), { method, headers, body: payload, ...init });
  const data: unknown = await reply.json().catch(() => null);
  if (reply.ok) return data as T;
  const details = (data ?? {}) as Partial<ErrorBody>;
  if (reply.status === 422 && details.problems && details.problems.length > 0) throw new Refused(details.problems);
  throw new ServerError(reply.status, details.message ?? `${reply.status} ${reply.statusText}`);
}

export const getNodeTypes = (): Promise<NodeTypesReply> => request("GET", "node-types");
export const postJob = (job: JobRequest): Promise<JobAccepted> => request("POST", "jobs", job);
export const getJob = (id: string): Promise<Job> => request("GET", `jobs/${encodeURIComponent(id)}`);
export const getJobs = (query = ""): Promise<JobPage> => request("GET", `jobs${query}`);
export const jobAction = (id: string, action: "cancel" | "pause" | "resume" | "retry"): Promise<unknown> =>
  request("POST", `jobs/${encodeURIComponent(id)}/${action}`, {});
export const postPlan = (workflow: JsonObject, targets?: readonly string[]): Promise<PlanInfo> =>
  request("POST", "plan", { workflow, ...(targets ? { targets } : {}) });
/** Keep the first steps of a job's sampler and go on with changed values, as a new job. */
export const forkJob = (id: string, fork: ForkRequest): Promise<JobAccepted> => request("POST", `jobs/${encodeURIComponent(id)}/fork`, fork);
/** Answer the question of a node. */
export const answerNode = (id: string, node: string, answer: string): Promise<unknown> =>
  request("POST", `jobs/${encodeURIComponent(id)}/answer`, { node, answer });
/** What a wire of a workflow carries. */
export const postValue = (workflow: JsonObject, node: string, output: string, path: readonly string[]): Promise<WireValue> =>
  request("POST", "values", { workflow, node, output, path: [...path] });
/** What a wire of a job carried. */
export function getJobValue(job: string, node: string, output: string, path: readonly string[]): Promise<WireValue> {
  const query = new URLSearchParams(path.map((name): [string, string] => ["path", name])).toString();
  return request("GET", `jobs/${[job, "values", node, output].map(encodeURIComponent).join("/")}${query && `?${query}`}`);
}
export const getJobEvents = (id: string, after: number): Promise<JobEvents> =>
  request("GET", `jobs/${encodeURIComponent(id)}/events?after=${after}`);
export const deleteJob = (id: string): Promise<unknown> => request("DELETE", `jobs/${encodeURIComponent(id)}`);
export const reorderJobs = (ids: readonly string[]): Promise<unknown> => request("POST", "jobs/reorder", { ids });
export const getWorkflow = (name: string): Promise<JsonObject> => request("GET", `workflows/${encodeURIComponent(name)}`);

/**
 * Save a workflow. `version` is the one that was read: where somebody else has saved meanwhile, the server answers 412.
 * An autosave takes the place of the autosave before it.
 */
export function putWorkflow(
  name: string,
  workflow: JsonObject,
  options: { readonly version?: number; readonly autosave?: boolean; readonly keepalive?: boolean } = {},
): Promise<WorkflowEntry> {
  const query = options.autosave ? "?autosave=1" : "";
  const more: Record<string, string> = options.version === undefined ? {} : options.version === 0 ? { "If-None-Match": "*" } : { "If-Match": `"${options.version}"` };
  const path = `workflows/${encodeURIComponent(name)}${query}`;
  return request("PUT", path, workflow, { keepalive: options.keepalive ?? false }, more);
}

export const renameWorkflow = (name: string, wanted: string): Promise<WorkflowEntry> =>
  request("POST", `workflows/${encodeURIComponent(name)}/rename`, { name: wanted });
export const deleteWorkflow = (name: string): Promise<unknown> => request("DELETE", `workflows/${encodeURIComponent(name)}`);
export const listVersions = (name: string): Promise<WorkflowList> =>
  request("GET", `workflows/${encodeURIComponent(name)}/versions`);
export const getVersion = (name: string, version: number): Promise<JsonObject> =>
  request("GET", `workflows/${encodeURIComponent(name)}?version=${version}`);
export const listWorkflows = (search = ""): Promise<WorkflowList> => request("GET", `workflows?search=${encodeURIComponent(search)}`);
export const getModels = (): Promise<ModelList> => request("GET", "models");

export const getFiles = (query: string): Promise<FilePage> => request("GET", `files${query}`);

/** Send a file. */
export function upload(file: File): Promise<Uploaded> {
  const form = new FormData();
  form.append("file", file, file.name);
  return request("POST", "uploads", form);
}

/** The first bytes of a file, at most so many. */
export async function readBeginning(url: string, most: number): Promise<Uint8Array> {
  const reply = await fetch(url, { headers: { Range: `bytes=0-${most - 1}` } });
  if (!reply.ok) throw new ServerError(reply.status, reply.statusText);
  return new Uint8Array(await reply.arrayBuffer());
}

/** The address of an output or input file. */
export function fileUrl(path: string): string {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return apiUrl(`files/${encoded}`);
}
