"""Run every benchmark, one thread each."""

import os

os.environ |= dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

# Only now: the thread counts have to be set before anything is loaded.
from benchmarks import boltzmann, hopfield, landscape, lattice, margin, network

lattice.main()
network.main()
hopfield.main()
boltzmann.main()
landscape.main()
margin.main()
