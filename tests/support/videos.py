"""Small video files, made with PyAV."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
from PIL import Image

CLOCK = 1000


def make_video(
    path, pictures, times=None, codec="libx264", pix_fmt="yuv420p", fps=10, sound="", **options
):
    """Write arrays [H, W, 3] as a video; `times` are in seconds, `sound` is a codec's name."""
    import av

    if times is None:
        times = [index / fps for index in range(len(pictures))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, CLOCK)
        heard = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for pixels, time in zip(pictures, times):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(time * CLOCK), Fraction(1, CLOCK)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if heard is not None:
            _put_tone(av, container, heard, max(times) + 1 / fps)
    return path


def _put_tone(av, container, stream, seconds):
    samples = np.sin(np.arange(round(48000 * seconds)) / 20)
    tone = np.int16(8000 * samples)[None]
    size = stream.codec_context.frame_size or 1024
    for start in range(0, tone.shape[1], size):
        piece = np.ascontiguousarray(tone[:, start : start + size])
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def turn(path, a=0, b=1, c=-1, d=0):
    """Set the display matrix in an MP4 file; as it is, the picture is shown turned to the right."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    entries = (each << 16 for each in (a, b, 0, c, d, 0, 0, 0, 1 << 14))
    data[at : at + 36] = struct.pack(">9i", *entries)
    path.write_bytes(data)
    return path


def make_coloured_video(path, colour, colour_space, **parameters):
    """Write a video of one colour; `colour_space` is FFmpeg's number, `parameters` name it to x264."""
    import av

    with av.open(str(path), "w") as container:
        named = ":".join(f"{name}={value}" for name, value in parameters.items())
        stream = container.add_stream("libx264", rate=10, options={"qp": "1", "x264-params": named})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p10le"
        frame = av.VideoFrame.from_ndarray(plain(colour, (64, 64)), format="rgb24")
        frame = frame.reformat(format="yuv420p10le", dst_colorspace=colour_space)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def make_video_of_changing_size(path, sizes):
    """Write a video whose frames have these sizes, all of one colour."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height = sizes[0]
        stream.pix_fmt = "yuvj420p"
        for index, size in enumerate(sizes):
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height = size
            encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 10)
            frame = av.VideoFrame.from_ndarray(plain("#c82828", size), format="rgb24")
            for packet in encoder.encode(frame.reformat(format="yuvj420p")):
                packet.stream, packet.time_base = stream, Fraction(1, CLOCK)
                packet.pts = packet.dts = index * CLOCK // 10
                container.mux(packet)
    return path


def make_gif(path, images, milliseconds=100):
    """Write Pillow's images as a GIF."""
    images[0].save(path, save_all=True, append_images=images[1:], duration=milliseconds, disposal=2)
    return path


def many_frames_gif(path, count):
    """A GIF of 64x64 pixels with so many frames: each changes one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", 64, 64, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    # An image of one pixel whose colour is 1, shown for a tenth of a second.
    frame = (
        b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
        b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    )
    path.write_bytes(head + frame * count + b"\x3b")
    return path


def plain(colour, size=(64, 48)):
    """An array of one colour."""
    return np.asarray(Image.new("RGB", size, colour))


def read_video(path):
    """The times and pictures of a video, as its file has them, and the codec of its sound."""
    import av

    with av.open(str(path)) as container:
        sound = container.streams.audio[0].codec_context.name if container.streams.audio else None
        frames = [
            (frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)
        ]
    return frames, sound
