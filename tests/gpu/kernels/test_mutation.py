"""The kernels' tests notice changes of the kernels: `tests.tools.mutate_kernels`."""

from __future__ import annotations

import os

import pytest

from gpu.kernels import names
from tests.support.cuda.emulator import why_no_emulator
from tests.tools import mutate_kernels


def test_every_kernel_has_tests() -> None:
    assert set(mutate_kernels.TESTS) == set(names())
    for file in names():
        assert mutate_kernels.tests_of(file)


def test_mutants_are_the_same_every_time_and_change_code_only() -> None:
    some = mutate_kernels.sample(200, 1, [])
    assert some == mutate_kernels.sample(200, 1, [])
    for mutant in some:
        assert mutant.before != mutant.after
        assert mutant.before.split("//")[0] != mutant.after.split("//")[0]


@pytest.mark.long
def test_nine_tenths_of_the_mutants_are_noticed() -> None:
    if (missing := why_no_emulator()) is not None:
        pytest.skip(missing)
    results = mutate_kernels.run(100, 1, [], at_once=os.cpu_count() or 1)
    killed, total = mutate_kernels.score(results)
    assert total >= 100
    assert killed >= 0.9 * total, mutate_kernels.report(results)
