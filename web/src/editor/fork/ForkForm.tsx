import { useMemo, useState } from "react";
import type { JsonValue, NodeId, WorkflowDocument } from "../../graph/document";
import { forkFields, lastForkStep, type ForkField } from "../../graph/fork";
import { useEditor } from "../../store/editor";
import { filmOf } from "../../store/film";
import { fork } from "../actions/fork";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import { Widget } from "../widgets/Widget";

interface Props {
  readonly job: string;
  readonly node: NodeId;
  readonly document: WorkflowDocument;
  readonly onDone: () => void;
}

type Changes = Readonly<Record<string, JsonValue>>;
const keyOf = (field: ForkField): string => JSON.stringify([field.node, field.socket.name]);
const valueNow = (field: ForkField, changes: Changes): JsonValue => changes[keyOf(field)] === undefined ? field.value : (changes[keyOf(field)] ?? null);

/** The step, by its picture where this tab saw the run; the values that change after it; run. */
export function ForkForm({ job, node, document, onDone }: Props) {
  const t = useT();
  const catalogue = useEditor((state) => state.catalogue);
  const film = filmOf(job, node);
  const { last, known } = lastForkStep(document, node, film?.total);
  const fields = useMemo(() => forkFields(document, node, catalogue), [document, node, catalogue]);
  const [step, setStep] = useState(Math.max(1, Math.min(last, Math.round((last + 1) / 2))));
  const [changes, setChanges] = useState<Changes>({});
  const [sending, setSending] = useState(false);
  const changed = fields.filter((field) => JSON.stringify(valueNow(field, changes)) !== JSON.stringify(field.value));

  const send = async (): Promise<void> => {
    setSending(true);
    const values: Record<string, Record<string, JsonValue>> = {};
    for (const field of changed) values[field.node] = { ...values[field.node], [field.socket.name]: valueNow(field, changes) };
    if (await fork(job, node, step, values)) onDone();
    setSending(false);
  };
  const shown = film?.frames.filter((frame) => frame.step <= step).at(-1);
  const main = fields.filter((field) => !field.socket.widget?.advanced);
  const more = fields.filter((field) => field.socket.widget?.advanced);
  const row = (field: ForkField): React.ReactNode => (
    <ForkRow
      key={keyOf(field)}
      field={field}
      title={document.nodes[field.node]?.title ?? catalogue.get(document.nodes[field.node]?.type ?? "")?.title ?? field.node}
      value={valueNow(field, changes)}
      changed={changed.includes(field)}
      onChange={(value) => setChanges((before) => ({ ...before, [keyOf(field)]: value ?? field.socket.info?.default ?? null }))}
    />
  );
  return (
    <form
      className="fork"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <fieldset className="fork-step">
        <legend>{t("fork.step")}</legend>
        {film && film.frames.length > 0 && (
          <div className="fork-film">
            {shown && <img className="fork-shown" src={shown.url} alt={t("fork.shown", { step: shown.step })} />}
            <ol>
              {film.frames.filter((frame) => frame.step <= last).map((frame) => (
                <li key={frame.step}>
                  <button type="button" aria-pressed={frame.step === step} aria-label={t("fork.stepNumber", { step: frame.step })} onClick={() => setStep(frame.step)}>
                    <img src={frame.url} alt="" />
                    <span>{frame.step}</span>
                  </button>
                </li>
              ))}
            </ol>
          </div>
        )}
        <div className="fork-slider">
          <input type="range" min={1} max={last} step={1} value={step} aria-label={t("fork.step")} onChange={(event) => setStep(Number(event.target.value))} />
          <output>{known ? t("fork.of", { step, total: last + 1 }) : step}</output>
        </div>
        <p className="viewer-note">{t("fork.kept", { step })}</p>
      </fieldset>
      <fieldset className="fork-values">
        <legend>{t("fork.values")}</legend>
        {main.map(row)}
        {more.length > 0 && (
          <details>
            <summary>{t("node.more", { count: more.length })}</summary>
            {more.map(row)}
          </details>
        )}
      </fieldset>
      <footer className="fork-foot">
        <span>{changed.length === 0 ? t("fork.unchanged") : t("fork.changed", { count: changed.length })}</span>
        <button type="submit" className="run-button fork-run" disabled={sending || changed.length === 0}>
          <Icon name="branch" size={16} /> {t("fork.run", { step })}
        </button>
      </footer>
    </form>
  );
}

interface RowProps {
  readonly field: ForkField;
  readonly title: string;
  readonly value: JsonValue;
  readonly changed: boolean;
  readonly onChange: (value: JsonValue | undefined) => void;
}

function ForkRow({ field, title, value, changed, onChange }: RowProps) {
  return (
    <div className={`fork-row${changed ? " fork-row-changed" : ""}`}>
      <span className="fork-owner">{title}</span>
      <span className="widget">
        <Widget home={{ node: field.node, socket: field.socket.name }} socket={field.socket} value={value} label={field.socket.label} invalid={false} describedBy={undefined} onChange={onChange} />
      </span>
    </div>
  );
}
