import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import type { ComparedSide } from "../../store/ui";
import { learnFrames } from "../player/frames";
import { Icon } from "../shared/Icon";
import { secondsText } from "../shared/quantities";
import { useUi } from "../../store/ui";
import { useT } from "../useT";
import { usePair } from "./usePair";

type Mode = "wipe" | "difference" | "side";
const MODES: readonly Mode[] = ["wipe", "difference", "side"];
const GAINS = [1, 4, 16] as const;
const RATES = [0.25, 0.5, 1, 2] as const;

const following = <T,>(list: readonly T[], value: T): T => list[(list.indexOf(value) + 1) % list.length] ?? value;

/** Two results in step: a wipe between them, their difference (made stronger on demand), or side by side. */
export function ComparePlayer({ first, second }: { readonly first: ComparedSide; readonly second: ComparedSide }) {
  const t = useT();
  const language = useUi((state) => state.language);
  const [mode, setMode] = useState<Mode>("wipe");
  const [share, setShare] = useState(0.5);
  const [gain, setGain] = useState<(typeof GAINS)[number]>(1);
  const left = useRef<HTMLVideoElement>(null);
  const right = useRef<HTMLVideoElement>(null);
  const pair = usePair(left, right);
  const moving = first.mediaType.startsWith("video/");
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === " ") pair.toggle();
    else if (event.key === "," || event.key === "ArrowLeft") pair.step(-1);
    else if (event.key === "." || event.key === "ArrowRight") pair.step(1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const wipeTo = (event: React.PointerEvent): void => {
    if (mode !== "wipe" || (event.pointerType === "mouse" && event.type === "pointermove" && event.buttons === 0)) return;
    const box = event.currentTarget.getBoundingClientRect();
    setShare(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  };
  return (
    <div className="compare">
      <div
        className={`compare-stage compare-${mode}`}
        style={mode === "difference" && gain > 1 ? { filter: `brightness(${gain})` } : undefined}
        tabIndex={0}
        role="group"
        aria-label={t(`compare.${mode}`)}
        onKeyDown={onKeyDown}
        onPointerDown={wipeTo}
        onPointerMove={wipeTo}
      >
        <Side side={first} reference={left} label="A" />
        <div className="compare-top" style={mode === "wipe" ? { clipPath: `inset(0 0 0 ${share * 100}%)` } : undefined}>
          <Side side={second} reference={right} label="B" />
        </div>
        {mode === "wipe" && <span className="compare-line" style={{ left: `${share * 100}%` }} />}
        {mode !== "difference" && (
          <>
            <span className="compare-name compare-name-a" aria-hidden="true">A</span>
            <span className="compare-name compare-name-b" aria-hidden="true">B</span>
          </>
        )}
      </div>
      {moving && (
        <div className="compare-bar">
          <button type="button" className="icon-button" aria-label={t(pair.playing ? "player.pause" : "player.play")} onClick={pair.toggle}>
            <Icon name={pair.playing ? "pause" : "play"} />
          </button>
          <button type="button" className="icon-button" aria-label={t("player.back")} onClick={() => pair.step(-1)}>
            <span className="mirrored"><Icon name="step" /></span>
          </button>
          <button type="button" className="icon-button" aria-label={t("player.forward")} onClick={() => pair.step(1)}>
            <Icon name="step" />
          </button>
          <input
            type="range"
            min={0}
            max={pair.all || 1}
            step={0.001}
            value={Math.min(pair.now, pair.all || 1)}
            aria-label={t("player.position")}
            aria-valuetext={secondsText(pair.now, language)}
            onChange={(event) => pair.seek(Number(event.target.value))}
          />
          <button type="button" className="icon-button icon-text" aria-label={t("player.speed", { rate: pair.rate })} onClick={() => pair.setRate(following(RATES, pair.rate as (typeof RATES)[number]))}>
            {pair.rate}×
          </button>
        </div>
      )}
      <div className="compare-bar">
        <div className="segments" role="radiogroup" aria-label={t("compare.mode")}>
          {MODES.map((name) => (
            <button key={name} type="button" role="radio" aria-checked={mode === name} onClick={() => setMode(name)}>
              {t(`compare.${name}`)}
            </button>
          ))}
        </div>
        {mode === "wipe" && <input type="range" min={0} max={1} step={0.01} value={share} aria-label={t("compare.wipe")} onChange={(event) => setShare(Number(event.target.value))} />}
        {mode === "difference" && (
          <button type="button" className="small-button" onClick={() => setGain(following(GAINS, gain))}>
            {t("compare.gain", { gain })}
          </button>
        )}
      </div>
    </div>
  );
}

interface SideProps {
  readonly side: ComparedSide;
  readonly reference: React.RefObject<HTMLVideoElement | null>;
  readonly label: string;
}

function Side({ side, reference, label }: SideProps) {
  const lead = label === "A";
  useEffect(() => {
    const element = reference.current;
    return lead && element ? learnFrames(element, side.url, (seconds) => (element.dataset.frameSeconds = String(seconds))) : undefined;
  }, [reference, lead, side.url]);
  if (!side.mediaType.startsWith("video/")) return <img src={side.url} alt={label} draggable={false} />;
  return <video ref={reference} src={side.url} muted loop={lead} playsInline preload="auto" aria-label={label} />;
}
