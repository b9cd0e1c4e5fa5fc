"""The same numbers as curvlinops, where a developer has it: `pip install curvlinops-for-pytorch`."""

import numpy as np
import pytest
import torch

from smbook.landscape import gauss_newton, hessian
from tests.landscape.models import SMOOTH_OR_NOT, problem

curvlinops = pytest.importorskip("curvlinops")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its own


@pytest.mark.parametrize("name", [name for name in SMOOTH_OR_NOT if name != "shared"])
@pytest.mark.parametrize(
    ("ours", "theirs"), [(hessian, "HessianLinearOperator"), (gauss_newton, "GGNLinearOperator")]
)
def test_products_are_those_of_curvlinops(name, ours, theirs):
    case = problem(name)
    parameters = list(case.model.parameters())
    data = [(case.inputs, case.targets)]
    peer = getattr(curvlinops, theirs)(case.model.eval(), case.loss_function, parameters, data)
    columns = np.random.default_rng(1).normal(size=(case.loss().n_parameters, 3))
    expected = (peer @ torch.from_numpy(columns)).detach().numpy()
    np.testing.assert_allclose(ours(case.loss()) @ columns, expected, atol=1e-12)
