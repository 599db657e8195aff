import { useEffect, useMemo, useState } from "react";
import { getFiles } from "../../api/client";
import type { OutputFile } from "../../api/protocol";
import { useRun } from "../../store/run";
import { setUi, type ComparedSide } from "../../store/ui";
import { openJob } from "../actions/run";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";

/** All results, newest first, with search; two of them can be compared. */
export function GalleryPanel() {
  const t = useT();
  const jobs = useRun((state) => state.jobs);
  const [listed, setListed] = useState<readonly OutputFile[]>([]);
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const finished = Object.values(jobs).filter((job) => job.finished).length;
  useEffect(() => {
    getFiles("?limit=200").then(
      (page) => setListed(page.files),
      () => undefined,
    );
  }, [finished]);
  const files = useMemo(() => {
    const own = Object.values(jobs).flatMap((job) => job.outputs.map((file) => ({ ...file, created: file.created || job.created, job: file.job || job.id })));
    const byPath = new Map([...own, ...listed].map((file) => [file.url, file]));
    return [...byPath.values()]
      .filter((file) => /^(video|image)\//.test(file.media_type))
      .filter((file) => `${file.path} ${jobs[file.job]?.title ?? ""}`.toLowerCase().includes(query.toLowerCase()))
      .sort((left, right) => right.created - left.created);
  }, [jobs, listed, query]);

  const toggle = (url: string): void => setChosen((before) => (before.includes(url) ? before.filter((other) => other !== url) : [...before, url].slice(-2)));
  const [first, second] = chosen.map((url) => files.find((file) => file.url === url));
  return (
    <>
      <div className="gallery-search">
        <Icon name="search" size={16} />
        <input aria-label={t("gallery.search")} placeholder={t("gallery.search")} value={query} onChange={(event) => setQuery(event.target.value)} />
        <button type="button" className="small-button" disabled={!first || !second} onClick={() => first && second && setUi({ compare: [sideOf(first), sideOf(second)] })}>
          <Icon name="compare" size={14} /> {t("gallery.compare")}
        </button>
      </div>
      {files.length === 0 ? (
        <div className="empty">
          <Icon name="gallery" size={32} />
          <p>{t(query ? "gallery.none" : "gallery.empty")}</p>
        </div>
      ) : (
        <ul className="gallery">
          {files.map((file) => (
            <GalleryTile key={file.url} file={file} chosen={chosen.includes(file.url)} onToggle={() => toggle(file.url)} />
          ))}
        </ul>
      )}
    </>
  );
}

const sideOf = (file: OutputFile): ComparedSide => ({ url: file.url, mediaType: file.media_type, ...(file.job ? { job: file.job } : {}) });

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
            preload="metadata"
            onPointerEnter={(event) => void event.currentTarget.play().catch(() => undefined)}
            onPointerLeave={(event) => event.currentTarget.pause()}
          />
        ) : (
          <img src={file.url} alt="" loading="lazy" />
        )}
      </button>
      <span className="tile-name" title={file.path}>{name}</span>
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
