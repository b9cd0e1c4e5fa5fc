"""What all tests share."""

from hypothesis import settings

# The same examples in every run; no deadline, as a first call may compile a kernel.
settings.register_profile("smbook", deadline=None, derandomize=True)
settings.load_profile("smbook")
