import pytest

from tests.support.cuda.devices import emulated_device
from tests.tools.mutate_kernels import TESTS


@pytest.fixture(scope="module")
def cuda(request):
    """A GPU with the kernels under test."""
    return emulated_device(*(file for file, tests in TESTS.items() if request.path.name in tests))
