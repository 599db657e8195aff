import { useState } from "react";
import type { OutputFile } from "../../api/protocol";
import { setUi, type ComparedSide } from "../../store/ui";
import { openJob } from "../actions/run";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";
import { KINDS, useResults, type Kind } from "./useResults";

/** All results, newest first; the search looks into names and into the workflows that made them. Two can be compared. */
export function GalleryPanel() {
  const t = useT();
  const [query, setQuery] = useState("");
  const [kind, setKind] = useState<Kind>("all");
  const [chosen, setChosen] = useState<readonly OutputFile[]>([]);
  const { files: found, total, failed, more } = useResults(query.trim(), kind);
  const files = found?.filter((file) => /^(video|image)\//.test(file.media_type));

  const isChosen = (file: OutputFile): boolean => chosen.some((other) => other.url === file.url);
  const toggle = (file: OutputFile): void => setChosen(isChosen(file) ? chosen.filter((other) => other.url !== file.url) : [...chosen, file].slice(-2));
  const [first, second] = chosen;
  return (
    <>
      <div className="gallery-search">
        <Icon name="search" size={16} />
        <input type="search" aria-label={t("gallery.search")} placeholder={t("gallery.search")} value={query} onChange={(event) => setQuery(event.target.value)} />
        <button type="button" className="small-button" disabled={!first || !second} onClick={() => first && second && setUi({ compare: [sideOf(first), sideOf(second)] })}>
          <Icon name="compare" size={14} /> {t("gallery.compare")}
        </button>
      </div>
      <div className="segments gallery-kinds" role="radiogroup" aria-label={t("gallery.kinds")}>
        {KINDS.map((name) => (
          <button key={name} type="button" role="radio" aria-checked={kind === name} onClick={() => setKind(name)}>
            {t(`gallery.kind.${name}`)}
          </button>
        ))}
      </div>
      {failed !== "" && <p role="alert" className="callout callout-bad">{failed}</p>}
      {files?.length === 0 && (
        <div className="empty">
          <Icon name="gallery" size={32} />
          <p>{t(query.trim() || kind !== "all" ? "gallery.none" : "gallery.empty")}</p>
        </div>
      )}
      {files && files.length > 0 && (
        <ul className="gallery" aria-label={t("panel.gallery")}>
          {files.map((file) => (
            <GalleryTile key={file.url} file={file} chosen={isChosen(file)} onToggle={() => toggle(file)} />
          ))}
        </ul>
      )}
      {found && total > found.length && (
        <button type="button" className="small-button" onClick={more}>
          {t("jobs.older", { count: total - found.length })}
        </button>
      )}
    </>
  );
}

const sideOf = (file: OutputFile): ComparedSide => ({ url: file.url, mediaType: file.media_type, ...(file.job ? { job: file.job } : {}) });

const thumbnailOf = (file: OutputFile): string => `${file.url}?thumbnail=320`;

interface TileProps {
  readonly file: OutputFile;
  readonly chosen: boolean;
  readonly onToggle: () => void;
}

function GalleryTile({ file, chosen, onToggle }: TileProps) {
  const t = useT();
  const name = file.path.split("/").at(-1) ?? file.path;
  return (
    <li className={`tile${chosen ? " tile-chosen" : ""}`}>
      <button type="button" className="tile-picture" aria-label={t("gallery.play", { name })} onClick={() => setUi({ player: { url: file.url, mediaType: file.media_type, title: name } })}>
        {file.media_type.startsWith("video/") ? (
          <video
            src={file.url}
            muted
            loop
            playsInline
            preload="none"
            poster={thumbnailOf(file)}
            onPointerEnter={(event) => void event.currentTarget.play().catch(() => undefined)}
            onPointerLeave={(event) => event.currentTarget.pause()}
          />
        ) : (
          <img src={thumbnailOf(file)} alt="" loading="lazy" />
        )}
      </button>
      <span className="tile-name" title={file.path}>{name}{file.title && <small>{file.title}</small>}</span>
      <span className="tile-acts">
        <label title={t("gallery.choose")}>
          <input type="checkbox" checked={chosen} aria-label={t("gallery.chooseName", { name })} onChange={onToggle} />
        </label>
        {file.job && (
          <button type="button" className="icon-button" aria-label={t("jobs.open")} title={t("jobs.open")} onClick={() => void openJob(file.job)}>
            <Icon name="file" size={14} />
          </button>
        )}
      </span>
    </li>
  );
}
