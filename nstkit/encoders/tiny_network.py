"""The architecture of `tiny`: a small VGG (Simonyan and Zisserman, arXiv 1409.1556) beside two texture layers.

image -> conv1_1 relu1_1 | pool1 conv2_1 relu2_1 | pool2 conv3_1 .. relu3_2 | pool3 .. | pool4 .. relu5_1
      -> texture1_conv texture1 -> texture2_conv texture2          (at full resolution)
"""

from torch import nn

WIDTHS = (32, 64, 96, 160, 192)
DEPTHS = (1, 1, 2, 2, 1)
TEXTURE_WIDTHS = (32, 48)
TEXTURE_SIZES = (5, 3)
MEAN, DEVIATION = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def trunk_modules(batch_norm: bool = False) -> dict[str, nn.Module]:
    """The modules of the trunk by name, in order; with batch norm while training, folded away later."""
    modules: dict[str, nn.Module] = {}
    channels = 3
    for block, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True), start=1):
        if block > 1:
            modules[f"pool{block - 1}"] = nn.AvgPool2d(4, stride=2, padding=1)
        for index in range(1, depth + 1):
            modules[f"conv{block}_{index}"] = nn.Conv2d(channels, width, 3, padding=1, bias=not batch_norm)
            if batch_norm:
                modules[f"norm{block}_{index}"] = nn.BatchNorm2d(width)
            modules[f"relu{block}_{index}"] = nn.ReLU()
            channels = width
    return modules


def texture_modules() -> dict[str, nn.Module]:
    """The two full-resolution layers, whose filters come from k-means."""
    modules: dict[str, nn.Module] = {}
    channels = 3
    for index, (width, size) in enumerate(zip(TEXTURE_WIDTHS, TEXTURE_SIZES, strict=True), start=1):
        modules[f"texture{index}_conv"] = nn.Conv2d(channels, width, size, padding=size // 2)
        modules[f"texture{index}"] = nn.ReLU()
        channels = width
    return modules
