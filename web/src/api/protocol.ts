/**
 * What travels between the browser and the server.
 *
 * Written by hand in the shape of the server's models until `python -m server.protocol` generates it; everything else
 * imports these names from here only.
 */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export interface TypeInfo {
  name: string;
  classes: string[];
  accepts: string[];
  is_list: boolean;
}

export interface WidgetInfo {
  kind: string;
  multiline: boolean;
  step: number | null;
  placeholder: string;
  advanced: boolean;
  suggestions: string[];
  choices: JsonValue[];
  file_kind: string;
  extensions: string[];
}

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

export interface InputInfo {
  name: string;
  type: TypeInfo;
  required: boolean;
  default: JsonValue;
  optional: boolean;
  lazy: boolean;
  variadic: "" | "items" | "slots";
  widget: WidgetInfo | null;
  limits: LimitsInfo | null;
  doc: string;
}

export interface OutputInfo {
  name: string;
  type: TypeInfo;
  doc: string;
}

export interface NodeTypeInfo {
  id: string;
  version: number;
  title: string;
  category: string;
  keywords: string[];
  summary: string;
  doc: string;
  plugin: string;
  lane: string;
  output: boolean;
  cached: boolean;
  experimental: boolean;
  deprecated: string;
  inputs: InputInfo[];
  outputs: OutputInfo[];
  dynamic_outputs: TypeInfo | null;
}

export interface NodeTypesReply {
  node_types: NodeTypeInfo[];
  revision: string;
}

export interface Problem {
  code?: string;
  node: string;
  socket: string;
  message: string;
  given?: string;
  wanted?: string;
  example?: JsonValue;
}

export type JobState = "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled" | "parked";

export interface OutputFile {
  node: string;
  path: string;
  url: string;
  media_type: string;
  size: number;
  job: string;
  created: number;
}

export interface JobError {
  code: string;
  message: string;
  node: string;
  problems: Problem[];
}

export interface JobSummary {
  id: string;
  state: JobState;
  title: string;
  client: string;
  priority: number;
  created: number;
  started: number | null;
  finished: number | null;
  attempts: number;
  seconds: number | null;
  nodes_run: number | null;
  nodes_cached: number | null;
  peak_memory: number | null;
  error: JobError | null;
  outputs: OutputFile[];
  retry_of: string;
}

export interface Job extends JobSummary {
  workflow: JsonObject;
  targets: string[] | null;
}

export interface JobAccepted {
  id: string;
  n: number;
}

export interface JobPage {
  jobs: JobSummary[];
  total: number;
  n: number;
}

export interface PlanStep {
  node: string;
  type: string;
  key: string;
  status: "cached" | "run" | "lazy" | "unneeded";
  where: string;
  reason: string;
  seconds: number | null;
  nbytes: number | null;
}

export interface PlanInfo {
  steps: PlanStep[];
  targets: string[];
  run: number;
  cached: number;
  seconds: number;
  unknown_seconds: number;
  nbytes: number;
  facts: Record<string, JsonObject>;
  problems: Problem[];
}

export interface WorkflowEntry {
  name: string;
  version: number;
  saved: number;
  size: number;
  autosave: boolean;
}

export interface WorkflowList {
  workflows: WorkflowEntry[];
}

export interface FilePage {
  files: OutputFile[];
  total: number;
}

export interface ModelFile {
  name: string;
  size: number;
  modified: number;
  format: string;
  tensors: number | null;
  error: string;
}

export interface ModelList {
  models: ModelFile[];
}

/** One event of the stream. The fields depend on `type`. */
export interface StreamEvent {
  n?: number;
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
  error?: JsonValue;
  details?: string;
  ui?: JsonObject;
  outputs?: OutputFile[];
  state?: JobState;
  status?: string;
  title?: string;
  client?: string;
}

export interface PreviewHeader {
  job: string;
  node: string;
  media_type: string;
}

export interface Uploaded {
  name: string;
  url: string;
  media_type: string;
  size: number;
}
