"""Training of a fastText model in a process of its own: `python -m ...fasttext_process LABELLED MODEL NGRAMS`.

fastText 0.9.2 with one thread, which alone repeats its results, sets only a tenth of its first matrix and leaves the
rest as it was in memory. That is zero in a new process and anything in an old one, where training then ends in NaN.
"""

import sys


def main() -> None:
    """Train a model of the file that the command line names, and write it."""
    import fasttext

    labelled, path, ngrams = sys.argv[1:]
    model = fasttext.train_supervised(
        labelled, thread=1, seed=1, verbose=0, dim=16, lr=0.5, epoch=30, wordNgrams=int(ngrams), bucket=200_000
    )
    model.save_model(path)


if __name__ == "__main__":
    main()
