"""Reads the built schema for tests that are generated from it: where ids go in, and a selection of all that comes out."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)

Path = tuple[str, ...]

OPERATIONS = ("query", "mutation", "subscription")


def root_fields(schema: GraphQLSchema) -> dict[str, tuple[str, GraphQLField]]:
    """Every root field by name, such as "mutation.recommendationApprove", with its operation."""
    roots = zip(OPERATIONS, (schema.query_type, schema.mutation_type, schema.subscription_type), strict=True)
    return {
        f"{operation}.{name}": (operation, field)
        for operation, root in roots
        if root is not None
        for name, field in root.fields.items()
    }


def id_paths(field: GraphQLField) -> set[Path]:
    """Where a field takes ids: argument and input field names, "*" for each item of a list."""
    return {path for name, argument in field.args.items() for path in _id_paths((name,), argument.type)}


def _id_paths(path: Path, type_: Any) -> Iterator[Path]:
    if isinstance(type_, GraphQLNonNull):
        yield from _id_paths(path, type_.of_type)
    elif isinstance(type_, GraphQLList):
        yield from _id_paths((*path, "*"), type_.of_type)
    elif isinstance(type_, GraphQLInputObjectType):
        for name, field in type_.fields.items():
            yield from _id_paths((*path, name), field.type)
    elif type_.name == "ID":
        yield path


def given_paths(arguments: Mapping[str, Any], wanted: set[Path]) -> set[Path]:
    """Which of the wanted paths the arguments fill."""
    return {path for path in wanted if any(True for _ in _values(arguments, path))}


def _values(value: Any, path: Path) -> Iterator[Any]:
    if not path:
        if value is not None:
            yield value
    elif path[0] == "*":
        for item in value or ():
            yield from _values(item, path[1:])
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _values(value[path[0]], path[1:])


def replaced(own: Any, other: Any, path: Path) -> Any:
    """`own` arguments with what stands at the path taken from `other` ones of the same shape."""
    if not path:
        return other
    if path[0] == "*":
        return [replaced(mine, theirs, path[1:]) for mine, theirs in zip(own, other, strict=True)]
    return {**own, path[0]: replaced(own[path[0]], other[path[0]], path[1:])}


def document(schema: GraphQLSchema, operation: str, name: str, field: GraphQLField, given: Mapping[str, Any]) -> str:
    """An operation with one root field, the given arguments as variables of their names, and all that can be shown."""
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
    passed = ", ".join(f"{argument}: ${argument}" for argument in given)
    head = f"{operation}({declared})" if given else operation
    call = f"{name}({passed})" if given else name
    return f"{head} {{ {call} {selection(schema, field.type, 4)} }}"


def selection(schema: GraphQLSchema, type_: Any, depth: int) -> str:
    """A selection set with every field down to a depth; lists of two, and no field that needs an argument besides."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if is_abstract_type(named):
        parts = "".join(
            f" ... on {each.name} {{ {_fields(schema, each, depth, alias=True)} }}"
            for each in schema.get_possible_types(named)
        )
        return f"{{ __typename {parts} }}"
    return f"{{ __typename {_fields(schema, named, depth, alias=False)} }}"


def _fields(schema: GraphQLSchema, type_: GraphQLObjectType, depth: int, *, alias: bool) -> str:
    found = []
    for name, field in type_.fields.items():
        below = selection(schema, field.type, depth - 1) if depth else ""
        arguments = {argument: "2" for argument in field.args if argument == "first"}
        needed = {argument for argument, it in field.args.items() if is_required_argument(it)}
        if (below or is_leaf_type(get_named_type(field.type))) and needed <= arguments.keys():
            passed = f"({', '.join(f'{a}: {v}' for a, v in arguments.items())})" if arguments else ""
            # Types of one union spell the same name with different types: an alias keeps them apart.
            found.append(f"{f'{type_.name}_{name}: ' if alias else ''}{name}{passed} {below}")
    return " ".join(found) or "__typename"


def every_argument(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLArgument]]:
    """Every argument of every field with its coordinate, such as "Query.node(id:)"."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for name, field in type_.fields.items():
                for argument, definition in field.args.items():
                    yield f"{type_.name}.{name}({argument}:)", definition
