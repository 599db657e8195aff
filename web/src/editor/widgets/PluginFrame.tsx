import { useEffect, useRef, useState } from "react";
import type { JsonValue } from "../../graph/document";

interface Props {
  readonly plugin: string;
  /** Which of the module's exports, and which of its entries. */
  readonly part: "widgets" | "viewers";
  readonly name: string;
  readonly value: unknown;
  readonly label: string;
  readonly options?: unknown;
  readonly onSay?: (said: { readonly value: unknown; readonly gesture: unknown }) => JsonValue | undefined;
  /** It cannot be shown: the reason; the empty text where the module has nothing of this name. */
  readonly onMissing: (reason: string) => void;
}

/**
 * Where a plugin's module runs: a frame without an origin, which can reach neither this page nor the server. Only the
 * value crosses, by messages.
 */
export function PluginFrame({ plugin, part, name, value, label, options, onSay, onMissing }: Props) {
  const frame = useRef<HTMLIFrameElement>(null);
  const port = useRef<MessagePort>(undefined);
  const last = useRef(value);
  const listeners = useRef({ onSay, onMissing });
  const [theme] = useState(() => document.documentElement.dataset.theme ?? "light");
  listeners.current = { onSay, onMissing };

  useEffect(() => () => port.current?.close(), []);

  useEffect(() => {
    if (value !== last.current) {
      last.current = value;
      port.current?.postMessage({ type: "value", value });
    }
  }, [value]);

  const mount = async (): Promise<void> => {
    port.current?.close();
    try {
      const reply = await fetch(`/plugins/${plugin}/index.js`, { cache: "no-cache" });
      if (!reply.ok) throw new Error(`index.js: ${reply.status}`);
      const source = await reply.text();
      const channel = new MessageChannel();
      port.current = channel.port1;
      channel.port1.onmessage = ({ data }: MessageEvent<unknown>) => {
        const said = data as { type?: unknown; value?: unknown; message?: unknown; gesture?: unknown };
        if (said.type === "set") {
          const taken = listeners.current.onSay?.({ value: said.value, gesture: said.gesture });
          if (taken !== undefined) last.current = taken;
        } else if (said.type === "failed") {
          listeners.current.onMissing(String(said.message).slice(0, 300));
        } else if (said.type === "absent") {
          listeners.current.onMissing("");
        }
      };
      frame.current?.contentWindow?.postMessage("kinograph", "*", [channel.port2]);
      channel.port1.postMessage({ type: "mount", source, part, name, value: last.current, label, theme, options });
    } catch (error) {
      listeners.current.onMissing(String(error));
    }
  };

  return (
    <iframe
      ref={frame}
      title={label}
      src={`/plugins/${plugin}/frame?theme=${theme}&part=${part}`}
      sandbox="allow-scripts"
      onLoad={() => void mount()}
    />
  );
}
