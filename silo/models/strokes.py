"""Draws handwritten digits: a pen that follows skeletons of strokes, as many different pictures as one likes.

A digit is a pen skeleton from SKELETONS, bent, placed in the frame the way the MNIST
pictures are, and drawn as an anti-aliased stroke.
"""

import math
from typing import Tuple

import numpy as np
import torch
from torch import Tensor

SIDE = 28          # the picture
BOX = 20.0         # the box inside it that the ink is fitted to
PATH_POINTS = 128  # dots along the pen's path; under half a pixel apart

# How people write each digit. One string is one way of writing: strokes are divided
# by "/", a stroke is a smooth curve through its "x,y" points, "!" makes the point a
# sharp corner. The frame is 100 high with y pointing down; the width is free, since
# the drawing is fitted to its box afterwards.
# The LAST string of every digit is never trained on: it is in the held-out set only.
SKELETONS = {
    0: [
        "35,0 10,20 2,50 12,82 35,100 58,80 66,50 56,18 35,0",
        "28,0 12,22 8,52 14,85 28,100 42,82 46,50 42,20 28,0",
        "50,0 18,12 2,48 16,86 50,100 84,86 98,50 84,14 50,0",
        "55,8 30,2 8,25 3,55 15,90 38,98 60,78 66,45 55,15 32,6 22,14",
        "30,4 8,28 4,60 20,95 42,97 62,70 64,35 50,8 38,2",
        "20,12 4,40 6,75 25,98 50,92 64,62 60,25 42,4 14,6",
        "34,0 16,6 4,26 0,50 4,76 16,94 34,100 52,94 64,76 68,50 64,26 52,6 34,0",
        "60,6 36,0 10,20 0,56 10,92 34,100 60,76 70,36 58,4 30,12",
        "40,2 14,14 2,45 6,80 28,100 54,88 68,55 60,20 36,4 28,20",
    ],
    1: [
        "20,0 20,100",
        "45,0 15,100",
        "8,0 16,100",
        "28,0 20,50 24,100",
        "0,28 25,0! 25,100",
        "0,25 25,0! 25,100 / 0,100 50,100",
        "0,20 14,12 26,0! 24,100",
        "25,0 25,100 / 2,100 50,100",
        "0,46 28,0! 28,100",
        "2,36 18,22 30,0! 27,50 28,100",
        "0,34 30,0! 24,100 / 4,98 46,100",
        "30,0 24,8 20,50 18,92 10,100",
        "22,0 22,100",
        "0,50 24,22 34,0! 32,100",
        "40,0 10,100",
        "18,0 24,40 20,100",
    ],
    2: [
        "5,22 18,4 42,2 58,18 52,42 30,68 2,98! 65,98",
        "6,20 20,3 45,2 58,20 50,48 25,85 8,96 2,86 14,78 32,88 50,98 70,92",
        "4,28 15,6 38,0 58,16 54,40 32,68 4,94! 25,88 45,96 70,94",
        "2,8 30,2 55,8! 30,55 4,96! 66,96",
        "12,30 4,16 20,2 45,0 62,18 58,42 38,66 4,98! 64,94",
        "2,15 30,0 60,20 48,55 15,96! 60,100",
        "4,24 20,2 46,4 56,24 42,55 14,88 4,92 4,80 16,80 36,96 66,98",
        "8,12 34,0 54,16 46,46 18,80 2,88 6,72 24,76 44,94 64,90 74,80",
        "0,20 24,0 50,8 54,30 36,60 2,100! 76,92",
        "10,34 6,14 28,0 52,12 52,36 34,70 18,96! 70,100",
        "8,8 40,0 52,20 36,60 10,94 2,84 20,78 50,88 84,84",
        "0,30 22,4 50,6 54,34 34,62 6,90! 40,92 74,100",
    ],
    3: [
        "5,12 28,0 52,10 54,32 26,46! 54,56 62,78 40,98 14,98 0,86",
        "5,10 30,0 54,14 48,38 26,48 20,46 28,44 56,58 60,82 34,100 2,88",
        "4,4 56,4! 26,40! 54,52 60,76 38,98 4,92",
        "2,10 30,0 50,16 40,36 12,46! 46,54 60,76 38,99 0,92",
        "0,8 40,0 56,22 36,46! 58,66 52,90 20,100 0,95",
        "0,14 26,0 50,8 50,26 36,40 20,46! 44,50 50,72 40,98 14,100 4,90",
        "8,20 26,2 50,12 44,34 22,48! 48,46 66,66 54,92 26,100 4,84",
        "2,6 50,2! 22,38! 50,46 58,70 40,94 8,100",
        "4,16 30,0 56,12 50,36 36,48 54,60 62,80 40,98 10,100 0,90",
        "0,18 20,0 46,6 46,30 22,42! 50,50 56,80 30,100 2,96",
        "6,6 44,2 52,24 30,44 24,47! 60,58 58,88 24,100 2,84",
    ],
    4: [
        "10,0 2,52! 62,50 / 52,2 48,100",
        "8,2 2,35 10,55 35,56 58,46 / 56,2 50,100",
        "50,100 50,0! 0,66! 70,66",
        "46,0 0,62! 66,62 / 46,0 44,100",
        "4,2 2,32 18,48 42,44 60,2! 46,100",
        "8,0 2,50! 54,50 / 55,0 52,50 50,100",
        "52,100 54,2! 0,56! 58,58",
        "20,0 0,48! 70,42 / 48,18 40,100",
        "30,0 2,62! 66,58 / 42,34 34,100",
        "26,0 10,30 2,60 30,66 64,58 / 46,30 38,100",
        "6,0 6,44! 60,40 / 52,0 54,100",
        "10,6 2,40 20,50 48,36 58,4! 50,60 48,100",
        "54,0 30,30 2,62! 40,62 80,56 / 56,28 50,100",
        "40,100 46,0! 20,30 2,54! 60,50",
        "14,0 4,34 8,46 30,48 62,38 / 64,0 50,50 44,100",
        "12,4 2,46 14,52 60,44 / 60,0 46,100",
    ],
    5: [
        "12,2 8,42! 32,36 56,50 58,78 36,98 2,92 / 12,2 60,2",
        "60,2 14,2! 8,42! 34,36 58,54 56,82 30,99 0,90",
        "58,4 30,2 12,16 14,38 36,48 56,62 50,88 24,100 0,92",
        "55,0 10,0! 8,40! 50,42 58,70 45,95 5,98",
        "10,12 6,45! 35,40 55,58 50,88 20,100 0,94 / 16,6 66,0",
        "70,0 25,4! 14,50! 40,55 45,80 20,100 0,96",
        "20,5 10,45 35,42 50,60 42,90 10,100 / 20,6 62,4",
        "16,4 10,44! 30,34 54,44 58,72 36,98 10,98 2,84 / 16,4 56,0",
        "66,0 40,4 26,10! 14,44 34,46 48,64 36,92 4,100",
        "14,16 12,48! 34,42 52,58 46,86 22,100 2,92 / 14,14 44,4 70,2",
        "60,10 36,2 18,8! 12,40! 40,40 58,60 48,90 20,100 4,88 8,78",
        "64,4 20,0! 10,36! 40,40 56,66 40,96 4,88",
    ],
    6: [
        "45,0 18,28 4,62 12,92 36,100 56,84 50,60 28,56 8,72",
        "40,0 6,60 10,92 32,100 52,86 46,64 26,60 8,76",
        "50,2 16,18 2,55 14,94 44,98 62,74 50,46 22,48 6,68",
        "14,0 4,40 2,80 18,100 40,94 42,74 24,66 4,80",
        "25,0 5,50 8,90 30,100 48,84 40,66 20,70",
        "54,6 20,22 4,62 20,98 48,92 54,70 36,58 14,70 10,86",
        "60,0 30,24 8,56 4,84 20,100 42,94 50,76 36,64 16,74 12,92",
        "30,0 12,24 2,60 6,90 28,100 54,90 62,66 46,48 20,56 6,76",
        "46,8 36,0 18,14 4,56 14,94 36,100 54,80 44,58 22,58 8,76",
        "24,0 14,40 10,80 26,100 60,94 70,78 50,68 24,76 14,88",
        "36,0 10,40 4,78 24,100 50,90 54,66 34,58 10,78",
    ],
    7: [
        "2,5 58,5! 22,100",
        "2,5 58,5! 22,100 / 15,50 58,48",
        "4,20 6,4! 60,4! 26,100",
        "0,8 30,4 60,4! 40,40 28,100",
        "0,14 20,3 50,4 58,16 40,55 28,100",
        "0,4 50,2! 46,100",
        "0,12 15,2 35,8 60,0! 20,100",
        "0,8 30,4 60,4! 40,40 28,100 / 18,54 56,46",
        "4,22 6,6 28,10 58,2! 36,50 26,100 / 16,52 54,48",
        "0,6 54,2! 36,36 32,100 / 12,46 62,44",
        "0,10 24,0 50,6 50,26 34,60 28,100",
        "6,14 4,4! 60,0! 34,54 10,100",
        "0,0 40,4 62,2! 60,14 30,56 22,100",
        "2,16 10,2 40,6 62,2! 44,48 36,100",
    ],
    8: [
        "52,14 30,0 8,14 14,36 44,58 54,82 30,100 4,84 12,60 42,38 52,14",
        "30,46 8,28 14,6 32,0 50,8 54,28 30,46 / 30,46 4,64 4,88 30,100 56,88 56,62 30,46",
        "50,6 26,4 8,20 22,40 46,60 50,88 26,100 6,86 14,62 40,40 58,8",
        "50,5 20,0 8,18 45,70 40,95 20,100 4,88 10,72 52,22 46,4",
        "44,10 26,2 14,14 22,30 48,52 56,80 30,100 2,80 12,50 38,30 44,10",
        "58,20 32,0 4,18 12,46 36,64 42,86 26,100 12,88 18,66 50,44 58,20",
        "54,8 36,0 14,6 8,22 24,42 44,58 52,78 42,96 22,100 6,88 8,70 26,52 48,34 56,16",
        "30,50 10,36 8,14 28,0 50,10 52,34 30,50 12,64 6,84 26,100 52,90 54,66 30,50",
        "54,10 30,0 6,14 16,38 34,58 36,84 26,100 16,84 24,58 48,38 54,10",
        "50,10 28,0 6,12 10,34 40,56 48,80 34,100 16,88 24,62 52,36 50,10",
        "60,4 40,0 16,10 16,30 36,48 44,70 36,94 16,100 4,86 12,64 40,46 66,24",
        "24,44 6,26 18,4 42,2 52,22 36,42 16,56 4,78 18,98 44,98 56,78 44,56 24,44",
        "56,8 30,0 6,20 30,44 54,66 44,96 14,98 6,74 30,46 50,30 56,8",
    ],
    9: [
        "52,14 28,0 6,16 6,40 28,50 52,30 54,10! 50,100",
        "54,16 30,0 6,14 4,38 26,50 50,36 56,12 56,60 44,90 10,98",
        "50,20 28,0 4,22 14,46 40,36 52,10! 30,100",
        "48,4 20,2 2,26 16,48 42,38 50,6 48,50 40,100",
        "50,8 24,0 4,20 12,40 36,38 52,14 50,55 46,100",
        "56,12 34,0 8,10 2,34 20,48 44,40 56,14 58,50 50,84 28,100 6,92",
        "40,6 18,2 4,16 10,32 28,32 40,12! 34,60 30,100",
        "52,6 30,0 8,18 14,42 38,42 54,14! 48,56 52,82 34,100 6,96 2,84",
        "56,20 40,2 12,6 2,26 14,44 40,36 58,8! 40,60 20,100",
        "40,46 12,44 2,22 20,2 46,4 56,24 56,60 46,100",
        "50,12 24,0 4,16 10,42 34,46 52,30 52,12 60,60 48,92 20,100 0,88",
        "52,10 30,0 8,8 6,26 26,36 48,28 50,44 46,80 26,100 4,94",
        "54,10 26,0 4,16 18,34 46,26 56,8 54,56 34,96 4,100! 20,88 50,84",
        "54,4 24,2 4,26 20,46 50,40! 54,2 52,100",
        "52,10 26,2 2,28 18,52 46,40 54,8 54,56 38,100",
    ],
}


class Pen:
    """Draws batches of digits; every picture is different.

    The skeletons are prepared once as matrices: a smooth curve through control points
    is linear in those points, so a whole batch of bent skeletons becomes one product.
    """

    def __init__(self, held_out: bool, seed: int, wildness: float = 1.0) -> None:
        self.random = torch.Generator().manual_seed(seed)
        self.wildness = wildness
        curves = [
            (digit, _read_skeleton(text))
            for digit, texts in SKELETONS.items()
            for text in (texts[-1:] if held_out else texts[:-1])
        ]
        most = max(len(points) for _, (points, _, _) in curves)
        self.points = torch.zeros(len(curves), most, 2)
        self.matrix = torch.zeros(len(curves), PATH_POINTS, most)
        self.stroke = torch.zeros(len(curves), PATH_POINTS, 2, dtype=torch.long)
        self.styles = [[] for _ in range(10)]
        for i, (digit, (points, matrix, stroke)) in enumerate(curves):
            self.points[i, : len(points)] = torch.from_numpy(points)
            self.matrix[i, :, : len(points)] = torch.from_numpy(matrix)
            self.stroke[i] = torch.from_numpy(stroke)
            self.styles[digit].append(i)

    def _uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.random) * (high - low) + low

    def _normal(self, sigma: float, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.random).clamp(-2.5, 2.5) * sigma

    def draw(self, count: int) -> Tuple[Tensor, Tensor]:
        """`count` pictures as 0..1 ink [count,1,28,28], and their digits [count]."""
        digits = torch.randint(0, 10, (count,), generator=self.random)
        pick = torch.rand(count, generator=self.random)
        style = torch.tensor(
            [self.styles[d][int(p * len(self.styles[d]))] for d, p in zip(digits.tolist(), pick.tolist())]
        )
        radius = (0.15 + self._normal(0.38, count)).exp().clamp(0.6, 2.4)
        # A bar has no loops to fill up: it is still a one when drawn with the thickest marker.
        radius = torch.where(digits == 1, radius * self._uniform(1.0, 1.6, count), radius)
        wild = self._uniform(0.5, 1.5, count, 1) * self.wildness  # neat writers and hasty ones
        path = self._place(self._bend(self._path(style, wild), wild), radius)
        return self._ink(path, radius), digits

    def _path(self, style: Tensor, wild: Tensor) -> Tensor:
        """The pen's path [n,PATH_POINTS,2] with y in 0..1, each control point off by a little."""
        n = len(style)
        controls = self.points[style]
        unsteady = self._uniform(0.01, 0.045, n, 1, 1) * wild[..., None]
        controls = controls + self._normal(1.0, *controls.shape) * unsteady
        path = self.matrix[style] @ controls
        # Strokes that start late or stop early: repeat the first or the last dot kept.
        first, last = self.stroke[style].unbind(-1)
        room = (last - first) // 6
        late = torch.minimum(self._uniform(0, 7, n, 1).long(), room)
        early = torch.minimum(self._uniform(0, 7, n, 1).long(), room)
        order = torch.arange(PATH_POINTS).expand(n, -1)
        order = torch.minimum(torch.maximum(order, first + late), last - early)
        return path.gather(1, order[..., None].expand(-1, -1, 2))

    def _bend(self, path: Tensor, wild: Tensor) -> Tensor:
        """The writer's hand: proportions, smooth warps, slant, turn and width."""
        n = len(path)
        # A power of y moves the waist of the digit up or down: big loops, small loops.
        x, y = path.unbind(-1)
        y = y.clamp(0.0) ** (wild * self._normal(0.2, n, 1)).exp()
        path = torch.stack([x, y], dim=-1)
        # Elastic distortion: a few long waves in random directions.
        for _ in range(3):
            wave = self._normal(4.0, n, 2, 1)
            phase = self._uniform(0, 2 * math.pi, n, 1, 1)
            push = wild[..., None] * self._normal(0.028, n, 1, 2)
            path = path + torch.sin(path @ wave + phase) * push
        wild = wild[:, 0]
        turn = wild * self._normal(0.14, n)
        slant = 0.08 + wild * self._normal(0.24, n)
        width = (wild * self._normal(0.2, n)).exp()
        cos, sin = turn.cos(), turn.sin()
        hand = torch.stack(
            [
                torch.stack([width * cos, width * sin], dim=-1),
                torch.stack([-sin - slant * cos, cos - slant * sin], dim=-1),
            ],
            dim=1,
        )
        return path @ hand

    def _place(self, path: Tensor, radius: Tensor) -> Tensor:
        """Into pixels as MNIST does it: ink fitted to a 20x20 box, centre of mass in the middle.

        A little shift and size is added on top, since senders seldom crop exactly so.
        """
        n = len(path)
        low, high = path.amin(1), path.amax(1)
        room = BOX * self._uniform(0.84, 1.08, n) - 2 * radius
        path = path * (room / (high - low).amax(1))[:, None, None]
        weight = (path[:, 1:] - path[:, :-1]).norm(dim=-1)
        weight = weight * (weight < 2.0)  # a longer step is the pen in the air
        middle = (path[:, 1:] + path[:, :-1]) / 2
        centre = (middle * weight[..., None]).sum(1) / weight.sum(1)[:, None]
        return path - centre[:, None] + SIDE / 2 + self._normal(0.6, n, 1, 2)

    def _ink(self, path: Tensor, radius: Tensor) -> Tensor:
        """Pictures [n,1,28,28] in 0..1 from the distance of every pixel to the path."""
        n = len(path)
        # Pressure: the pen's radius swells and shrinks along the path.
        along = torch.linspace(0, 1, PATH_POINTS)
        swing = self._uniform(0, 0.25, n, 1)
        pressure = 1 + swing * torch.sin(
            self._uniform(2, 14, n, 1) * along + self._uniform(0, 2 * math.pi, n, 1)
        )
        reach = (radius[:, None] * pressure)[:, None]
        pixel = (torch.arange(SIDE) + 0.5)[:, None]
        across = ((pixel - path[:, None, :, 0]) / reach) ** 2
        down = ((pixel - path[:, None, :, 1]) / reach) ** 2
        # Few pictures at a time: pixels times dots is large, and must stay in the cache.
        distance = torch.cat(
            [(d[:, :, None] + a[:, None]).amin(-1) for d, a in zip(down.split(16), across.split(16))]
        ).sqrt()
        # The edge is a ramp: one pixel wide is anti-aliasing, wider is a blurred scan.
        ramp = 1 + 1.6 * self._uniform(0, 1, n, 1, 1) ** 2
        ink = (0.5 + radius[:, None, None] * (1 - distance) / ramp).clamp(0, 1)
        gain = 1.15 - 0.5 * self._uniform(0, 1, n, 1, 1) ** 2
        ink = (ink * gain).clamp(0, 1) ** self._normal(0.2, n, 1, 1).exp()
        noise = 0.06 * self._uniform(0, 1, n, 1, 1) ** 3
        ink = (ink + self._normal(1.0, *ink.shape) * noise).clamp(0, 1)
        return ((ink * 255).round() / 255)[:, None]


def _read_skeleton(text: str) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Control points [k,2], the matrix [PATH_POINTS,k] that makes the path out of them, and
    for every dot the first and last dot of its stroke [PATH_POINTS,2]."""
    points, pieces, strokes = [], [], []  # a piece is a smooth run between corners
    for stroke in text.split("/"):
        piece = []
        strokes.append([])
        for word in stroke.split():
            piece.append(len(points))
            points.append([float(v) / 100 for v in word.rstrip("!").split(",")])
            if word.endswith("!"):
                strokes[-1].append(len(pieces))
                pieces.append(piece)
                piece = piece[-1:]
        strokes[-1].append(len(pieces))
        pieces.append(piece)
    points = np.array(points, np.float32)
    fine = [_curve(piece, len(points), 400) for piece in pieces]
    length = [np.linalg.norm(np.diff(m @ points, axis=0), axis=1).sum() for m in fine]
    dots = np.maximum(2, np.floor(np.array(length) / sum(length) * PATH_POINTS)).astype(int)
    dots[np.argmax(dots)] += PATH_POINTS - dots.sum()
    rows = []
    for matrix, count in zip(fine, dots):
        walked = np.linalg.norm(np.diff(matrix @ points, axis=0), axis=1).cumsum()
        walked = np.concatenate([[0.0], walked])
        rows.append(matrix[np.searchsorted(walked, np.linspace(0, walked[-1], count))])
    ends, at = [], 0
    for stroke in strokes:
        count = int(dots[stroke].sum())
        ends += [[at, at + count - 1]] * count
        at += count
    return points, np.concatenate(rows), np.array(ends)


def _curve(piece: list, total: int, count: int) -> np.ndarray:
    """Weights [count,total] of a Catmull-Rom curve through the control points in `piece`.

    The two outermost points count twice, which straightens the ends of the stroke.
    """
    weights = np.zeros((count, total), np.float32)
    last = len(piece) - 1  # the number of spans
    for row, at in enumerate(np.linspace(0, last, count)):
        i = min(int(at), last - 1)
        t = at - i
        blend = (
            -0.5 * t + t * t - 0.5 * t**3,
            1 - 2.5 * t * t + 1.5 * t**3,
            0.5 * t + 2 * t * t - 1.5 * t**3,
            -0.5 * t * t + 0.5 * t**3,
        )
        for step, weight in zip((-1, 0, 1, 2), blend):
            weights[row, piece[min(max(i + step, 0), last)]] += weight
    return weights
