"""Settings for every test: hypothesis takes its time and draws the same examples on every machine."""

import hypothesis

hypothesis.settings.register_profile("minivae", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("minivae")
