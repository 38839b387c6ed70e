# ruff: noqa: E501 (a table, a line a kind)
"""One picture file, of every odd kind that Pillow can make; and which files a folder has."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from minigen.data.files import MOST_PIXELS, Look, decode, find

LOOK = Look(size=8, channels=3, fit="crop", background=1.0)
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def halves(
    mode: str = "RGB", left: object = RED, right: object = BLUE, size: tuple[int, int] = (32, 32)
) -> Image.Image:
    """A picture of two colours, side by side."""
    image = Image.new(mode, size, left)
    ImageDraw.Draw(image).rectangle((size[0] // 2, 0, size[0], size[1]), fill=right)  # type: ignore[arg-type]
    return image


def corners(path: Path, look: Look = LOOK) -> list[tuple[int, ...]]:
    """The colours that are seen at the left and at the right."""
    picture, _ = decode(path, look)
    assert picture.dtype == np.uint8
    assert picture.shape == (look.channels, look.size, look.size)
    return [tuple(picture[:, 4, x].tolist()) for x in (1, 6)]


def _palette(path: Path) -> None:
    halves().convert("P", palette=Image.Palette.ADAPTIVE).save(path)


def _palette_clear(path: Path) -> None:
    image = Image.new("P", (32, 32), 0)
    image.putpalette([*RED, *GREEN])
    ImageDraw.Draw(image).rectangle((16, 0, 32, 32), fill=1)
    image.save(path, transparency=1)


def _palette_bytes(path: Path) -> None:
    image = Image.new("P", (32, 32), 0)
    image.putpalette([*RED, *GREEN])
    ImageDraw.Draw(image).rectangle((16, 0, 32, 32), fill=1)
    image.save(path, transparency=bytes([255, 0]))


def _animated(path: Path) -> None:
    halves().save(path, save_all=True, append_images=[halves(left=GREEN, right=GREEN)], duration=100)


def _turned(path: Path) -> None:
    """Lying on its side, with a note that it is to be turned back by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    halves().transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=95, subsampling=0)


def _sixteen(path: Path) -> None:
    Image.fromarray(np.tile(np.repeat(np.array([0, 65535], np.uint16), 16), (32, 1))).save(path)


def _floats(path: Path) -> None:
    Image.fromarray(np.tile(np.repeat(np.array([0, 1], np.float32), 16), (32, 1))).save(path)


KINDS: dict[str, tuple[str, Callable[[Path], None], list[tuple[int, int, int]]]] = {
    "colour": ("a.png", lambda p: halves().save(p), [RED, BLUE]),
    "grey": ("a.png", lambda p: halves("L", 0, 255).save(p), [(0, 0, 0), WHITE]),
    "one bit": ("a.png", lambda p: halves("1", 0, 1).save(p), [(0, 0, 0), WHITE]),
    "16 bits of grey": ("a.png", _sixteen, [(0, 0, 0), WHITE]),
    "16 bits of grey, TIFF": ("a.tif", _sixteen, [(0, 0, 0), WHITE]),
    "numbers": ("a.tiff", _floats, [(0, 0, 0), WHITE]),
    "palette": ("a.gif", _palette, [RED, BLUE]),
    "palette with a transparent colour": ("a.gif", _palette_clear, [RED, WHITE]),
    "palette with transparencies": ("a.png", _palette_bytes, [RED, WHITE]),
    "transparency": ("a.png", lambda p: halves("RGBA", (*RED, 255), (*BLUE, 0)).save(p), [RED, WHITE]),
    "half of it": ("a.png", lambda p: halves("RGBA", (*RED, 255), (0, 0, 0, 128)).save(p), [RED, (127, 127, 127)]),
    "grey with transparency": ("a.png", lambda p: halves("LA", (0, 255), (0, 0)).save(p), [(0, 0, 0), WHITE]),
    "one transparent colour": ("a.png", lambda p: halves().save(p, transparency=BLUE), [RED, WHITE]),
    "print colours": ("a.jpg", lambda p: halves("CMYK", (0, 255, 255, 0), (255, 255, 0, 0)).save(p, quality=95), [RED, BLUE]),
    "print colours, TIFF": ("a.tif", lambda p: halves("CMYK", (0, 255, 255, 0), (255, 255, 0, 0)).save(p), [RED, BLUE]),
    "turned by the camera": ("a.jpg", _turned, [RED, BLUE]),
    "animated GIF": ("a.gif", _animated, [RED, BLUE]),
    "animated PNG": ("a.png", _animated, [RED, BLUE]),
    "animated WebP": ("a.webp", lambda p: halves().save(p, save_all=True, append_images=[halves(left=GREEN)], lossless=True), [RED, BLUE]),
    "icon": ("a.ico", lambda p: halves().save(p), [RED, BLUE]),
    "bitmap": ("a.bmp", lambda p: halves().save(p), [RED, BLUE]),
    "named as another kind": ("a.jpg", lambda p: halves().save(p, format="PNG"), [RED, BLUE]),
    "name in capitals, in Japanese": ("写真 ~ é.PNG", lambda p: halves().save(p), [RED, BLUE]),
    "large": ("a.jpg", lambda p: halves(size=(900, 500)).save(p, quality=95), [RED, BLUE]),
    "small": ("a.png", lambda p: halves(size=(2, 2)).save(p), [RED, BLUE]),
    "wide": ("a.png", lambda p: halves(size=(900, 2)).save(p), [RED, BLUE]),
}  # fmt: skip
"""A file's name, how it is made, and what colours it has at the left and at the right."""


@pytest.mark.parametrize(("name", "make", "seen"), KINDS.values(), ids=KINDS)
@pytest.mark.filterwarnings("ignore")
def test_every_kind_is_read(
    tmp_path: Path, name: str, make: Callable[[Path], None], seen: list[tuple[int, ...]]
) -> None:
    make(tmp_path / name)
    assert name in find(tmp_path).files
    for is_seen, wanted in zip(corners(tmp_path / name), seen, strict=True):
        # two pixels that become eight run into one another, and a JPEG is not exact
        assert np.abs(np.subtract(is_seen, wanted)).max() <= 12, (is_seen, wanted)


def test_grey_is_how_bright_it_looks(tmp_path: Path) -> None:
    halves(left=GREEN, right=BLUE).save(tmp_path / "a.png")
    bright, dark = corners(tmp_path / "a.png", LOOK._replace(channels=1))
    assert (bright, dark) == ((150,), (29,))


def test_what_is_no_square_is_cut_padded_or_drawn_out(tmp_path: Path) -> None:
    """Three stripes, red, green, blue: only the whole has the outer ones."""
    image = Image.new("RGB", (96, 32), RED)
    image.paste(GREEN, (32, 0, 64, 32))
    image.paste(BLUE, (64, 0, 96, 32))
    image.save(tmp_path / "a.png")
    cut, padded, drawn_out = (
        decode(tmp_path / "a.png", Look(24, 3, fit, -1.0))[0] for fit in ("crop", "pad", "stretch")
    )
    assert (cut[:, :, 2:-2].reshape(3, -1).T == GREEN).all()
    assert padded[:, 2, 12].tolist() == [0, 0, 0]
    assert padded[:, 12, 12].tolist() == list(GREEN)
    assert drawn_out[:, 2, 2].tolist() == padded[:, 12, 2].tolist() == list(RED)


def test_shrinking_averages_as_the_digits_do(tmp_path: Path) -> None:
    """A chessboard of single pixels becomes grey, not a pattern by chance."""
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "a.png")
    picture, small = decode(tmp_path / "a.png", Look(16, 1, "crop", 1.0))
    assert not small
    assert np.abs(picture.astype(int) - 127).max() <= 2


def test_a_bomb_is_not_decoded(tmp_path: Path) -> None:
    """A few bytes that claim to be 400 megapixels."""
    side = 20_000
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(Exception, match=r"bomb|pixels"):
        decode(tmp_path / "bomb.png", LOOK)
    assert side * side > MOST_PIXELS


def test_numbers_of_no_known_range_are_no_picture(tmp_path: Path) -> None:
    for values in ([-1.0, 1.0], [0.0, 1e6], [0.0, float("nan")]):
        Image.fromarray(np.array([values], np.float32)).save(tmp_path / "a.tif")
        with pytest.raises(ValueError, match="numbers from"):
            decode(tmp_path / "a.tif", LOOK)


def test_what_a_folder_holds(tmp_path: Path) -> None:
    """Loops of links end, a pipe is not waited for, and everything that is not read has a reason."""
    halves().save(tmp_path / "top.png")
    (tmp_path / "a" / "deep").mkdir(parents=True)
    halves().save(tmp_path / "a" / "deep" / "x.png")
    (tmp_path / ".hidden").mkdir()
    halves().save(tmp_path / ".hidden" / "x.png")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "drawing.svg").write_text("<svg/>")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "all").symlink_to("/")
    (tmp_path / "0").symlink_to(tmp_path / "a" / "deep")
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    (tmp_path / "copy.png").symlink_to(tmp_path / "top.png")
    os.mkfifo(tmp_path / "pipe.png")
    found = find(tmp_path)
    assert list(found.files) == ["a/deep/x.png", "copy.png", "top.png"]
    reasons = {name: why.split("(")[0].strip() for name, why in found.left_out.items()}
    already, nowhere = "a link to a folder that is read already", "a link that leads nowhere"
    assert reasons == {
        "0": already, "a/all": already, "a/loop": already, "nowhere.png": nowhere, "self.png": nowhere,
        "notes.txt": "no picture by the ending of its name", "drawing.svg": "a drawing of lines",
        "pipe.png": "no file but a pipe, a device or the like",
    }  # fmt: skip


def test_a_folder_elsewhere_is_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    halves().save(tmp_path / "elsewhere" / "x.png")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cats").symlink_to(tmp_path / "elsewhere")
    assert list(find(tmp_path / "mine").files) == ["cats/x.png"]
