import { useEffect, useRef, useState } from "react";
import { setUi, useUi } from "../../store/ui";
import { Dialog } from "../chrome/Dialog";
import { Icon } from "../shared/Icon";
import { useT } from "../useT";

type Mode = "wipe" | "difference" | "side";
const MODES: readonly Mode[] = ["wipe", "difference", "side"];
const isVideo = (url: string): boolean => /\.(mp4|webm|mov|m4v)($|\?)/i.test(url);

/** Two results in step: a wipe between them, their difference, or side by side. */
export function CompareDialog() {
  const t = useT();
  const pair = useUi((state) => state.compare);
  if (!pair) return null;
  return (
    <Dialog title={t("compare.title")} wide onClose={() => setUi({ compare: undefined })}>
      <Compare first={pair[0]} second={pair[1]} />
    </Dialog>
  );
}

function Compare({ first, second }: { readonly first: string; readonly second: string }) {
  const t = useT();
  const [mode, setMode] = useState<Mode>("wipe");
  const [share, setShare] = useState(0.5);
  const [playing, setPlaying] = useState(true);
  const left = useRef<HTMLVideoElement>(null);
  const right = useRef<HTMLVideoElement>(null);

  useEffect(() => {
    const timer = setInterval(() => {
      const [a, b] = [left.current, right.current];
      if (a && b && Math.abs(a.currentTime - b.currentTime) > 0.04) b.currentTime = a.currentTime;
    }, 200);
    return () => clearInterval(timer);
  }, []);

  const both = (change: (video: HTMLVideoElement) => void): void => {
    for (const video of [left.current, right.current]) if (video) change(video);
  };
  const toggle = (): void => {
    both((video) => (playing ? video.pause() : void video.play().catch(() => undefined)));
    setPlaying(!playing);
  };
  const step = (direction: number): void => {
    setPlaying(false);
    const base = left.current?.currentTime ?? 0;
    both((video) => {
      video.pause();
      video.currentTime = Math.max(0, base + direction / 24);
    });
  };
  return (
    <div className="compare">
      <div
        className={`compare-stage compare-${mode}`}
        onPointerMove={(event) => {
          if (mode !== "wipe" || (event.pointerType === "mouse" && event.buttons === 0)) return;
          const box = event.currentTarget.getBoundingClientRect();
          setShare(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
        }}
      >
        <Side url={first} reference={left} label="A" />
        <div className="compare-top" style={mode === "wipe" ? { clipPath: `inset(0 0 0 ${share * 100}%)` } : undefined}>
          <Side url={second} reference={right} label="B" />
        </div>
        {mode === "wipe" && <span className="compare-line" style={{ left: `${share * 100}%` }} />}
      </div>
      <div className="compare-bar">
        <button type="button" className="icon-button" aria-label={t(playing ? "player.pause" : "player.play")} onClick={toggle}>
          <Icon name={playing ? "pause" : "play"} />
        </button>
        <button type="button" className="icon-button" aria-label={t("player.back")} onClick={() => step(-1)}>
          <span className="mirrored"><Icon name="step" /></span>
        </button>
        <button type="button" className="icon-button" aria-label={t("player.forward")} onClick={() => step(1)}>
          <Icon name="step" />
        </button>
        <input type="range" min={0} max={1} step={0.01} value={share} disabled={mode !== "wipe"} aria-label={t("compare.wipe")} onChange={(event) => setShare(Number(event.target.value))} />
        <div className="segments" role="radiogroup" aria-label={t("compare.mode")}>
          {MODES.map((name) => (
            <button key={name} type="button" role="radio" aria-checked={mode === name} onClick={() => setMode(name)}>
              {t(`compare.${name}`)}
            </button>
          ))}
        </div>
      </div>
    </div>
  );
}

interface SideProps {
  readonly url: string;
  readonly reference: React.RefObject<HTMLVideoElement | null>;
  readonly label: string;
}

function Side({ url, reference, label }: SideProps) {
  return isVideo(url) ? (
    <video ref={reference} src={url} autoPlay muted loop playsInline aria-label={label} />
  ) : (
    <img src={url} alt={label} draggable={false} />
  );
}
