"""`python -m nstkit …` is `nstkit …`; `torchrun -m nstkit train …` starts it on several processes."""

from nstkit.cli import main

if __name__ == "__main__":
    main()
