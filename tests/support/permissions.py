"""Tests of what may not be read or written."""

import os
import sys

import pytest

# Windows has other permissions, and root may do everything.
needs_permissions = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions mean nothing")
