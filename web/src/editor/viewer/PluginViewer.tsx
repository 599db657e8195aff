import { useState } from "react";
import type { WireValue } from "../../api/protocol";
import { useT } from "../useT";
import { PluginFrame } from "../widgets/PluginFrame";

interface Props {
  readonly plugin: string;
  readonly value: WireValue;
}

/** A value of a plugin's class as the plugin shows it. Nothing where it brings no viewer for it. */
export function PluginViewer({ plugin, value }: Props) {
  const t = useT();
  const [missing, setMissing] = useState<string>();
  if (missing === "") return null;
  if (missing !== undefined) return <p className="viewer-note">{t("viewer.pluginFailed", { plugin, reason: missing })}</p>;
  return (
    <div className="viewer-plugin">
      <PluginFrame
        plugin={plugin}
        part="viewers"
        name={value.type}
        value={value.data}
        label={t("viewer.byPlugin", { plugin })}
        onMissing={setMissing}
      />
    </div>
  );
}
