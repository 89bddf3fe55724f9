"""Group sums: the same whoever adds them."""

import numpy as np
import pandas as pd
import pytest

from attendlib.stats.sums import add, group_sums

Y = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
X = pd.DataFrame({"const": 1.0, "x": [1.0, 0.0, 2.0, 1.0, 3.0]})
GROUP = ["b", "a", "b", "c", "a"]


def test_sums_by_hand():
    s = group_sums(Y, X, GROUP)
    assert list(s.labels) == ["b", "a", "c"]
    assert s.n.tolist() == [2, 2, 1]
    assert s.xx.tolist() == [[[2, 3], [3, 5]], [[2, 3], [3, 9]], [[1, 1], [1, 1]]]
    assert s.xy.tolist() == [[4, 7], [7, 15], [4, 4]]
    assert s.yy.tolist() == [10, 29, 16]


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_parts_added_are_the_whole(cut):
    whole = group_sums(Y, X, GROUP)
    parts = add(group_sums(Y[:cut], X[:cut], GROUP[:cut]), group_sums(Y[cut:], X[cut:], GROUP[cut:]))
    assert list(parts.labels) == list(whole.labels)
    for name in ("n", "xx", "xy", "yy"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist()


@pytest.mark.parametrize("label", [("trust", 1), 7, None])
def test_labels_are_any_hashables_but_not_missing(label):
    labels = [label, ("trust", 2), label, ("trust", 3), ("trust", 2)]
    if label is None:
        with pytest.raises(ValueError, match="2 missing labels in 5 rows"):
            group_sums(Y, X, labels)
    else:
        assert group_sums(Y, X, labels).n.tolist() == [2, 2, 1]


def test_sums_of_different_columns_are_not_added():
    with pytest.raises(ValueError, match="different columns"):
        add(group_sums(Y, X, GROUP), group_sums(Y, X[["x", "const"]], GROUP))
