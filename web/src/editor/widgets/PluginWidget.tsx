import { useState } from "react";
import { isJson } from "./pluginMessages";
import { JsonWidget } from "./JsonWidget";
import { PluginFrame } from "./PluginFrame";
import type { WidgetProps } from "./types";

interface Props extends WidgetProps {
  readonly plugin: string;
}

/** A widget that a plugin brings. Where it fails, the value is edited as JSON. */
export function PluginWidget({ plugin, ...props }: Props) {
  const { socket, value, label, home, onChange } = props;
  const kind = socket.widget?.kind ?? "";
  const [failed, setFailed] = useState("");

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
      <PluginFrame
        plugin={plugin}
        part="widgets"
        name={kind}
        value={value}
        label={label}
        options={{ choices: socket.widget?.choices ?? [], limits: socket.info?.limits ?? null, step: socket.widget?.step }}
        onSay={(said) => {
          if (!isJson(said.value)) return undefined;
          const gesture = typeof said.gesture === "string" && said.gesture !== "" ? said.gesture : undefined;
          onChange(said.value, gesture && `plugin:${home.node}:${home.socket}:${gesture}`);
          return said.value;
        }}
        onMissing={(reason) => setFailed(reason || `Error: there is no widget ${kind}`)}
      />
    </div>
  );
}
