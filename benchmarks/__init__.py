"""One file per figure; `make bench` runs them. README.md beside this says how each is measured."""
