"""A small residual network for handwritten digits: `python digits.py` trains it and writes net.pt.

It is also a recipe for `python -m oda_torch`.
"""

from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DATA = Path(__file__).resolve().parents[2] / "data" / "digits"
# A pixel from 0 to 16 is a float from 0 to 1 here; the records keep the pixel.
EXPORT = {"input_scale": 1 / 16}


class Block(nn.Module):
    """Two convolutions around which the input also goes straight on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.body(x))


def model() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        Block(16),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        Block(32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def batches(name: str, shuffle: bool = False) -> DataLoader:
    records = torch.frombuffer(bytearray((DATA / name).read_bytes()), dtype=torch.uint8).reshape(-1, 65)
    images = records[:, :64].reshape(-1, 1, 8, 8) / 16
    return DataLoader(TensorDataset(images, records[:, 64].long()), batch_size=64, shuffle=shuffle)


def calibration() -> DataLoader:
    return batches("train.bin")


def validation() -> DataLoader:
    return batches("validation.bin")


def train(module: nn.Module, epochs: int) -> None:
    torch.manual_seed(0)
    optimiser = torch.optim.Adam(module.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    module.train()
    for _ in range(epochs):
        for images, classes in batches("train.bin", shuffle=True):
            optimiser.zero_grad()
            nn.functional.cross_entropy(module(images), classes).backward()
            optimiser.step()
        schedule.step()
    module.eval()


if __name__ == "__main__":
    torch.manual_seed(0)
    net = model()
    train(net, epochs=10)
    torch.save(net.state_dict(), "net.pt")
