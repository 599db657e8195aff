/**
 * What travels between the browser and the server.
 *
 * Generated from the server's models by `python -m server.protocol`. Do not edit.
 */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export type JobState = "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "parked";

/** Every error answer has this form. */
export interface ErrorBody {
  /** Stable short name for programs. */
  error: string;
  /** What is wrong, for people. */
  message: string;
  problems: Problem[];
}

/** A part of the gallery, newest first. */
export interface FilePage {
  files: OutputFile[];
  total: number;
}

/** Keep the first steps of a job's sampler, and go on with changed values. */
export interface ForkRequest {
  /** The sampler. */
  node: string;
  /** How many steps stay as they were. */
  step: number;
  /** New values by node and input; a value takes the place of a wire. */
  values?: Record<string, JsonObject>;
  priority?: number;
  client?: string;
}

/** Whether the server works. */
export interface Health {
  /** ok, or starting while no worker is ready yet. */
  status: string;
  version: string;
  uptime: number;
}

/** A named, typed input. */
export interface InputInfo {
  name: string;
  type: TypeInfo;
  required: boolean;
  default: JsonValue;
  /** null is a value. */
  optional: boolean;
  lazy: boolean;
  /** items: sockets are name.0, name.1 ...; slots: name.ANYTHING. */
  variadic: "" | "items" | "slots";
  /** null where only a wire can bring the value. */
  widget: WidgetInfo | null;
  limits: LimitsInfo | null;
  doc: string;
}

/** A job with its workflow. */
export interface Job {
  id: string;
  state: JobState;
  title: string;
  client: string;
  priority: number;
  created: number;
  started: number | null;
  finished: number | null;
  /** How often a worker took it up. */
  attempts: number;
  /** Time of the last run. */
  seconds: number | null;
  nodes_run: number | null;
  nodes_cached: number | null;
  /** Most bytes that its worker's process held meanwhile. */
  peak_memory: number | null;
  /** Most bytes that tensors took on its accelerator. */
  peak_device_memory: number | null;
  error: JobError | null;
  outputs: OutputFile[];
  /** The job that this one repeats. */
  retry_of: string;
  /** The job of which this one keeps a sampler's first steps. */
  fork_of: string;
  /** What a running job was asked and has not done yet. */
  asked: "" | "pause" | "cancel";
  workflow: JsonObject;
  targets: string[] | null;
}

/** The job is stored and will run. */
export interface JobAccepted {
  id: string;
  /** Number of the event that announced it; listen after it. */
  n: number;
}

/** Why a job failed or was parked. */
export interface JobError {
  code: string;
  message: string;
  node: string;
  problems: Problem[];
}

/** Events of one job. */
export interface JobEvents {
  events: JsonObject[];
  /** Ask again after this number. */
  n: number;
  more: boolean;
  /** Events before these are no longer kept: load the job itself. */
  missed: boolean;
}

/** A new order of queued jobs. */
export interface JobOrder {
  ids: string[];
}

/** A part of the queue or of the history. */
export interface JobPage {
  jobs: JobSummary[];
  total: number;
  /** The stream's number at this moment: listen after it and nothing is missed. */
  n: number;
}

/** A workflow to run. */
export interface JobRequest {
  workflow: JsonObject;
  /** Nodes to compute; all output nodes by default. */
  targets?: string[];
  /** Higher runs first. */
  priority?: number;
  /** Who asks; clients take turns. */
  client?: string;
}

/** A job as lists show it. Times are seconds since 1970. */
export interface JobSummary {
  id: string;
  state: JobState;
  title: string;
  client: string;
  priority: number;
  created: number;
  started: number | null;
  finished: number | null;
  /** How often a worker took it up. */
  attempts: number;
  /** Time of the last run. */
  seconds: number | null;
  nodes_run: number | null;
  nodes_cached: number | null;
  /** Most bytes that its worker's process held meanwhile. */
  peak_memory: number | null;
  /** Most bytes that tensors took on its accelerator. */
  peak_device_memory: number | null;
  error: JobError | null;
  outputs: OutputFile[];
  /** The job that this one repeats. */
  retry_of: string;
  /** The job of which this one keeps a sampler's first steps. */
  fork_of: string;
  /** What a running job was asked and has not done yet. */
  asked: "" | "pause" | "cancel";
}

/** How many jobs were forgotten. */
export interface JobsDeleted {
  deleted: number;
}

/** The range of a number, the length of a text. */
export interface LimitsInfo {
  ge: number | null;
  gt: number | null;
  le: number | null;
  lt: number | null;
  multiple_of: number | null;
  min_length: number | null;
  max_length: number | null;
  pattern: string | null;
}

/** A file in the models folder. */
export interface ModelFile {
  name: string;
  size: number;
  modified: number;
  format: string;
  tensors: number | null;
  error: string;
}

/** Files in the models folder. */
export interface ModelList {
  models: ModelFile[];
}

/** A person's answer to the question of a node. */
export interface NodeAnswer {
  node: string;
  answer: string;
}

/** Everything that an editor needs to know of a node type. */
export interface NodeTypeInfo {
  id: string;
  version: number;
  title: string;
  category: string;
  keywords: string[];
  summary: string;
  /** Markdown. */
  doc: string;
  plugin: string;
  lane: string;
  /** It saves or shows something and runs even if nobody reads it. */
  output: boolean;
  cached: boolean;
  experimental: boolean;
  deprecated: string;
  inputs: InputInfo[];
  outputs: OutputInfo[];
  dynamic_outputs: TypeInfo | null;
}

/** All node types that are known. */
export interface NodeTypesReply {
  node_types: NodeTypeInfo[];
  /** Another one means that something has changed. */
  revision: string;
  plugin_errors: JsonObject[];
  /** Plugins whose own widgets are under /plugins/NAME/. */
  web_parts: string[];
}

/** A finished file. */
export interface OutputFile {
  node: string;
  /** Below its root folder. */
  path: string;
  url: string;
  media_type: string;
  size: number;
  job: string;
  created: number;
  /** Of its job; only in the gallery. */
  title: string;
}

/** A named, typed output. */
export interface OutputInfo {
  name: string;
  type: TypeInfo;
  doc: string;
}

/** What a run would do, and why. */
export interface PlanInfo {
  steps: PlanStep[];
  targets: string[];
  run: number;
  cached: number;
  seconds: number;
  unknown_seconds: number;
  nbytes: number;
  /** What is known of outputs before anything runs. */
  facts: Record<string, JsonObject>;
  /** Plugins, models and files by content: what `requires` of the document should say. */
  requires: JsonObject;
  problems: Problem[];
}

/** A reason why a step runs. */
export interface PlanReason {
  code: "never_cached" | "first_run" | "evicted" | "evicted_model" | "evicted_quick" | "version" | "code" | "folder_from" | "folder" | "model_file" | "outside" | "value" | "file_content" | "model_file_input" | "unwired" | "wired" | "rewired" | "upstream" | "upstream_many" | "inputs";
  /** What it names: nodes, inputs, values before and after. */
  params: Record<string, string>;
}

/** A workflow to look at without running it. */
export interface PlanRequest {
  workflow: JsonObject;
  targets?: string[];
}

/** One step of a plan. */
export interface PlanStep {
  node: string;
  type: string;
  key: string;
  status: "cached" | "run" | "lazy" | "unneeded";
  where: string;
  /** Why it runs, in English. */
  reason: string;
  /** The same for a text in another language. */
  reasons: PlanReason[];
  seconds: number | null;
  nbytes: number | null;
}

/** Head of a binary frame; the picture follows it. */
export interface PreviewHeader {
  job: string;
  node: string;
  media_type: string;
}

/** One mistake in a workflow: where, what is wrong, and what would be right. */
export interface Problem {
  code: string;
  message: string;
  node?: string;
  socket?: string;
  given?: string;
  wanted?: string;
  example?: JsonValue;
}

/** One event of the stream. `type` says which of the other fields are there; see docs/server.md. */
export interface StreamEvent {
  /** Its number. Numbers grow; they have gaps. */
  n: number;
  /** Empty for events about the server. */
  job: string;
  type: string;
  node?: string;
  step?: number;
  total?: number;
  message?: string;
  seconds?: number;
  nbytes?: number;
  tier?: string;
  reason?: string;
  /** node_failed: name of the error; job_finished: a JobError. */
  error?: JsonValue;
  socket?: string;
  details?: string;
  inside?: string;
  level?: string;
  ui?: JsonObject;
  steps?: number;
  cached?: number;
  status?: string;
  nodes_run?: number;
  nodes_cached?: number;
  nodes_failed?: number;
  nodes_skipped?: number;
  outputs?: OutputFile[];
  /** Of the job, or (worker_changed) of the worker. */
  state?: string;
  title?: string;
  client?: string;
  priority?: number;
  created?: number;
  retry_of?: string;
  fork_of?: string;
  started?: number;
  finished?: number;
  attempt?: number;
  peak_memory?: number;
  peak_device_memory?: number;
  worker?: number;
  device?: string;
  /** queue_reordered: the new order; jobs_deleted: which. */
  ids?: string[];
  /** job_deleted: which. */
  id?: string;
  /** node_types_changed: of GET node-types. */
  revision?: string;
  /** workflow_saved, workflow_deleted: which. */
  name?: string;
  version?: number;
  /** hello: another value means that the server was started anew. */
  server?: string;
  problem?: string;
  question?: string;
  choices?: string[];
  answer?: string;
}

/** The machine and the server. */
export interface SystemInfo {
  version: string;
  python: string;
  platform: string;
  uptime: number;
  memory_total: number;
  memory_server: number;
  disk_free: number;
  cpus: number;
  workers: WorkerInfo[];
  versions: Record<string, string>;
  queue: Record<string, number>;
}

/** Figures of an array. Least, greatest, mean and deviation are of its finite numbers; null where there are none. */
export interface TensorFigures {
  shape: number[];
  dtype: string;
  device: string;
  nbytes: number;
  minimum: number | null;
  maximum: number | null;
  mean: number | null;
  deviation: number | null;
  nan: number;
  infinite: number;
}

/** The type of a socket. An empty `classes` is `Any`. */
export interface TypeInfo {
  /** As shown: `Frames`, `int | float`, `list[Latent]`, `Any`. */
  name: string;
  /** Names of the classes that it allows; empty for Any. */
  classes: string[];
  /** Further class names that fit where one of `classes` is wanted: sub-classes, and int for float. */
  accepts: string[];
  is_list: boolean;
}

/** A file that was taken in; `name` is what a file input of a node takes. */
export interface Uploaded {
  name: string;
  url: string;
  media_type: string;
  size: number;
}

/** Which wire of a workflow to look at. */
export interface ValueRequest {
  workflow: JsonObject;
  node: string;
  output: string;
  /** Parts of the value: fields, keys, places in a list. */
  path?: string[];
}

/** What a value is, in a bounded form. */
export interface ValueView {
  /** Name of its class. */
  type: string;
  /** Which of the other fields say most about it. */
  kind: "nothing" | "boolean" | "number" | "text" | "json" | "list" | "record" | "tensor" | "frames" | "latent" | "model" | "other";
  /** Of the field, key or place, where it is a part of something. */
  name: string;
  /** The text, the number as written, or a short description. */
  text: string | null;
  /** The value itself where it is JSON and small. */
  value: JsonValue;
  /** Of a text, list or record. */
  length: number | null;
  /** Whether text or items leave something out. */
  truncated: boolean;
  /** The first parts of a list or record. */
  items: ValueView[];
  tensor: TensorFigures | null;
  /** How many pictures there are of it (frames of a clip). */
  pictures: number;
  /** Of a picture in its natural size. */
  width: number;
  height: number;
  fps: number | null;
  /** How the pictures were made. */
  note: string;
}

/** How an input is shown and edited. */
export interface WidgetInfo {
  /** text, number, slider, seed, color, switch, choice, curve, file, json, or a plugin's own. */
  kind: string;
  multiline: boolean;
  step: number | null;
  placeholder: string;
  advanced: boolean;
  suggestions: string[];
  choices: JsonValue[];
  /** image, video, audio, model or file, for file pickers. */
  file_kind: string;
  extensions: string[];
}

/** The value that a wire carries. */
export interface WireValue {
  node: string;
  output: string;
  path: string[];
  /** Content address of the node's outputs: the same key is the same value. */
  key: string;
  /** Where it was found: memory, device or disk. */
  tier: string;
  worker: number;
  /** URL of the picture, to which ?frame= and &size= may be added; empty: none. */
  picture: string;
  view: ValueView;
  /** Public name of its class; a plugin's begins with the plugin's name and a dot. */
  type: string;
  /** A value of a plugin's class as JSON, for the plugin's own viewer. */
  data: JsonValue;
}

/** One worker process. */
export interface WorkerInfo {
  index: number;
  /** starting, ready, stuck or stopped. */
  state: string;
  device: string;
  memory: number;
  jobs: string[];
  restarts: number;
}

/** A saved workflow as lists show it. */
export interface WorkflowEntry {
  name: string;
  version: number;
  saved: number;
  size: number;
  autosave: boolean;
  /** How many versions are kept; 1 in a list of versions. */
  versions: number;
}

/** Saved workflows, or the versions of one. */
export interface WorkflowList {
  workflows: WorkflowEntry[];
  total: number;
}

/** A new name for a workflow. */
export interface WorkflowName {
  name: string;
}
