"""Encoders: networks that turn an image into features.

`load_encoder` gives VGG-19, VGG-16, SqueezeNet 1.1 or `tiny`, which ships in here and was trained on pictures
drawn by `nstkit.encoders.procedural`. An `Encoder` is called with the layers that one wants and computes nothing
else. `content_sensitivity` measures what a layer notices.
"""

from nstkit.encoders.border import repeat_border
from nstkit.encoders.dense import dense_as_conv, layer_cost
from nstkit.encoders.encoder import Encoder
from nstkit.encoders.extract import extract_features
from nstkit.encoders.load import encoder_names, load_encoder
from nstkit.encoders.normalize import normalize_activations
from nstkit.encoders.receptive_field import layer_windows, receptive_field
from nstkit.encoders.sensitivity import content_sensitivity

__all__ = [
    "Encoder",
    "content_sensitivity",
    "dense_as_conv",
    "encoder_names",
    "extract_features",
    "layer_cost",
    "layer_windows",
    "load_encoder",
    "normalize_activations",
    "receptive_field",
    "repeat_border",
]
