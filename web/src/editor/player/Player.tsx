import { memo, useCallback, useEffect, useRef, useState, type RefObject } from "react";
import { setUi } from "../../store/ui";
import { Icon } from "../shared/Icon";
import { motionWanted } from "../shared/motion";
import { useT } from "../useT";
import { frameAt, learnFrames, momentOf } from "./frames";

interface Props {
  readonly url: string;
  readonly mediaType: string;
  readonly title: string;
  readonly path?: string;
  readonly faded?: boolean;
  readonly large?: boolean;
}

const RATES = [0.25, 0.5, 1, 2] as const;
const USUAL_FRAME = 1 / 24;

/** The time from one frame to the next; undefined as long as nothing tells. */
function useFrameSeconds(video: RefObject<HTMLVideoElement | null>, url: string): number | undefined {
  const [seconds, setSeconds] = useState<number>();
  useEffect(() => {
    const element = video.current;
    return element ? learnFrames(element, url, setSeconds) : undefined;
  }, [video, url]);
  return seconds;
}

const rateText = (rate: number): string => String(Number(rate.toFixed(2)));

/** The whole screen, or back from it. */
async function fillScreen(element: HTMLElement | null): Promise<void> {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await element?.requestFullscreen();
}

/** A result: a video with frame stepping, loop and speed, a picture, or a sound. */
export const Player = memo(function Player({ url, mediaType, title, path, faded = false, large = false }: Props) {
  const t = useT();
  const video = useRef<HTMLVideoElement>(null);
  const whole = useRef<HTMLDivElement>(null);
  const frame = useFrameSeconds(video, url);
  const [autoPlay] = useState(() => large || motionWanted()); // a player that was opened large was asked for
  const [playing, setPlaying] = useState(autoPlay);
  const [loop, setLoop] = useState(true);
  const [rate, setRate] = useState<number>(1);
  const [time, setTime] = useState({ now: 0, all: 0 });

  const toggle = useCallback(() => {
    const element = video.current;
    if (!element) return;
    if (element.paused) void element.play();
    else element.pause();
  }, []);
  const step = useCallback((direction: number) => {
    const element = video.current;
    if (!element) return;
    element.pause();
    element.currentTime = momentOf(element.currentTime, direction, frame ?? USUAL_FRAME, element.duration);
  }, [frame]);
  const open = useCallback(() => setUi({ player: { url, mediaType, title } }), [url, mediaType, title]);

  if (mediaType.startsWith("image/")) {
    return (
      <div className={`player${faded ? " player-faded" : ""}`}>
        <img className="media-fill" src={url} alt={title} draggable={false} onDoubleClick={large ? undefined : open} />
        <div className="player-bar player-bar-short" onKeyDown={(event) => event.stopPropagation()}>
          {!large && (
            <button type="button" aria-label={t("player.full")} onClick={open}>
              <Icon name="full" size={14} />
            </button>
          )}
          <Download url={url} path={path} />
        </div>
      </div>
    );
  }
  if (mediaType.startsWith("audio/")) return <audio className="player-audio" src={url} controls aria-label={title} />;
  if (!mediaType.startsWith("video/")) {
    return (
      <a className="player-file" href={url} download>
        <Icon name="file" /> {path ?? title}
      </a>
    );
  }
  const place = frame && time.all > 0 ? { frame: Math.min(frameAt(time.now, frame) + 1, Math.round(time.all / frame)), count: Math.round(time.all / frame), rate: rateText(1 / frame) } : undefined;
  const next = RATES[(RATES.indexOf(rate as (typeof RATES)[number]) + 1) % RATES.length] ?? 1;
  return (
    <div className={`player${faded ? " player-faded" : ""}${large ? " player-large" : ""}`} ref={whole}>
      <video
        ref={video}
        className="media-fill"
        src={url}
        aria-label={title}
        autoPlay={autoPlay}
        muted
        playsInline
        loop={loop}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={(event) => setTime({ now: event.currentTarget.currentTime, all: event.currentTarget.duration || 0 })}
        onClick={toggle}
        onDoubleClick={large ? undefined : open}
      />
      <div className="player-bar" onKeyDown={(event) => event.stopPropagation()}>
        <button type="button" aria-label={t(playing ? "player.pause" : "player.play")} onClick={toggle}>
          <Icon name={playing ? "pause" : "play"} size={14} />
        </button>
        <button type="button" aria-label={t("player.back")} onClick={() => step(-1)}>
          <span className="mirrored"><Icon name="step" size={14} /></span>
        </button>
        <button type="button" aria-label={t("player.forward")} onClick={() => step(1)}>
          <Icon name="step" size={14} />
        </button>
        <input
          type="range"
          aria-label={t("player.position")}
          min={0}
          max={time.all || 1}
          step={0.001}
          aria-valuetext={place && t("player.frame", place)}
          value={Math.min(time.now, time.all || 1)}
          onChange={(event) => {
            const element = video.current;
            if (!element) return;
            element.pause();
            element.currentTime = Number(event.target.value);
            setTime({ now: element.currentTime, all: element.duration || 0 });
          }}
        />
        {large && place && <output className="player-place">{t("player.frame", place)}</output>}
        <button type="button" aria-label={t("player.speed", { rate })} onClick={() => {
          setRate(next);
          if (!video.current) return;
          video.current.playbackRate = next;
          video.current.defaultPlaybackRate = next; // the next result begins with it
        }}>
          <span className="player-rate">{rate}×</span>
        </button>
        <button type="button" aria-label={t("player.loop")} aria-pressed={loop} onClick={() => setLoop(!loop)}>
          <Icon name="loop" size={14} />
        </button>
        <button type="button" aria-label={t(large ? "player.screen" : "player.full")} onClick={large ? () => void fillScreen(whole.current) : open}>
          <Icon name="full" size={14} />
        </button>
        <Download url={url} path={path} />
      </div>
    </div>
  );
});

function Download({ url, path }: Pick<Props, "url" | "path">) {
  const t = useT();
  return (
    <a href={url} download={path?.split("/").at(-1) ?? true} aria-label={t("player.download")}>
      <Icon name="download" size={14} />
    </a>
  );
}
