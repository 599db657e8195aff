import { setValue } from "../../graph/commands";
import type { WorkflowInput } from "../../graph/document";
import { inputInfo, valueOf } from "../../graph/sockets";
import { apply, useEditor } from "../../store/editor";
import { useMistake } from "../node/useMistake";
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
  const record = useEditor((state) => state.document.nodes[input.node]);
  const type = useEditor((state) => (record ? state.catalogue.get(record.type) : undefined));
  const mistake = useMistake(input.node, input.socket);
  const info = inputInfo(type, input.socket);
  if (!record || !info?.widget) return null;
  const label = input.label || name;
  const socket = { name: input.socket, label, type: info.type, info, widget: info.widget, spare: false };
  const describedBy = mistake ? `form-${name}` : undefined;
  return (
    <div className="form-field">
      <Widget
        node={input.node}
        socket={socket}
        value={valueOf(record, info, input.socket)}
        label={label}
        invalid={mistake?.level === "error"}
        describedBy={describedBy}
        onChange={(value, gesture) => apply(setValue(input.node, input.socket, value), "step.value", gesture)}
      />
      {(mistake || input.doc) && (
        <p className={mistake ? "form-mistake" : "form-doc"} id={describedBy}>
          {mistake?.text ?? input.doc}
        </p>
      )}
    </div>
  );
}
