import { findPath, recordAt } from "../../graph/bodies";
import { setValue } from "../../graph/commands";
import type { JsonValue, WorkflowInput } from "../../graph/document";
import { inputInfoOf, valueOf } from "../../graph/sockets";
import { applyIn, useEditor } from "../../store/editor";
import { useMistake } from "../node/useMistake";
import { useT } from "../useT";
import { Widget } from "../widgets/Widget";

/** The chosen inputs, in their order. */
export function FormFields() {
  const inputs = useEditor((state) => state.document.inputs);
  return (
    <div className="form-fields">
      {Object.entries(inputs).map(([name, input]) => (
        <FormField key={name} name={name} input={input} />
      ))}
    </div>
  );
}

function FormField({ name, input }: { readonly name: string; readonly input: WorkflowInput }) {
  const t = useT();
  const record = useEditor((state) => recordAt(state.document, input.node));
  const catalogue = useEditor((state) => state.catalogue);
  const mistake = useMistake(input.node, input.socket);
  const info = record && inputInfoOf(record, catalogue, input.socket);
  if (!record || !info?.widget) return null;
  const label = input.label || name;
  const socket = { name: input.socket, label, type: info.type, info, widget: info.widget, spare: false };
  const fix = mistake?.fix;
  const onChange = (value: JsonValue | undefined, gesture?: string): void => {
    const found = findPath(useEditor.getState().document, input.node);
    if (found) applyIn(found.scope, setValue(found.id, input.socket, value), "step.value", gesture);
  };
  const describedBy = mistake ? `form-${name}` : undefined;
  return (
    <div className="form-field">
      <Widget
        home={{ node: input.node, socket: input.socket }}
        socket={socket}
        value={valueOf(record, info, input.socket)}
        label={label}
        invalid={mistake?.level === "error"}
        describedBy={describedBy}
        onChange={onChange}
      />
      {(mistake || input.doc) && (
        <p className={mistake ? "form-mistake" : "form-doc"} id={describedBy}>
          {mistake?.text ?? input.doc}
          {fix !== undefined && (
            <button type="button" className="small-button" onClick={() => onChange(fix)}>
              {t("mistake.offer", { value: typeof fix === "object" ? JSON.stringify(fix) : String(fix) })}
            </button>
          )}
        </p>
      )}
    </div>
  );
}
