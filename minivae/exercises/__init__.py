"""Exercises: what a student writes, how it is checked, and the mistakes that can be named."""
