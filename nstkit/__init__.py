"""Neural style transfer to use, to read and to prepare interviews with.

The layers, from the ground up; imports only go down this list:

1. ``images``      reading, writing, resizing; the image contract
2. ``paintings``   style pictures drawn by code
   ``encoders``    VGG, SqueezeNet and ``tiny``, the embedded feature network
3. ``losses``      content, style and smoothness losses
   ``training``    optimisers
   ``theory``      closed forms and hand-derived gradients, for lessons and tests
4. ``transfer``    style transfer itself: start at ``nstkit.transfer.stylize``
   ``domain``      distances between feature distributions
5. ``lessons``     finds and builds the lesson notebooks
6. ``grading``     checks answers to the exercises and says what is wrong
7. ``cli``         the ``nstkit`` command
"""

__version__ = "0.1.0"
