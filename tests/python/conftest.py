"""What all Python tests share."""

import pytest

pytest.register_assert_rewrite("same")
