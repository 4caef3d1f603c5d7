"""Neural style transfer to use, to read and to prepare interviews with.

The layers, from the ground up; imports only go down this list:

1. ``images``      reading, writing, resizing, folders; the image contract
2. ``paintings``   style pictures drawn by code
   ``color``       colour spaces, keeping colours and imposing them
   ``filters``     blurring and denoising
   ``enhance``     tone, local contrast, detail, pyramids
   ``encoders``    VGG, SqueezeNet and ``tiny``, the embedded feature network
3. ``losses``      content, style, smoothness and what else one penalises
   ``training``    optimisers, schedules, a training loop that resumes exactly
   ``theory``      closed forms and hand-derived gradients, for lessons and tests
4. ``transfer``    style transfer itself: start at ``nstkit.transfer.stylize``
   ``gan``         DCGAN, CycleGAN, their losses, steps and training on folders
   ``domain``      distances between feature distributions, and ways to close them
5. ``lessons``     finds and builds the lesson notebooks
6. ``grading``     checks answers to the exercises and says what is wrong
7. ``course``      nbgrader courses; whole classes graded
   ``drill``       mock interviews, the question bank, what to see next
8. ``cli``         the ``nstkit`` command
"""

__version__ = "0.1.0"
