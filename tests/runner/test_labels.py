"""Laws of labels: how a number or a name is spelt does not matter, nor whether classes are stated or found."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers.labels import adopt_classes, check_first_index, clean_label, index_labels

INDICES = st.lists(st.integers(0, 30), min_size=1, max_size=20)
NAMES = st.lists(
    st.sampled_from(["cat", "dog", "caf\u00e9", "\U0001f600", "a b", "x1", "1x", "-"]), min_size=1, max_size=9
)
SPELLINGS = (int, float, str, "{}.0".format, " {:03} ".format, lambda index: f"{index}\n".encode())


@given(INDICES, st.lists(st.sampled_from(SPELLINGS), min_size=20, max_size=20))
def test_an_index_may_be_spelt_in_many_ways(indices: list[int], ways: list[type]) -> None:
    found, classes = index_labels([way(index) for way, index in zip(ways, indices, strict=False)], [], str)
    assert (found, classes) == (indices, [str(number) for number in range(max(indices) + 1)])
    again, stated = index_labels(indices, classes, str)
    assert (again, stated) == (found, classes)


@given(NAMES, st.booleans())
def test_names_have_an_order_of_their_own(names: list[str], reverse: bool) -> None:
    found, classes = index_labels(names[::-1] if reverse else names, [], str)
    assert classes == sorted(set(names))
    assert [classes[index] for index in found] == (names[::-1] if reverse else names)
    assert index_labels([f" {name}\t" for name in names], [], str)[1] == classes


@given(NAMES, NAMES)
def test_held_out_names_are_those_of_training(names: list[str], held_out: list[str]) -> None:
    _, classes = index_labels(names, [], str)
    found, own = index_labels(held_out, [], str)
    if set(held_out) <= set(names):
        adopted, same = adopt_classes(found, own, classes, str)
        assert same == classes and [classes[index] for index in adopted] == held_out
    else:
        with pytest.raises(RunError, match="which is not among the"):
            adopt_classes(found, own, classes, str)


@given(st.sets(st.integers(0, 6), min_size=1))
def test_labels_count_from_1_if_only_class_0_has_no_images(used: set[int]) -> None:
    from_1 = used == set(range(1, max(used) + 1)) and len(used) > 1
    classes = [str(number) for number in range(max(used) + 1)]
    with pytest.raises(RunError, match=f"the labels are 1 to {max(used)}, but") if from_1 else nullcontext():
        check_first_index(sorted(used), classes)


@given(st.one_of(st.floats(), st.booleans(), st.none(), st.lists(st.integers()), st.complex_numbers(), st.just("  ")))
def test_a_label_is_an_integer_or_text_or_has_a_reason(label: object) -> None:
    whole = isinstance(label, float) and label.is_integer()
    with nullcontext() if whole else pytest.raises(ValueError, match="label"):
        assert clean_label(label) == label
