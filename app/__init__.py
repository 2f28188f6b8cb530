"""The dashboard: it shows what `fsae_core` computes and computes nothing itself."""

import os

# OpenMP threads that spin while they wait slow every visitor down; torch reads this when it is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
