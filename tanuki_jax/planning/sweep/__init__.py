"""Sweeps of experiments: planned, trained on this machine, or trained by SLURM."""
