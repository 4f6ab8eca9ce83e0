"""The stages of ``dvc.yaml``, one file each: prepare, train, export, evaluate, document. They meet in files."""
