import type { WireValue } from "../../api/protocol";
import { ownerOf, useWebParts } from "../../store/webParts";
import { useT } from "../useT";
import { Figures } from "./Figures";
import { PictureReel } from "./PictureReel";
import { PluginViewer } from "./PluginViewer";
import { ValueParts } from "./ValueParts";

interface Props {
  readonly value: WireValue;
  readonly large: boolean;
  readonly onEnter: (name: string) => void;
}

/** A value as it is best seen: pictures, figures, text, a number, or its parts. */
export function ValueShown({ value, large, onEnter }: Props) {
  const t = useT();
  const { view } = value;
  const plugins = useWebParts((state) => state.plugins);
  const plugin = ownerOf(value.type, plugins);
  const parts = view.kind === "list" || view.kind === "record";
  const short = view.kind === "number" || view.kind === "boolean" || view.kind === "nothing";
  return (
    <>
      {plugin !== undefined && <PluginViewer key={`${value.type}${value.path.join("/")}`} plugin={plugin} value={value} />}
      {view.pictures > 0 && value.picture && <PictureReel key={`${value.key}${value.output}${value.path.join("/")}`} value={value} large={large} />}
      {short && <p className="value-short">{view.text}</p>}
      {(view.kind === "text" || view.kind === "json") && <pre className="value-long" tabIndex={0}>{view.text}</pre>}
      {!short && view.kind !== "text" && view.kind !== "json" && view.text !== null && <p className="value-line">{view.text}</p>}
      {view.kind === "text" && view.length !== null && (
        <p className="viewer-note">{t(view.truncated ? "viewer.textCut" : "viewer.text", { count: view.length })}</p>
      )}
      {view.tensor && <Figures tensor={view.tensor} />}
      {parts && <ValueParts view={view} onEnter={onEnter} />}
    </>
  );
}
