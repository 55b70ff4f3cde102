"""Makes a tokenizer and token stores of documents; what exists is used as it is.

python -m tanuki_jax.prepare --config=tiny
python -m tanuki_jax.prepare --config=8b --data.stores /scratch/stores --workers 64
python -m tanuki_jax.prepare --config=8b_sft --preview 3
"""

if __name__ == "__main__":  # worker processes import this file too, and need nothing of the command line
    from tanuki_jax.door import enter
    from tanuki_jax.prepare.command import main

    enter("prepare", main)
