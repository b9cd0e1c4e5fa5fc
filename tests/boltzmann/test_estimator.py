"""scikit-learn's checks of estimators, and its tools."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import validate_data

from smbook.boltzmann import RBM
from tests.boltzmann.exact import bars_and_stripes

# Their data are real numbers, which no unit can be: without the subclass below these checks meet our refusal.
# "check_array_api_input" skips itself where SciPy's array API is off.
NEED_REAL_NUMBERS = {
    "check_fit_score_takes_y",
    "check_estimators_overwrite_params",
    "check_dont_overwrite_parameters",
    "check_estimators_fit_returns_self",
    "check_readonly_memmap_input",
    "check_n_features_in_after_fitting",
    "check_positive_only_tag_during_fit",
    "check_estimators_dtypes",
    "check_dtype_object",
    "check_pipeline_consistency",
    "check_estimators_nan_inf",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
    "check_transformer_preserve_dtypes",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_fit2d_1sample",
    "check_fit2d_1feature",
    "check_dict_unchanged",
    "check_fit_idempotent",
    "check_fit_check_is_fitted",
    "check_n_features_in",
    "check_fit2d_predict1d",
}


class Binarised(RBM):
    """A machine whose units are up where a number is above zero."""

    def _checked_states(self, X, kind, *, reset):
        rows = validate_data(self, X, reset=reset, dtype="numeric")
        return np.where(rows > 0, 1, 0 if kind == "binary" else -1).astype(np.int8)


def expected(estimator):
    if isinstance(estimator, Binarised):
        return {}
    return dict.fromkeys(NEED_REAL_NUMBERS, "its data are real numbers, and units have two states")


@parametrize_with_checks(
    [
        Binarised(4, n_epochs=2, rng=1),
        Binarised(4, visible="spin", hidden="gaussian", method="cd", n_epochs=2, learning_rate=0.01, rng=1),
        Binarised(4, method="tempered", n_temperatures=3, n_epochs=2, rng=1),
        RBM(4, n_epochs=2, rng=1),
    ],
    expected_failed_checks=expected,
)
def test_scikit_learn_takes_it_for_an_estimator(estimator, check):
    check(estimator)


def test_it_works_in_a_pipeline_and_in_a_search():
    """The hidden units know what the middle is; cross-validated likelihoods ask for more than one of them."""
    rows = bars_and_stripes(3)
    machine = RBM(12, learning_rate=0.2, n_epochs=500, evaluate_every=0, rng=1)
    pipeline = make_pipeline(machine, LogisticRegression(C=100.0)).fit(rows, rows[:, 4])
    assert pipeline.score(rows, rows[:, 4]) == 1.0
    searched = GridSearchCV(machine, {"n_hidden": [1, 8]}, cv=2).fit(np.tile(rows, (4, 1)))
    assert searched.best_params_ == {"n_hidden": 8}
    assert searched.best_score_ == searched.cv_results_["mean_test_score"].max()
