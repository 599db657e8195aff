import { useId, useRef, useState, type DragEvent } from "react";
import { upload } from "../../api/client";
import { toast } from "../../store/ui";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import { useModels } from "./useModels";
import type { WidgetProps } from "./types";

const ACCEPT: Readonly<Record<string, string>> = { image: "image/*", video: "video/*", audio: "audio/*" };

/** A file: choose or drop one to upload it, or type a path that the server knows. Models are offered from its list. */
export function FileWidget({ home, socket, value, label, invalid, describedBy, onChange }: WidgetProps) {
  const t = useT();
  const picker = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const list = useId();
  const kind = socket.widget?.file_kind ?? "file";
  const endings = socket.widget?.extensions ?? [];
  const [known, askAgain] = useModels(kind === "model");
  const models = known.filter((name) => endings.length === 0 || endings.some((ending) => name.endsWith(ending)));
  const path = typeof value === "string" ? value : "";

  const send = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    setBusy(true);
    try {
      onChange((await upload(file)).name);
    } catch (error) {
      toast("error", t("file.failed", { name: file.name, reason: error instanceof Error ? error.message : "" }));
    } finally {
      setBusy(false);
    }
  };
  const onDrop = (event: DragEvent): void => {
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault(); // so it is not opened as a workflow
    void send(file);
  };
  const onDragOver = (event: DragEvent): void => {
    event.preventDefault();
    setOver(event.dataTransfer.types.includes("Files"));
  };
  const extensions = endings.join(",");
  return (
    <div
      className={`field field-file${invalid ? " field-invalid" : ""}${over ? " field-over" : ""}`}
      onDrop={onDrop}
      onDragOver={onDragOver}
      onDragLeave={() => setOver(false)}
    >
      <span className="field-label">{label}</span>
      <input
        className="field-input"
        value={busy ? t("file.sending") : path}
        placeholder={kind === "model" ? t("file.model") : t("file.drop")}
        aria-label={label}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        list={models.length > 0 ? list : undefined}
        onFocus={kind === "model" ? askAgain : undefined}
        onChange={(event) => onChange(event.target.value, `type:${home.node}:${home.socket}`)}
        onKeyDown={(event) => event.stopPropagation()}
      />
      {models.length > 0 && (
        <datalist id={list}>
          {models.map((model) => (
            <option key={model} value={model} />
          ))}
        </datalist>
      )}
      {kind !== "model" && (
        <button type="button" className="seed-button" aria-label={t("file.choose", { name: label })} onClick={() => picker.current?.click()}>
          <Icon name="file" size={14} />
        </button>
      )}
      <input
        ref={picker}
        type="file"
        hidden
        accept={extensions || ACCEPT[kind]}
        onChange={(event) => void send(event.target.files?.[0])}
      />
    </div>
  );
}
