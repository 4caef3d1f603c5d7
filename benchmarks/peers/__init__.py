"""nstkit beside its peers: the tutorial loop, crowsonkb's style-transfer-pytorch and pystiche.

    python -m benchmarks.peers [--crowsonkb FOLDER] [--pystiche FOLDER] [--device cuda] [--json FILE]

All sides get the same seeded VGG-19, the same pictures, layers, sizes and numbers of evaluations. Each runs in a
process of its own and they take turns, so that a machine that slows down slows all of them down. None of the peers'
code is in here: they are imported from a checkout, an unpacked wheel, or where they are installed.
"""
