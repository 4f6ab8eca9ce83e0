"""Serves the promoted model over HTTP. Nothing here needs scikit-learn, pandas or DVC, and nothing is ever unpickled."""
