"""Block: what every table of a study file has in common; and the types of its keys."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from actstore.errors import RequestError
from actstore.schema.refs import NAME_PATTERN, site_layer


class Block(BaseModel):
    """A table of a study file: frozen, strict, no key beside the declared ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def refuse(sentence: str) -> PydanticCustomError:
    """A validation error whose sentence reaches the user as it stands."""
    return PydanticCustomError("study", "{sentence}", {"sentence": sentence})


def _name(value: str) -> str:
    if not NAME_PATTERN.fullmatch(value):
        raise refuse("allowed are 1 to 100 letters, digits, '.', '_' and '-', the first a letter or digit")
    return value


def _site(value: str) -> str:
    try:
        site_layer(value)
    except RequestError as error:
        raise refuse(str(error).partition(": ")[2]) from error
    return value


def _all_or_layers(value: Any) -> Any:
    if value == "all":
        return value
    if isinstance(value, list | tuple) and value and all(type(item) is int and item >= 0 for item in value):
        return tuple(value)
    raise refuse('allowed are "all" or a list of layer numbers from 0, such as [0, 6, 12]')


def _all_or_sites(value: Any) -> Any:
    if value == "all":
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        return tuple(_site(item) for item in value)
    raise refuse('allowed are "all" or a list of sites, such as ["L00", "L06"]')


def _pairs(value: Any) -> Any:
    if isinstance(value, str) and value in {"base", "all"}:
        return value
    if isinstance(value, list | tuple) and value and all(_is_pair(item) for item in value):
        return tuple((first, second) for first, second in value)
    raise refuse('allowed are "base", "all" or a list of pairs of checkpoints, such as [["base", "tuned"]]')


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(item, str) for item in value)
    )


def _tokens(value: Any) -> Any:
    if value == "all" or (type(value) is int and value >= 2):
        return value
    raise refuse('allowed are "all" or a number of tokens from 2')


Name = Annotated[str, AfterValidator(_name)]
Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
"""A dropout or a warm-up: part of a whole."""
Layers = Annotated[str | tuple[int, ...], BeforeValidator(_all_or_layers)]
Sites = Annotated[str | tuple[str, ...], BeforeValidator(_all_or_sites)]
Pairs = Annotated[str | tuple[tuple[str, str], ...], BeforeValidator(_pairs)]
Tokens = Annotated[str | int, BeforeValidator(_tokens)]
# TOML has lists where the models have tuples, so this one conversion is not strict; the items are
Names = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
Seeds = Annotated[tuple[Natural, ...], Field(strict=False, min_length=1)]
