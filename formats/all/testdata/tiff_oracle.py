"""Reads pixels of TIFF files with tifffile, an independent reader.

Standard input: one line a file, "page<TAB>path" for the first page only,
"page-over-black<TAB>path" for it without alpha, or "series<TAB>path" for the
planes of the main series. Standard output: one JSON
line a file: {"width", "height", "samples", "planes": {"c,z,t": [[x, y, [v…]], …]}}
or {"error": …}. Colours are grey or RGB as a viewer shows them.
"""
import json
import sys

import numpy
import tifffile


def colours(page, data):
    """Turns what the samples mean into grey or RGB; data is (H, W, S)."""
    bits = page.bitspersample
    kind = page.photometric.name
    signed = data.dtype.kind == "i"
    if data.dtype == bool and kind == "PALETTE":
        data = data.astype(int)
    if kind == "PALETTE":
        table = page.colormap
        if table.max() > 255:
            table = table >> 8
        rgb = numpy.moveaxis(table[:, data[..., 0]], 0, -1)
        return numpy.concatenate([rgb, data[..., 1:]], -1)
    if data.dtype.kind == "u" and bits < 8:
        top = (1 << bits) - 1
        data = (data.astype(int) * 255 + top // 2) // top
        bits = 8
    if data.dtype == bool:
        data, bits = data.astype(int) * 255, 8
    if kind == "MINISWHITE":
        if data.dtype.kind == "f":
            data = 1 - data
        elif signed:
            data = (1 << (bits - 1)) - 1 - data.astype(numpy.int64)
        else:
            data = (1 << bits) - 1 - data.astype(numpy.int64)
    if kind == "SEPARATED" and data.shape[-1] >= 4:
        top = (1 << bits) - 1
        ink = data.astype(numpy.int64)
        rgb = ((top - ink[..., :3]) * (top - ink[..., 3:4]) + top // 2) // top
        return numpy.concatenate([rgb, ink[..., 4:]], -1)
    if kind == "YCBCR" and page.compression.name != "JPEG":
        y, b, r = (data[..., i].astype(float) for i in range(3))
        rgb = [y + 1.402 * (r - 128), y - 0.344136 * (b - 128) - 0.714136 * (r - 128), y + 1.772 * (b - 128)]
        return numpy.clip(numpy.rint(numpy.stack(rgb, -1)), 0, 255)
    return data


def over_black(page, data):
    """Lays alpha, the last sample, over black."""
    if not page.extrasamples or page.extrasamples[-1] == 0 or data.dtype.kind != "u":
        return data
    top = int(numpy.iinfo(data.dtype).max)
    wide = data.astype(numpy.int64)
    return (wide[..., :-1] * wide[..., -1:] + top // 2) // top


def plain(v):
    v = float(v)
    return v if numpy.isfinite(v) else None


def points(data):
    height, width = data.shape[:2]
    out = []
    for y in sorted({0, height // 4, height // 2, height - 1}):
        for x in sorted({0, width // 3, width // 2, width - 1}):
            out.append([x, y, [plain(v) for v in data[y, x]]])
    return out


def last(data, axes):
    """Brings an array to (H, W, S)."""
    for want in "YXS":
        if want not in axes:
            axes, data = axes + want, data[..., None]
    order = [axes.index(a) for a in "YXS"]
    return numpy.transpose(data, order)


def read(mode, path):
    with tifffile.TiffFile(path) as tif:
        if mode.startswith("page"):
            page = tif.pages[0]
            data = colours(page, last(page.asarray(), page.axes))
            if mode == "page-over-black":
                data = over_black(page, data)
            return {"width": page.imagewidth, "height": page.imagelength, "samples": data.shape[2], "planes": {"0,0,0": points(data)}}
        series = max(tif.series, key=lambda s: s.pages[0].imagewidth * s.pages[0].imagelength) if tif.is_ome else tif.series[0]
        page = series.keyframe
        data, axes = series.asarray(level=0), series.axes
        for old, new in (("I", "Z"), ("Q", "Z")):
            axes = axes.replace(old, new)
        planes = {}
        sizes = {a: (data.shape[axes.index(a)] if a in axes else 1) for a in "CZT"}
        for t in range(sizes["T"]):
            for z in range(sizes["Z"]):
                for c in range(sizes["C"]):
                    part, left = data, axes
                    for a, n in (("T", t), ("Z", z), ("C", c)):
                        if a in left:
                            part, left = numpy.take(part, n, left.index(a)), left.replace(a, "")
                    plane = last(part, left)
                    if page.photometric.name != "PALETTE":
                        plane = colours(page, plane)
                    planes["%d,%d,%d" % (c, z, t)] = points(plane)
        return {"width": page.imagewidth, "height": page.imagelength, "samples": plane.shape[2], "planes": planes}


for line in sys.stdin:
    mode, path = line.rstrip("\n").split("\t")
    try:
        answer = read(mode, path)
    except Exception as e:  # the reader does not know the file: told to the test
        answer = {"error": "%s: %s" % (type(e).__name__, e)}
    print(json.dumps(answer), flush=True)
