"""Reads pixels with tifffile and pydicom, which are independent readers.

Standard input: one JSON line a file,

    {"reader": "tifffile" | "pydicom", "path": …, "series": bool, "overBlack": bool,
     "planes": [[c, z, t], …],
     "grids": [{"width", "height", "shrink", "xs": […], "ys": […]}, …]}

"series" asks for the planes of the main series, else a plane is the page of
that number among those of one size. A grid is a set of points of a level of
width × height pixels; with "shrink" above 1 the level is level 0 made smaller
by means of shrink × shrink pixels. "overBlack" leaves alpha out.

Standard output: one JSON line a file, {"error": …} or {"width", "height",
"planes", "samples", "values"}: base64 of little-endian float64 in the order
plane, grid, y, x, sample. Colours are grey or RGB as a viewer shows them.
"""
import base64
import json
import sys
import warnings

import numpy

warnings.filterwarnings("ignore")


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
    if kind == "YCBCR" and page.compression.name not in ("JPEG", "APERIO_JP2000_YCBC", "JPEG2000", "WEBP"):
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


def last(data, axes):
    """Brings an array to (H, W, S)."""
    for want in "YXS":
        if want not in axes:
            axes, data = axes + want, data[..., None]
    return numpy.transpose(data, [axes.index(a) for a in "YXS"])


def at(data, grid):
    """The points of a grid, (H, W, S)."""
    n = grid["shrink"]
    if n <= 1:
        return data[numpy.ix_(grid["ys"], grid["xs"])]
    rows = [[data[y * n:y * n + n, x * n:x * n + n].mean((0, 1), dtype=float) for x in grid["xs"]] for y in grid["ys"]]
    return numpy.array(rows)


def all_pages(pages):
    for page in pages:
        page = page.aspage()
        yield page
        if page.pages is not None:
            yield from all_pages(page.pages)


class TIFF:
    """One file by pages, or by the planes of its main series."""

    def __init__(self, job):
        import tifffile

        self.tif, self.kept = tifffile.TiffFile(job["path"]), {}
        self.series, self.over_black = None, job["overBlack"]
        if job["series"]:
            many = self.tif.series
            self.series = max(many, key=lambda s: s.pages[0].imagewidth * s.pages[0].imagelength) if self.tif.is_ome else many[0]
        first = self.series.keyframe if self.series else self.tif.pages[0]
        self.width, self.height = first.imagewidth, first.imagelength

    def planes(self):
        if not self.series:
            return None
        return [dict(zip(self.axes(self.series), self.series.shape)).get(a, 1) for a in "CZT"]

    def axes(self, series):
        return series.axes.replace("I", "Z").replace("Q", "Z")

    def plane(self, grid, plane, number):
        whole = grid["shrink"] > 1
        size = (self.width, self.height) if whole else (grid["width"], grid["height"])
        key = size + (number,)
        if key not in self.kept:
            self.kept[key] = self.load(size, plane, number)
        page, data = self.kept[key]
        if whole:
            return at(self.meant(page, data), grid)
        return self.meant(page, at(data, grid))

    def meant(self, page, data):
        if self.series and page.photometric.name == "PALETTE":
            return data
        data = colours(page, data)
        return over_black(page, data) if self.over_black else data

    def load(self, size, plane, number):
        if not self.series:
            pages = [p for p in all_pages(self.tif.pages) if (p.imagewidth, p.imagelength) == size]
            page = pages[number]
            if page.size > 1 << 28:
                raise ValueError("%d samples are too many to be read at once" % page.size)
            return page, last(page.asarray(), page.axes)
        for level in self.series.levels:
            if (level.keyframe.imagewidth, level.keyframe.imagelength) != size:
                continue
            if id(level) not in self.kept:
                self.kept[id(level)] = level.asarray()
            data, axes = self.kept[id(level)], self.axes(level)
            for axis, n in zip("CZT", plane):
                if axis in axes:
                    data, axes = numpy.take(data, n, axes.index(axis)), axes.replace(axis, "")
            return level.keyframe, last(data, axes)
        raise ValueError("the series has no level of %d × %d pixels" % size)


class DICOM:
    """One file by frames, as PIMS shows them: unsigned, black least."""

    def __init__(self, job):
        import pydicom

        d = pydicom.dcmread(job["path"])
        data = self.pixels(d)
        kind = d.PhotometricInterpretation
        if data.dtype.kind == "i":
            data = (data.astype(numpy.int64) - numpy.iinfo(data.dtype).min).astype("u%d" % data.dtype.itemsize)
        if d.BitsAllocated == 1:
            data = data * 255
        if kind == "MONOCHROME1":
            data = numpy.iinfo(data.dtype).max - data
        if kind == "PALETTE COLOR":
            data = pydicom.pixels.apply_color_lut(data, d)
            if data.dtype != numpy.uint8:
                data = data >> 8
        self.samples = data.shape[-1] if kind not in ("MONOCHROME1", "MONOCHROME2") else 1
        self.width, self.height = int(d.Columns), int(d.Rows)
        self.frames = data.reshape(-1, self.height, self.width, self.samples)

    def pixels(self, d):
        try:
            return d.pixel_array
        except Exception:
            import imagecodecs
            import pydicom

            syntax = d.file_meta.TransferSyntaxUID
            read = {
                "4.57": imagecodecs.ljpeg_decode, "4.70": imagecodecs.ljpeg_decode, "4.51": imagecodecs.jpeg8_decode,
                "4.80": imagecodecs.jpegls_decode, "4.81": imagecodecs.jpegls_decode,
                "4.90": imagecodecs.jpeg2k_decode, "4.91": imagecodecs.jpeg2k_decode,
                "4.201": imagecodecs.htj2k_decode, "4.203": imagecodecs.htj2k_decode,
            }[syntax.removeprefix("1.2.840.10008.1.2.")]
            count = int(d.get("NumberOfFrames", 1))
            data = numpy.stack([read(f) for f in pydicom.encaps.generate_frames(d.PixelData, number_of_frames=count)])
            return data.view("i%d" % data.dtype.itemsize) if d.PixelRepresentation == 1 else data

    def planes(self):
        return [1, len(self.frames), 1]

    def plane(self, grid, plane, number):
        return at(self.frames[plane[1]], grid)


def answer(job):
    file = {"tifffile": TIFF, "pydicom": DICOM}[job["reader"]](job)
    parts, samples = [], 0
    for number, plane in enumerate(job["planes"]):
        for grid in job["grids"]:
            part = file.plane(grid, plane, number)
            samples = part.shape[-1]
            parts.append(numpy.asarray(part, "<f8").tobytes())
    values = base64.b64encode(b"".join(parts)).decode()
    return {"width": file.width, "height": file.height, "planes": file.planes(), "samples": samples, "values": values}


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except Exception as e:  # the reader does not know the file: told to the test
        said = {"error": "%s: %s" % (type(e).__name__, e)}
    print(json.dumps(said), flush=True)
