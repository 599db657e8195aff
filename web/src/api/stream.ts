/**
 * The live connection: numbered events as text frames, previews as binary frames.
 *
 * It heals itself: after a break it comes back with the number of the last event it saw, waiting a little longer each
 * time. Several listeners may be added; state of the connection is an event of its own.
 */

import { apiUrl } from "./client";
import type { PreviewHeader, StreamEvent } from "./protocol";

export type Connection = "connecting" | "open" | "lost";

export interface StreamHandlers {
  event(event: StreamEvent): void;
  preview(header: PreviewHeader, image: Blob): void;
  connection(state: Connection): void;
}

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;

/** Split a binary frame: 4 bytes length, JSON header, image. Undefined where it is malformed. */
export function parsePreview(frame: ArrayBuffer): { header: PreviewHeader; image: Blob } | undefined {
  if (frame.byteLength < 4) return undefined;
  const length = new DataView(frame).getUint32(0);
  if (frame.byteLength < 4 + length) return undefined;
  try {
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length))) as PreviewHeader;
    return { header, image: new Blob([frame.slice(4 + length)], { type: header.media_type }) };
  } catch {
    return undefined;
  }
}

/** Open the stream; the returned function closes it. `after` is the last event number already known. */
export function openStream(handlers: StreamHandlers, after: number | undefined): () => void {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = after;
  let wait = FIRST_WAIT_MS;
  let closed = false;

  const connect = (): void => {
    handlers.connection("connecting");
    const url = new URL(apiUrl("stream").replace(/^http/, "ws"));
    if (last !== undefined) url.searchParams.set("after", String(last));
    socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      wait = FIRST_WAIT_MS;
      handlers.connection("open");
    };
    socket.onmessage = (message: MessageEvent<string | ArrayBuffer>) => receive(message.data);
    socket.onclose = () => {
      if (closed) return;
      handlers.connection("lost");
      timer = setTimeout(connect, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    };
  };

  const receive = (data: string | ArrayBuffer): void => {
    if (typeof data !== "string") {
      const preview = parsePreview(data);
      if (preview) handlers.preview(preview.header, preview.image);
      return;
    }
    const parsed = JSON.parse(data) as StreamEvent | StreamEvent[];
    for (const event of Array.isArray(parsed) ? parsed : [parsed]) take(event);
  };

  const take = (event: StreamEvent): void => {
    if (event.type === "hello") last ??= event.n;
    else if (event.type === "resync") last = event.n;
    else if (event.type !== "node_progress") {
      if (last !== undefined && event.n <= last) return;
      last = event.n;
    }
    handlers.event(event);
  };

  const hurry = (): void => {
    if (socket?.readyState === WebSocket.CLOSED) {
      clearTimeout(timer);
      connect();
    }
  };
  window.addEventListener("online", hurry);
  connect();
  return () => {
    closed = true;
    clearTimeout(timer);
    window.removeEventListener("online", hurry);
    socket?.close();
  };
}
