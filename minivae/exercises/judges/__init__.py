"""Who decides whether an answer is right: backward for gradients, values for all else; naming finds the mistake.

A judge that serves a single exercise stands beside that exercise, in its sheet.
"""
