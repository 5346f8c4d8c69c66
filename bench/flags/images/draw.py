#!/usr/bin/python3
"""Draws the twenty flags, simplified, as the GIF files beside this script. Needs Pillow (python3-pil).

The files are part of the repository: this script is for whoever wants others. A flag is a list of shapes, in units of
its height.
"""

from pathlib import Path

from PIL import Image, ImageDraw

HEIGHT = 240
RED, GREEN, BLUE, WHITE, BLACK, YELLOW, ORANGE = "#c8102e", "#007a3d", "#0033a0", "#ffffff", "#000000", "#ffcd00", "#ff9933"


def rows(*colours):
    return [("box", 0, n / len(colours), 9, (n + 1) / len(colours), colour) for n, colour in enumerate(colours)]


def columns(*colours, width=1.5):
    part = width / len(colours)
    return [("box", n * part, 0, (n + 1) * part, 1, colour) for n, colour in enumerate(colours)]


def disc(x, y, radius, colour):
    return [("disc", x, y, radius, colour)]


FLAGS = {
    "BD": [*rows(GREEN), *disc(0.7, 0.5, 0.3, RED)],
    "BR": [*rows(GREEN), ("shape", [(0.1, 0.5), (0.75, 0.1), (1.4, 0.5), (0.75, 0.9)], YELLOW), *disc(0.75, 0.5, 0.2, BLUE)],
    "CD": [*rows("#007fff"), ("shape", [(0, 0.75), (0, 1), (0.4, 1), (1.5, 0.25), (1.5, 0), (1.1, 0)], RED), *disc(0.25, 0.25, 0.15, YELLOW)],
    "CN": [*rows(RED), *disc(0.3, 0.3, 0.17, YELLOW), *disc(0.6, 0.15, 0.05, YELLOW), *disc(0.6, 0.45, 0.05, YELLOW)],
    "DE": rows(BLACK, RED, YELLOW),
    "EG": [*rows(RED, WHITE, BLACK), *disc(0.75, 0.5, 0.12, YELLOW)],
    "ET": [*rows(GREEN, YELLOW, RED), *disc(0.75, 0.5, 0.25, BLUE)],
    "FR": columns(BLUE, WHITE, RED),
    "ID": rows(RED, WHITE),
    "IN": [*rows(ORANGE, WHITE, GREEN), *disc(0.75, 0.5, 0.13, BLUE)],
    "IR": [*rows(GREEN, WHITE, RED), *disc(0.75, 0.5, 0.1, RED)],
    "JP": [*rows(WHITE), *disc(0.75, 0.5, 0.3, RED)],
    "MX": [*columns(GREEN, WHITE, RED), *disc(0.75, 0.5, 0.12, "#8c5a2b")],
    "NG": columns(GREEN, WHITE, GREEN),
    "PH": [*rows(BLUE, RED), ("shape", [(0, 0), (0.8, 0.5), (0, 1)], WHITE), *disc(0.27, 0.5, 0.1, YELLOW)],
    "PK": [*rows(GREEN), ("box", 0, 0, 0.4, 1, WHITE), *disc(0.95, 0.5, 0.25, WHITE), *disc(1.03, 0.44, 0.22, GREEN)],
    "RU": rows(WHITE, BLUE, RED),
    "TR": [*rows(RED), *disc(0.55, 0.5, 0.25, WHITE), *disc(0.62, 0.5, 0.2, RED), *disc(0.9, 0.5, 0.08, WHITE)],
    "US": [*rows(*[RED, WHITE] * 6, RED), ("box", 0, 0, 0.7, 7 / 13, BLUE), *disc(0.35, 0.27, 0.1, WHITE)],
    "VN": [*rows(RED), *disc(0.75, 0.5, 0.2, YELLOW)],
}


def draw(shapes, height):
    image = Image.new("RGB", (height * 3 // 2, height))
    canvas = ImageDraw.Draw(image)
    for kind, *where, colour in shapes:
        if kind == "box":
            left, top, right, bottom = (round(height * value) for value in where)
            canvas.rectangle((left, top, right, bottom), colour)
        elif kind == "disc":
            x, y, radius = (height * value for value in where)
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), colour)
        else:
            canvas.polygon([(height * x, height * y) for x, y in where[0]], colour)
    return image.quantize(16, dither=Image.Dither.NONE)


for number, (code, shapes) in enumerate(FLAGS.items()):
    draw(shapes, HEIGHT + number).save(Path(__file__).with_name(f"{code.lower()}.gif"))
