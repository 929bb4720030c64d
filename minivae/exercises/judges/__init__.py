"""Who decides whether an answer is right: backward for gradients, values for everything else; finding names the mistake.

A judge that serves a single exercise stands beside that exercise, in its sheet.
"""
