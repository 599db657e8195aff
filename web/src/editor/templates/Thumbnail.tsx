import type { Template } from "./templates";

function Hill() {
  return (
    <>
      <rect width="160" height="90" className="thumb-sky" />
      <path d="M0 70 Q40 46 80 62 T160 58 V90 H0Z" className="thumb-hill" />
    </>
  );
}

function Ball({ second = false }: { readonly second?: boolean }) {
  return <circle r="9" className={`thumb-ball${second ? " thumb-ball-2" : ""}`} />;
}

/** A small moving picture of what a template makes; it stands still where less motion is wanted. */
export function Thumbnail({ kind }: { readonly kind: Template["id"] }) {
  return (
    <svg className={`thumb thumb-${kind}`} viewBox="0 0 160 90" aria-hidden="true" preserveAspectRatio="xMidYMid slice">
      {kind === "side-by-side" ? (
        <>
          <svg width="79" height="90" viewBox="30 0 90 90" preserveAspectRatio="xMidYMid slice">
            <Hill />
            <Ball />
          </svg>
          <svg x="81" width="79" height="90" viewBox="30 0 90 90" preserveAspectRatio="xMidYMid slice">
            <Hill />
            <Ball second />
          </svg>
        </>
      ) : (
        <>
          <Hill />
          <Ball second={kind === "video-to-video"} />
          {kind === "text-to-video" && (
            <g className="thumb-noise">
              {Array.from({ length: 60 }, (_, index) => (
                <rect key={index} x={(index * 53) % 160} y={(index * 37) % 90} width="8" height="6" opacity={0.2 + ((index * 7) % 10) / 14} />
              ))}
            </g>
          )}
          {kind === "video-to-video" && <rect className="thumb-wipe" width="160" height="90" />}
          {kind === "text-to-picture" && <rect x="6" y="6" width="148" height="78" rx="4" className="thumb-frame" />}
        </>
      )}
    </svg>
  );
}
