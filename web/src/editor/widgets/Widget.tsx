import type { ComponentType } from "react";
import { ownerOf, useWebParts } from "../../store/webParts";
import { ChoiceWidget } from "./ChoiceWidget";
import { ColorWidget } from "./ColorWidget";
import { CurveWidget } from "./CurveWidget";
import { FileWidget } from "./FileWidget";
import { JsonWidget } from "./JsonWidget";
import { NumberWidget } from "./NumberWidget";
import { PluginWidget } from "./PluginWidget";
import { SeedWidget } from "./SeedWidget";
import { SwitchWidget } from "./SwitchWidget";
import { TextWidget } from "./TextWidget";
import type { WidgetProps } from "./types";

const WIDGETS: Readonly<Record<string, ComponentType<WidgetProps>>> = {
  text: TextWidget,
  number: NumberWidget,
  slider: NumberWidget,
  seed: SeedWidget,
  switch: SwitchWidget,
  choice: ChoiceWidget,
  color: ColorWidget,
  file: FileWidget,
  json: JsonWidget,
  curve: CurveWidget,
};

/** The widget of a socket's form: ours, a plugin's own, or JSON for a form that nobody knows. */
export function Widget(props: WidgetProps) {
  const kind = props.socket.widget?.kind ?? "json";
  const plugin = useWebParts((state) => ownerOf(kind, state.plugins));
  if (plugin !== undefined) return <PluginWidget {...props} plugin={plugin} />;
  const Known = WIDGETS[kind] ?? JsonWidget;
  return <Known {...props} />;
}
