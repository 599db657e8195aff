/** The HTTP routes of the server. The only place that calls `fetch`. */

import type {
  FilePage,
  Job,
  JobAccepted,
  JobPage,
  JsonObject,
  ModelList,
  NodeTypesReply,
  PlanInfo,
  Problem,
  Uploaded,
  WorkflowList,
} from "./protocol";

const TOKEN_KEY = "kinograph.token";

/** A token given once in the address (`?token=` or `#token=`) is kept for the session and taken out of the address. */
export function takeToken(location: Location, storage: Storage, history: History): void {
  const url = new URL(location.href);
  const hash = new URLSearchParams(url.hash.slice(1));
  const token = url.searchParams.get("token") ?? hash.get("token");
  if (token === null) return;
  storage.setItem(TOKEN_KEY, token);
  url.searchParams.delete("token");
  hash.delete("token");
  url.hash = hash.toString();
  history.replaceState(null, "", url);
}

export function currentToken(): string | null {
  return sessionStorage.getItem(TOKEN_KEY);
}

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

async function request<T>(method: string, path: string, body?: unknown, init: RequestInit = {}): Promise<T> {
  const token = currentToken();
  const headers: Record<string, string> = { ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const plain = body instanceof FormData || body === undefined;
  if (!plain) headers["Content-Type"] = "application/json";
  const payload = plain ? body : JSON.stringify(body);
  const reply = await fetch(apiUrl(path), { method, headers, body: payload, ...init });
  const data: unknown = await reply.json().catch(() => null);
  if (reply.ok) return data as T;
  const details = (data ?? {}) as { problems?: Problem[]; message?: string; error?: string | { message?: string } };
  if (reply.status === 422 && Array.isArray(details.problems)) throw new Refused(details.problems);
  const nested = typeof details.error === "object" ? details.error.message : details.error;
  throw new ServerError(reply.status, details.message ?? nested ?? `${reply.status} ${reply.statusText}`);
}

export interface JobRequest {
  readonly workflow: JsonObject;
  readonly targets?: readonly string[];
  readonly priority?: number;
  readonly client?: string;
}

export const getNodeTypes = (): Promise<NodeTypesReply> => request("GET", "node-types");
export const postJob = (job: JobRequest): Promise<JobAccepted> => request("POST", "jobs", job);
export const getJob = (id: string): Promise<Job> => request("GET", `jobs/${encodeURIComponent(id)}`);
export const getJobs = (query = ""): Promise<JobPage> => request("GET", `jobs${query}`);
export const jobAction = (id: string, action: "cancel" | "pause" | "resume" | "retry"): Promise<unknown> =>
  request("POST", `jobs/${encodeURIComponent(id)}/${action}`, {});
export const postPlan = (workflow: JsonObject, targets?: readonly string[]): Promise<PlanInfo> =>
  request("POST", "plan", { workflow, ...(targets ? { targets } : {}) });
export const getWorkflow = (name: string): Promise<JsonObject> => request("GET", `workflows/${encodeURIComponent(name)}`);
export const putWorkflow = (name: string, workflow: JsonObject, keepalive = false): Promise<unknown> =>
  request("PUT", `workflows/${encodeURIComponent(name)}`, workflow, { keepalive });
export const listWorkflows = (): Promise<WorkflowList> => request("GET", "workflows");
export const getModels = (): Promise<ModelList> => request("GET", "models");

export const getFiles = (query: string): Promise<FilePage> => request("GET", `files${query}`);

/** Send a file. */
export function upload(file: File): Promise<Uploaded> {
  const form = new FormData();
  form.append("file", file, file.name);
  return request("POST", "uploads", form);
}

/** The address of an output or input file. */
export function fileUrl(path: string): string {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return apiUrl(`files/${encoded}`);
}
