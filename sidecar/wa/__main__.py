"""`python -m wa` is `wa`."""

from wa.surfaces.cli import main

if __name__ == "__main__":
    main()
