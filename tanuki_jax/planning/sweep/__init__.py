"""Many experiments at once: planned, trained on this machine, or trained by SLURM."""
