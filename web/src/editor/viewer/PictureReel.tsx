import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import type { WireValue } from "../../api/protocol";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";

interface Props {
  readonly value: WireValue;
  readonly large: boolean;
}

const USUAL_RATE = 8;
const SIZES = [256, 1024] as const;

/** The address of one picture of a value. */
export function pictureUrl(value: WireValue, frame: number, size: number): string {
  return `${value.picture}${value.picture.includes("?") ? "&" : "?"}frame=${frame}&size=${size}`;
}

/** Pictures of a value: scrubbed by the slider or the arrows, played at their own rate; each is loaded once. */
export function PictureReel({ value, large }: Props) {
  const t = useT();
  const { view } = value;
  const count = view.pictures;
  const [wanted, setWanted] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [missing, setMissing] = useState(false);
  const frame = Math.min(wanted, count - 1);
  const size = SIZES[large ? 1 : 0];
  const source = pictureUrl(value, frame, size);
  const loaded = useRef(new Map<string, HTMLImageElement>());

  useEffect(() => {
    if (!playing || count < 2) return undefined;
    let alive = true;
    const next = (frame + 1) % count;
    const url = pictureUrl(value, next, size);
    const image = loaded.current.get(url) ?? new Image();
    image.src = url;
    loaded.current.set(url, image);
    const shownAt = performance.now();
    const advance = (): void => {
      const rest = 1000 / (view.fps ?? USUAL_RATE) - (performance.now() - shownAt);
      setTimeout(() => alive && setWanted(next), Math.max(0, rest));
    };
    image.decode().then(advance, () => alive && setPlaying(false));
    return () => {
      alive = false;
    };
  }, [playing, frame, count, value, size, view.fps]);

  const go = (to: number): void => {
    setPlaying(false);
    setWanted((to + count) % count);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowRight" || event.key === ".") go(frame + 1);
    else if (event.key === "ArrowLeft" || event.key === ",") go(frame - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(count - 1);
    else if (event.key === " ") setPlaying(!playing);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="reel">
      <div className="reel-stage" tabIndex={0} role="group" aria-label={t("viewer.frame", { number: frame + 1, count })} onKeyDown={onKeyDown}>
        {missing ? (
          <p className="viewer-reason">{t("viewer.gone")}</p>
        ) : (
          <img
            className={view.kind === "frames" ? "" : "reel-cells"}
            src={source}
            alt={t("viewer.picture", { name: `${value.node}.${value.output}`, number: frame + 1 })}
            draggable={false}
            onLoad={() => setMissing(false)}
            onError={() => setMissing(true)}
          />
        )}
      </div>
      {count > 1 && (
        <div className="reel-bar">
          <button type="button" aria-label={t(playing ? "player.pause" : "player.play")} onClick={() => setPlaying(!playing)}>
            <Icon name={playing ? "pause" : "play"} size={14} />
          </button>
          <button type="button" aria-label={t("player.back")} onClick={() => go(frame - 1)}>
            <span className="mirrored"><Icon name="step" size={14} /></span>
          </button>
          <button type="button" aria-label={t("player.forward")} onClick={() => go(frame + 1)}>
            <Icon name="step" size={14} />
          </button>
          <input
            type="range"
            min={0}
            max={count - 1}
            step={1}
            value={frame}
            aria-label={t("player.position")}
            aria-valuetext={t("viewer.frame", { number: frame + 1, count })}
            onChange={(event) => go(Number(event.target.value))}
            onKeyDown={(event) => event.stopPropagation()}
          />
          <output className="reel-count">
            {frame + 1} / {count}
          </output>
        </div>
      )}
      {view.note && <p className="viewer-note">{view.note}</p>}
    </div>
  );
}
