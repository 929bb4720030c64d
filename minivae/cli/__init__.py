"""The command line: ``python -m minivae train | evaluate | generate | gradcheck | derivation | grade``."""
