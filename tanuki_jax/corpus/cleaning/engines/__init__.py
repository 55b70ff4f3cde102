"""Engines run the tasks of a stage: processes of this machine, SLURM jobs, or a Ray cluster."""
