"""Parts of a file that are decoded one after the other: joined MP3 files, and links of Ogg files.

A decoder takes such a file for one stream. It stops after the first part, takes the next one's tags
for audio, or keeps the sound that encoders add at the ends.
"""

from dataclasses import dataclass

from workers.audio.mp3_frames import Mp3Part, find_mp3_parts
from workers.audio.ogg_links import OggLink, OggStream, find_ogg_links


@dataclass(frozen=True, slots=True)
class FileSegment:
    """A part of a file."""

    start: int = 0
    end: int | None = None
    """The byte after it; None is the end of the file."""
    demuxer: str | None = None
    """How FFmpeg reads it; None: by its content."""
    seconds: float | None = None
    """Its length; None if that was not counted."""
    missing_s: float = 0.0
    """How much audio its header announces beyond that."""
    lost_s: float = 0.0
    """How much audio before it is damaged."""
    is_cut: bool = False
    """Whether it ends in the middle of something, although nothing tells how much is missing."""


def mp3_segments(path: str) -> list[FileSegment]:
    """The segments of an MP3 file; empty if it has none."""
    return [_mp3_segment(part) for part in find_mp3_parts(path)]


def ogg_segments(path: str, track: str) -> list[FileSegment]:
    """The segments of an Ogg file; empty if it has none."""
    return [_ogg_segment(link, _chosen(link, track)) for link in find_ogg_links(path)]


def _mp3_segment(part: Mp3Part) -> FileSegment:
    return FileSegment(
        part.start,
        part.end,
        demuxer="mp3",
        seconds=part.seconds,
        missing_s=part.missing_s,
        lost_s=part.lost_s,
        is_cut=part.is_cut,
    )


def _ogg_segment(link: OggLink, stream: OggStream) -> FileSegment:
    return FileSegment(
        link.start, link.end, demuxer="ogg", seconds=stream.seconds, is_cut=link.is_cut
    )


def _chosen(link: OggLink, track: str) -> OggStream:
    streams = list(link.streams.values())
    index = int(track) - 1 if track.isdecimal() else 0
    return streams[index] if 0 <= index < len(streams) else streams[0]
