"""What onnxruntime says of a folder of pictures, as the table that tests/embedded.rs compares the Rust path with.

Usage: reference.py TESTDATA > reference.tsv

The pictures are decoded by Pillow at their full size, upright and in sRGB. Columns: the path below TESTDATA, three
times an ImageNet class with its probability (the most probable first), NanoDet's best object with its score.
"""

import io
import pathlib
import sys

import numpy
import onnxruntime
from PIL import Image, ImageCms, ImageOps

HERE = pathlib.Path(__file__).parent
FOLDERS = ["labelled", "photos"]
FORMATS = {"JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO"}
COLUMNS = ["path", "class1", "p1", "class2", "p2", "class3", "p3", "object", "score"]

LITE2_SIDE = 260
NANODET_SIDE = 416
BGR_MEAN = numpy.array([103.53, 116.28, 123.675], numpy.float32)
BGR_DEVIATION = numpy.array([57.375, 57.12, 58.395], numpy.float32)


def to_srgb(picture, profile):
    if not profile or picture.mode not in ("RGB", "L", "CMYK"):
        return picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except ImageCms.PyCMSError:
        return picture.convert("RGB")


def on_white(picture):
    """Transparent pixels show white."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def first_frame(picture):
    """A GIF's first picture; what it leaves of the canvas is transparent, as in browsers, not the background colour."""
    extent = picture.tile[0][1]
    frame = picture.convert("RGBA").crop(extent)
    canvas = Image.new("RGBA", picture.size)
    canvas.paste(frame, extent[:2])
    return canvas


def decode(path):
    """The upright sRGB picture, or None where Pillow can't read it or kbasefs doesn't try."""
    try:
        with Image.open(path) as picture:
            if picture.format not in FORMATS or picture.mode.startswith(("I", "F")):
                return None
            profile = picture.info.get("icc_profile")
            upright = first_frame(picture) if picture.format == "GIF" else ImageOps.exif_transpose(picture)
            return to_srgb(on_white(upright), profile)
    except Exception as error:
        print(f"{path}: {error}", file=sys.stderr)
        return None


def lite2_input(picture):
    side = min(picture.size) * LITE2_SIDE / (LITE2_SIDE + 32)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    box = (left, top, left + side, top + side)
    crop = picture.resize((LITE2_SIDE, LITE2_SIDE), Image.Resampling.BICUBIC, box)
    pixels = (numpy.asarray(crop, numpy.float32) - 127) / 128
    return pixels.transpose(2, 0, 1)[None]


def nanodet_input(picture):
    stretched = picture.resize((NANODET_SIDE, NANODET_SIDE), Image.Resampling.BILINEAR)
    pixels = (numpy.asarray(stretched, numpy.float32)[..., ::-1] - BGR_MEAN) / BGR_DEVIATION
    return numpy.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


class Models:
    def __init__(self):
        self.lite2 = onnxruntime.InferenceSession(HERE / "lite2.onnx")
        self.nanodet = onnxruntime.InferenceSession(HERE / "nanodet.onnx")

    def classes(self, picture):
        """The probabilities of the 1000 classes."""
        (logits,) = self.lite2.run(["logits"], {"input": lite2_input(picture)})
        powers = numpy.exp(logits[0] - logits[0].max())
        return powers / powers.sum()

    def objects(self, picture):
        """The best score of each of the 80 objects."""
        (rows,) = self.nanodet.run(["rows"], {"input": nanodet_input(picture)})
        return 1 / (1 + numpy.exp(-rows[0, :, :80].max(axis=0)))


def row(models, path, name):
    picture = decode(path)
    if picture is None:
        return None
    classes, objects = models.classes(picture), models.objects(picture)
    best = numpy.argsort(-classes, kind="stable")[:3]
    cells = [name] + [cell for c in best for cell in (c, f"{classes[c]:.4f}")]
    return cells + [objects.argmax(), f"{objects.max():.4f}"]


def main(root):
    models = Models()
    print(*COLUMNS, sep="\t")
    for folder in FOLDERS:
        for path in sorted(p for p in (root / folder).rglob("*") if p.is_file()):
            cells = row(models, path, str(path.relative_to(root)))
            if cells:
                print(*cells, sep="\t")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
