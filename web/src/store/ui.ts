/** What belongs to the person and the window, not to the document: panels, theme, language, what is open. */

import { create } from "zustand";
import type { WireEnd } from "../graph/search";
import type { SocketRef, WorkflowDocument } from "../graph/document";
import type { Language } from "../i18n";

export type Panel = "jobs" | "gallery" | "history" | "form" | "node";
export type Theme = "dark" | "light";

export interface PaletteRequest {
  /** Where the node goes, in canvas coordinates. */
  readonly at: { readonly x: number; readonly y: number };
  /** Where the list is shown, in window coordinates. */
  readonly screen: { readonly x: number; readonly y: number };
  readonly wire?: WireEnd & { readonly end: SocketRef };
}

export interface Toast {
  readonly id: number;
  readonly kind: "info" | "error";
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

export interface MenuRequest {
  readonly screen: { readonly x: number; readonly y: number };
  readonly at: { readonly x: number; readonly y: number };
  readonly node?: string;
  readonly edge?: string;
  readonly group?: string;
  readonly note?: string;
  /** A list behind an entry of the first one. */
  readonly sub?: "align" | "color";
}

/** A result in the comparison of two. */
export interface ComparedSide {
  readonly url: string;
  readonly mediaType: string;
  /** The run that made it, whose values can be compared too. */
  readonly job?: string;
}

/** Two documents of which the differences are shown on a canvas of their own. */
export interface DiffRequest {
  readonly before: { readonly name: string; readonly document: WorkflowDocument };
  readonly after: { readonly name: string; readonly document: WorkflowDocument };
  /** Offered as a button: take the document of before. */
  readonly take?: { readonly label: string; readonly run: () => void };
}

export interface UiState {
  readonly theme: Theme;
  readonly language: Language;
  readonly panel: Panel | undefined;
  readonly palette: PaletteRequest | undefined;
  readonly menu: MenuRequest | undefined;
  readonly shortcuts: boolean;
  readonly templates: boolean;
  /** The list of saved workflows, or the question for a name. */
  readonly files: "open" | "save" | undefined;
  readonly wiringFrom: string | undefined;
  readonly compare: readonly [ComparedSide, ComparedSide] | undefined;
  readonly diff: DiffRequest | undefined;
  /** Why the form that the address asks for is not there. */
  readonly missingForm: string | undefined;
  /** The run that is to be forked, and the sampler that was chosen already. */
  readonly fork: { readonly job: string; readonly node?: string } | undefined;
  /** The note that is being written. */
  readonly writing: string | undefined;
  readonly player: { readonly url: string; readonly mediaType: string; readonly title: string } | undefined;
  /** Nodes are drawn as plain tiles because the canvas is far away. */
  readonly far: boolean;
  readonly toasts: readonly Toast[];
  readonly announcement: string;
}

const stored = (key: string): string | null => (typeof localStorage === "undefined" ? null : localStorage.getItem(key));

function firstTheme(): Theme {
  const kept = stored("kinograph.theme");
  if (kept === "dark" || kept === "light") return kept;
  return typeof matchMedia !== "undefined" && matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

function firstLanguage(): Language {
  const kept = stored("kinograph.language");
  if (kept === "en" || kept === "zh") return kept;
  return typeof navigator !== "undefined" && navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const useUi = create<UiState>(() => ({
  theme: firstTheme(),
  language: firstLanguage(),
  panel: undefined,
  palette: undefined,
  menu: undefined,
  shortcuts: false,
  templates: false,
  files: undefined,
  wiringFrom: undefined,
  compare: undefined,
  diff: undefined,
  missingForm: undefined,
  fork: undefined,
  writing: undefined,
  player: undefined,
  far: false,
  toasts: [],
  announcement: "",
}));

export const setUi = useUi.setState;

export function setTheme(theme: Theme): void {
  localStorage.setItem("kinograph.theme", theme);
  setUi({ theme });
}

export function setLanguage(language: Language): void {
  localStorage.setItem("kinograph.language", language);
  setUi({ language });
}

export function togglePanel(panel: Panel): void {
  setUi((state) => ({ panel: state.panel === panel ? undefined : panel }));
}

let toastNumber = 0;

/** Tell the person something; it goes away by itself, an error stays longer. */
export function toast(kind: Toast["kind"], text: string, action?: Toast["action"]): void {
  toastNumber += 1;
  const id = toastNumber;
  setUi((state) => ({ toasts: [...state.toasts.slice(-3), { id, kind, text, action }], announcement: text }));
  setTimeout(() => dismissToast(id), kind === "error" ? 12000 : 5000);
}

export function dismissToast(id: number): void {
  setUi((state) => ({ toasts: state.toasts.filter((entry) => entry.id !== id) }));
}

/** Say something to a screen reader only. */
export function announce(text: string): void {
  setUi({ announcement: text });
}
