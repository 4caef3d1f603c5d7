"""An encoder as a measuring instrument: gradients pass through it to the image, and none stays in it."""

from torch import Tensor, nn
from torch.func import functional_call

from nstkit.losses.features import EncoderFunction


def frozen(encoder: EncoderFunction) -> EncoderFunction:
    """The encoder with constants in the place of its trainable parameters; the module itself is not touched."""
    if not isinstance(encoder, nn.Module) or not any(p.requires_grad for p in encoder.parameters()):
        return encoder
    constants = {name: parameter.detach() for name, parameter in encoder.named_parameters()}

    def measure(image: Tensor) -> dict[str, Tensor]:
        features: dict[str, Tensor] = functional_call(encoder, constants, (image,))
        return features

    return measure
