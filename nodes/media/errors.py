"""What goes wrong with media, in one family of errors whose messages are written for the person at the
screen."""

from __future__ import annotations


class MediaError(ValueError):
    """A picture or video cannot be read or written. The message says what happened and what would work."""


class UnsupportedMediaError(MediaError):
    """The file is of a kind that is not read or written here, or it is no media file at all."""


class DamagedMediaError(MediaError):
    """The file is truncated, or lies about its own structure."""


class TooLargeError(MediaError):
    """The file wants more than the limits allow; nothing of that size was allocated."""


class FfmpegMissingError(MediaError):
    """There is no ffmpeg binary to run."""


class FfmpegFailedError(MediaError):
    """ffmpeg ended with an error; the message carries its last lines."""
