#!/usr/bin/env python3
"""Makes the networks among the example models of this repository from nothing.

    python3 make_models.py                 # all six
    python3 make_models.py --only simple   # one of them

Every model is a TorchScript archive written next to this script as
NAME/1/model.pt; the config.json files beside them are written by hand.

  simple     sum and difference of two INT32 [n,16] tensors
  identity   returns its input
  countdown  takes one from an INT32 [n,1] tensor, and says whether that is the last number
  digits     reads handwritten digits: FP32 [n,1,28,28] -> 10 logits
  digits_mlp the same with a network of another kind, which errs elsewhere
  agreement  mean of two FP32 [n,10] tensors of scores, and whether both have the same best class

The ensembles `digits_ensemble` and `digits_checked` consist of these, and need no archive.

`digits` and `digits_mlp` are trained on pictures that strokes.py draws, so the repository carries no
data set and nothing is downloaded. No picture is ever used twice. The training takes
two or three minutes on two cores. Seeds are fixed, but another version of torch, or another
processor, rounds differently and ends at slightly different weights.

Needs torch (1.13 or later), numpy and Pillow.
"""

import argparse
import io
import sys
import time
import zipfile
from pathlib import Path
from typing import Callable, Tuple

import torch
from PIL import Image
from torch import Tensor, nn

sys.dont_write_bytecode = True  # no __pycache__ among the model folders
from strokes import Pen  # noqa: E402

HERE = Path(__file__).resolve().parent

SEED = 20
HELD_OUT_SEED = 7
HELD_OUT_COUNT = 10_000

# Pixels reach the network as (v/255 - MEAN)/STD: the usual MNIST constants, which
# digits/config.json asks the server to apply.
MEAN, STD = 0.1307, 0.3081

# Of digits and digits_mlp, as in digits_ensemble/config.json.
ENSEMBLE_WEIGHTS = (3, 1)


class Simple(nn.Module):
    """Sum and difference; integer tensors stay integers."""

    def forward(self, INPUT0: Tensor, INPUT1: Tensor) -> Tuple[Tensor, Tensor]:
        return INPUT0 + INPUT1, INPUT0 - INPUT1


class Identity(nn.Module):
    """Returns what it is given."""

    def forward(self, INPUT0: Tensor) -> Tensor:
        return INPUT0


class Countdown(nn.Module):
    """One step of a countdown, which the server runs again on its own answer."""

    def forward(self, FROM: Tensor) -> Tuple[Tensor, Tensor]:
        number = FROM - 1
        return number, number <= 0


class Agreement(nn.Module):
    """Joins what two networks say of the same pictures."""

    def forward(self, left: Tensor, right: Tensor) -> Tuple[Tensor, Tensor]:
        agree = left.argmax(1, keepdim=True) == right.argmax(1, keepdim=True)
        return (left + right) / 2, agree


class DigitsMlp(nn.Module):
    """A plain multi-layer perceptron: it sees places where `Digits` sees shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(28 * 28, 80), nn.ReLU(), nn.Linear(80, 64), nn.ReLU(), nn.Linear(64, 10)
        )

    def forward(self, pixels: Tensor) -> Tensor:
        return self.layers(pixels)


class Digits(nn.Module):
    """A plain convolutional network.

    It ends in the mean over all places rather than in a dense layer over them: most
    of the parameters then go into seeing shapes, and a digit that sits a little off
    centre costs nothing.
    """

    def __init__(self) -> None:
        super().__init__()

        def block(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            )

        self.features = nn.Sequential(
            block(1, 24, size=5, stride=2),
            block(24, 32),
            block(32, 48),
            nn.MaxPool2d(2),
            block(48, 64),
            block(64, 64),
        )
        self.scores = nn.Linear(64, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.scores(self.features(pixels).mean(dim=(2, 3)))


def normalize(ink: Tensor) -> Tensor:
    """What the server's preprocessing does to a picture."""
    return (ink - MEAN) / STD


def train(name: str, make: Callable[[], nn.Module], steps: int, batch: int, seed: int) -> nn.Module:
    """Trains on `steps` batches of fresh pictures; the rate rises, then falls to nothing."""
    torch.manual_seed(seed)
    model = make()
    pen = Pen(held_out=False, seed=seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps, pct_start=0.15)
    # Smoothed labels: some drawings are beyond reading, and nobody should be sure of those.
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    started, seen = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        ink, digits = pen.draw(batch)
        loss = loss_of(model(normalize(ink)), digits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        seen += loss.item()
        if step % 200 == 0:
            print(f"{name}: step {step}/{steps}, loss {seen / 200:.4f}, {time.monotonic() - started:.0f} s", flush=True)
            seen = 0.0
    return model.eval()


def save(name: str, module: torch.jit.ScriptModule) -> Path:
    """Writes NAME/1/model.pt next to this script.

    The archive is a plain zip of uncompressed entries. Those that end in .debug_pkl are
    left out: they only serve error messages, and hold the path of this script, so that
    the same model would come out as different bytes in every checkout.
    """
    path = HERE / name / "1" / "model.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = io.BytesIO()
    torch.jit.save(module, whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        for entry in source.namelist():
            if not entry.endswith(".debug_pkl"):
                target.writestr(zipfile.ZipInfo(entry), source.read(entry))
    return path


def make_simple() -> None:
    print(f"simple: {save('simple', torch.jit.script(Simple())).stat().st_size} bytes")


def make_countdown() -> None:
    print(f"countdown: {save('countdown', torch.jit.script(Countdown())).stat().st_size} bytes")


def make_identity() -> None:
    print(f"identity: {save('identity', torch.jit.script(Identity())).stat().st_size} bytes")


def make_digits(steps: int = 2000, batch: int = 128) -> None:
    """Trains, saves, then judges the saved archive on ways of writing it was never trained on.

    More steps raise the held-out accuracy a little further (7500 steps: 0.989), but that
    set comes from the same pen, and what is gained there need not carry over to people.
    """
    model = train("digits", Digits, steps, batch, SEED)
    reader = save_and_judge("digits", model)
    (HERE / "digits" / "labels.txt").write_text("".join(f"{d}\n" for d in range(10)))
    samples = HERE / "digits" / "samples"
    samples.mkdir(exist_ok=True)
    ink, digits = Pen(held_out=True, seed=HELD_OUT_SEED, wildness=0.4).draw(500)
    with torch.no_grad():
        sure = reader(normalize(ink)).softmax(1)
    for d in range(10):
        best = int((sure[:, d] * (digits == d)).argmax())
        picture = (ink[best, 0] * 255).round().to(torch.uint8).numpy()
        Image.fromarray(picture, mode="L").save(samples / f"{d}.png")


def make_digits_mlp(steps: int = 4000, batch: int = 128) -> None:
    save_and_judge("digits_mlp", train("digits_mlp", DigitsMlp, steps, batch, SEED + 1))
    (HERE / "digits_mlp" / "labels.txt").write_text("".join(f"{d}\n" for d in range(10)))


def save_and_judge(name: str, model: nn.Module) -> torch.jit.ScriptModule:
    """Saves a network, and judges the archive; of `digits_mlp` also together with `digits`, as the ensemble weighs them."""
    path = save(name, torch.jit.script(model))
    reader = torch.jit.load(str(path)).eval()
    pen = Pen(held_out=True, seed=HELD_OUT_SEED, wildness=1.15)
    ink, digits = pen.draw(HELD_OUT_COUNT)

    def probabilities(network: torch.jit.ScriptModule) -> Tensor:
        with torch.no_grad():
            return torch.cat([network(normalize(part)).softmax(1) for part in ink.split(500)])

    def accuracy(sure: Tensor) -> float:
        return (sure.argmax(1) == digits).float().mean().item()

    sure = probabilities(reader)
    count = sum(p.numel() for p in model.parameters())
    print(
        f"{name}: held-out accuracy {accuracy(sure):.3f} over {HELD_OUT_COUNT} pictures (seed {HELD_OUT_SEED}), "
        f"{count} parameters, {path.stat().st_size} bytes"
    )
    if name == "digits_mlp":
        other = probabilities(torch.jit.load(str(HERE / "digits" / "1" / "model.pt")).eval())
        both = (ENSEMBLE_WEIGHTS[0] * other + ENSEMBLE_WEIGHTS[1] * sure) / sum(ENSEMBLE_WEIGHTS)
        print(f"digits_ensemble: held-out accuracy {accuracy(both):.4f}, of digits alone {accuracy(other):.4f}")
    return reader


def make_agreement() -> None:
    print(f"agreement: {save('agreement', torch.jit.script(Agreement())).stat().st_size} bytes")


MODELS = {
    "simple": make_simple,
    "identity": make_identity,
    "countdown": make_countdown,
    "agreement": make_agreement,
    "digits": make_digits,
    "digits_mlp": make_digits_mlp,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=sorted(MODELS), help="make this model alone")
    only = parser.parse_args().only
    torch.set_num_threads(2)
    for name, make in MODELS.items():
        if only in (None, name):
            make()


if __name__ == "__main__":
    main()
