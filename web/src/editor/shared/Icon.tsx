import { memo } from "react";

const PATHS = {
  play: "M7 4.5v15l12-7.5z",
  stop: "M6 6h12v12H6z",
  pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
  undo: "M9 7 4.5 11.5 9 16M5 11.5h9a5 5 0 0 1 0 10h-2",
  redo: "m15 7 4.5 4.5L15 16m4-4.5h-9a5 5 0 0 0 0 10h2",
  plus: "M12 5v14M5 12h14",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM20 20l-4.9-4.9",
  close: "M6 6l12 12M18 6 6 18",
  queue: "M4 6h16M4 12h16M4 18h10",
  gallery: "M4 5h16v14H4zM4 15l4.5-4.5 4 4L16 11l4 4",
  history: "M4 12a8 8 0 1 0 2.5-5.8M4 4v4h4M12 8v4.5l3 2",
  form: "M5 4h14v16H5zM8 9h8M8 13h8M8 17h4",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 7.5v.5",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.8.4-1 .9-1 1.7M12 16.5v.5",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  warning: "M12 4 2.8 20h18.4zM12 10v4M12 17v.5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  loop: "M4 12V9a3 3 0 0 1 3-3h12m-3-3 3 3-3 3M20 12v3a3 3 0 0 1-3 3H5m3 3-3-3 3-3",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  dice: "M5 5h14v14H5zM9 9h.01M15 15h.01M15 9h.01M9 15h.01",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5 11h14v9H5z",
  step: "M6 5v14M10 5l9 7-9 7z",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  enter: "M4 5h16v14H4zM8 12h8m-3-3 3 3-3 3",
  block: "M4 4h16v16H4zM9 9h6v6H9z",
  share: "M12 15V4M8 7.5 12 3.5l4 4M6 12H5v8h14v-8h-1",
  branch: "M7 4v16M7 13c6 0 10-2 10-7M17 6V4M4.5 4h5M14.5 4h5",
  up: "m6 15 6-6 6 6",
  down: "m6 9 6 6 6-6",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  layout: "M3 5h6v5H3zM15 3h6v5h-6zM15 15h6v5h-6zM9 7.5h3v10h3M12 5.5h3",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5M9 9h6v6H9z",
  compare: "M12 3v18M4 6h5v12H4zM15 6h5v12h-5z",
  template: "M4 4h7v7H4zM13 4h7v4h-7zM13 10h7v10h-7zM4 13h7v7H4z",
  chevron: "m6 9 6 6 6-6",
  back: "m14 6-6 6 6 6",
  minus: "M5 12h14",
  bypass: "M3 12h4c3 0 3-6 6-6s2 6 8 6M3 18h18",
  mute: "M5 5l14 14M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
} as const;

export type IconName = keyof typeof PATHS;

interface Props {
  readonly name: IconName;
  readonly size?: number;
}

/** A line icon; it is always decoration, the control around it carries the name. */
export const Icon = memo(function Icon({ name, size = 18 }: Props) {
  const solid = name === "play" || name === "stop" || name === "pause";
  return (
    <svg
      viewBox="0 0 24 24"
      width={size}
      height={size}
      aria-hidden="true"
      fill={solid ? "currentColor" : "none"}
      stroke={solid ? "none" : "currentColor"}
      strokeWidth={name === "more" || name === "dice" ? 2.4 : 1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
});
