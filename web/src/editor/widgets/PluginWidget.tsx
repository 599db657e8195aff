import { useEffect, useRef, useState } from "react";
import { isJson } from "./pluginMessages";
import { JsonWidget } from "./JsonWidget";
import type { WidgetProps } from "./types";

interface Props extends WidgetProps {
  readonly plugin: string;
}

/**
 * A widget that a plugin brings. Its module runs in a frame without an origin, which can reach neither this page nor the
 * server; only the value crosses, by messages. Where it fails, the value is edited as JSON.
 */
export function PluginWidget({ plugin, ...props }: Props) {
  const { socket, value, label, home, onChange } = props;
  const kind = socket.widget?.kind ?? "";
  const frame = useRef<HTMLIFrameElement>(null);
  const port = useRef<MessagePort>(undefined);
  const last = useRef(value);
  const change = useRef(onChange);
  const [theme] = useState(() => document.documentElement.dataset.theme ?? "light");
  const [failed, setFailed] = useState("");
  change.current = onChange;

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
        if (said.type === "set" && isJson(said.value)) {
          last.current = said.value;
          const gesture = typeof said.gesture === "string" && said.gesture !== "" ? said.gesture : undefined;
          change.current(said.value, gesture && `plugin:${home.node}:${home.socket}:${gesture}`);
        } else if (said.type === "failed") {
          setFailed(String(said.message).slice(0, 300));
        }
      };
      frame.current?.contentWindow?.postMessage("kinograph", "*", [channel.port2]);
      const options = { choices: socket.widget?.choices ?? [], limits: socket.info?.limits ?? null, step: socket.widget?.step };
      channel.port1.postMessage({ type: "mount", source, widget: kind, value: last.current, label, theme, options });
    } catch (error) {
      setFailed(String(error));
    }
  };

  if (failed) {
    return (
      <div className="plugin-widget" title={failed}>
        <JsonWidget {...props} />
      </div>
    );
  }
  return (
    <div className="field field-plugin plugin-widget nodrag nowheel">
      <span className="field-label">{label}</span>
      <iframe
        ref={frame}
        title={label}
        src={`/plugins/${plugin}/frame?theme=${theme}`}
        sandbox="allow-scripts"
        onLoad={() => void mount()}
      />
    </div>
  );
}
