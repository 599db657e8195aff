"""Makes one thumbnail: reads an image or video from standard input, writes a WebP to standard output.

A process of its own with hard limits, because decoders are where hostile files do harm.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys

_MEMORY = 1 << 30
_CPU_SECONDS = 10
_PIXELS = 64_000_000
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF", "image/avif": "AVIF"}
_DEMUXERS = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska", "video/x-matroska": "matroska"}


def main() -> int:
    """``thumbnailer KIND SIZE MEDIA_TYPE``."""
    kind, size, media_type = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = _video_frame(media_type) if kind == "video" else None
    try:
        picture = _shrink(data, size, "image/png" if kind == "video" else media_type)
    except Exception as error:  # any broken file
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(picture)
    return 0


def _shrink(data: bytes | None, size: int, media_type: str) -> bytes:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = _PIXELS
    source = io.BytesIO(data) if data is not None else sys.stdin.buffer
    with Image.open(source, formats=[_FORMATS[media_type]]) as image:
        if image.width * image.height > _PIXELS:
            raise ValueError("too many pixels")
        image.draft("RGB", (size, size))
        small = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small.thumbnail((size, size))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=80)
    return out.getvalue()


def _video_frame(media_type: str) -> bytes:
    import imageio_ffmpeg

    # the file is handed over as standard input: nothing is opened by name, and no other protocol is allowed
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-protocol_whitelist", "fd,pipe,file"]
    command += ["-f", _DEMUXERS[media_type], "-threads", "1", "-i", "/dev/fd/0"]
    command += ["-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "pipe:1"]
    done = subprocess.run(command, stdin=sys.stdin, capture_output=True, timeout=_CPU_SECONDS, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
