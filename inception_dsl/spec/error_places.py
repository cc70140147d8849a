"""The place in a file that an error of pydantic is about, and the type that the models give to the value there."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from inspect import get_annotations
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import Tag

from inception_dsl.diagnostics.spelling import listing
from inception_dsl.spec.fields import MustBe, Section
from inception_dsl.syntax.document import KeyPath

T = TypeVar("T")

OF_KEY: Final = ("[key]",)
"""What pydantic appends to the location of a key that is wrong itself."""


@dataclass(frozen=True)
class FieldType:
    """The type of a value: its `form` without `Annotated` and `None`, and the metadata that it was annotated with."""

    form: Any = None
    metadata: tuple[Any, ...] = ()

    def find(self, kind: type[T]) -> T | None:
        """The metadata of a class, None where there is none."""
        return next((item for item in self.metadata if isinstance(item, kind)), None)

    @cached_property
    def fields(self) -> Mapping[str, FieldType]:
        """The types of a section by key; none of any other type."""
        if not (isinstance(self.form, type) and issubclass(self.form, Section)):
            return {}
        fields = self.form.model_fields
        return {
            field.alias or name: _field_type(field.annotation, tuple(field.metadata)) for name, field in fields.items()
        }

    @cached_property
    def others(self) -> FieldType:
        """The type of an item of a list, and of the value of a key that is not among the fields."""
        if get_origin(self.form) in (dict, list):
            return _field_type(get_args(self.form)[-1])
        others = get_annotations(self.form).get("__pydantic_extra__") if self.fields else None
        return _field_type(get_args(others)[-1]) if others else FieldType()

    @cached_property
    def alternatives(self) -> Mapping[str | int, FieldType]:
        """The alternatives of a tagged union, by tag."""
        found = {option.find(Tag): option for option in map(_field_type, _alternatives(self.form))}
        return {tag.tag: option for tag, option in found.items() if tag}

    @property
    def is_collection(self) -> bool:
        """Whether there are values inside a value."""
        return bool(self.fields) or get_origin(self.form) in (dict, list)

    @property
    def keys(self) -> list[str]:
        """The keys of a section, or of a mapping whose keys are some words; none of any other type."""
        return [*self.fields] or (_words(get_args(self.form)[0]) if get_origin(self.form) is dict else [])

    @property
    def words(self) -> list[str]:
        """The words that a value is one of; none where it is not such a choice."""
        return _words(self.form)

    @property
    def expected(self) -> str:
        """What a value must be, as in "`key` must be ..."."""
        if stated := self.find(MustBe):
            return stated.what
        if self.words:
            return listing(self.words, "or")
        if self.form is bool:
            return "`true` or `false`"
        return "a list, such as [a, b]" if get_origin(self.form) is list else "a mapping"


class ErrorPlace(NamedTuple):
    """The `path` of a value in a document, its type, and the type of what contains it.

    `of_key` is true where its key is what is wrong.
    """

    path: KeyPath
    type: FieldType
    parent: FieldType
    of_key: bool


def error_place(model: type[Section], location: KeyPath) -> ErrorPlace:
    """The place of an error, by the location that pydantic gives it.

    A location leads through unions and keys too. The path ends at the first type that says what the whole value must
    be.
    """
    depth = 0
    here, parent = _field_type(model), FieldType()
    path: list[str | int] = []
    for part in location:
        if here.find(MustBe):
            break
        if part in here.alternatives:
            here = here.alternatives[part]
        elif here.is_collection:
            path.append(part)
            here, parent = here.fields.get(str(part)) or here.others, here
        else:
            break
        depth += 1
    return ErrorPlace(tuple(path), here, parent, location[depth:] == OF_KEY)


def _field_type(annotation: Any, metadata: tuple[Any, ...] = ()) -> FieldType:
    """The type that an annotation stands for, with the metadata of the field that has it."""
    if isinstance(annotation, type):
        return _class(annotation) if not metadata else FieldType(annotation, metadata)
    if get_origin(annotation) is Annotated:
        form, *more = get_args(annotation)
        return _field_type(form, (*metadata, *more))
    options = [option for option in _alternatives(annotation) if option is not types.NoneType]
    return _field_type(options[0], metadata) if len(options) == 1 else FieldType(annotation, metadata)


@cache
def _class(form: type) -> FieldType:
    return FieldType(form)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()


def _words(annotation: Any) -> list[str]:
    return [*get_args(annotation)] if get_origin(annotation) is Literal else []
