"""The exercises, one file for each small group; a file put here is found by itself."""
