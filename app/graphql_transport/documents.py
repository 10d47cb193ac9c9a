"""From document text to an operation that is known to be valid. Owns parsing, validation and their cache.

Parsing and validating take several times as long as running a typical query, and clients send the same few documents
again and again: so both are done once per text. Documents that were refused are not kept, or a client could push the
good ones out with bad ones.
"""

from collections import OrderedDict
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.graphql_transport.cost import CostTree, cost_trees
from app.graphql_transport.errors import (
    BAD_REQUEST,
    SYNTAX,
    VALIDATION,
    RequestRefusedError,
    refuse,
    request_errors,
)
from app.graphql_transport.executor import SelectionCache
from app.graphql_transport.independence import same_for_all
from app.graphql_transport.limits import TransportLimits
from app.graphql_transport.shape import check_shape

#: What strawberry adds to the specification's rules when it validates.
_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_RESTRICTED_RULES = (*_RULES, NoSchemaIntrospectionCustomRule)
#: Validation errors shown at most: each costs time to find and bytes to send.
_MAX_ERRORS = 20


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """A valid operation, what it costs, and whether its answer is the same whoever of a tenant asks."""

    node: OperationDefinitionNode
    costs: CostTree
    same_for_all: bool


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A valid document and its operations.

    `selections` is what executors found out about its selection sets; None where a directive may make them differ from
    request to request.
    """

    document: DocumentNode
    operations: tuple[PreparedOperation, ...]
    selections: SelectionCache | None

    def pick(self, name: str | None) -> PreparedOperation:
        """The operation to run. Raises RequestRefusedError as `pick_operation` does."""
        operation = pick_operation(self.document, name)
        return next(prepared for prepared in self.operations if prepared.node is operation)


def pick_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation of that name, or the only one.

    Raises:
        RequestRefusedError: no such operation, none at all, or several and no name.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        operations = [node for node in operations if node.name is not None and node.name.value == name]
        if not operations:
            raise refuse("The document has no operation of the name that 'operationName' gives.", BAD_REQUEST)
    if not operations:
        raise refuse("The document has no operation.", BAD_REQUEST)
    if len(operations) > 1:
        raise refuse("The document has several operations: 'operationName' must say which to run.", BAD_REQUEST)
    return operations[0]


class Documents:
    """Parses and validates, and remembers what passed: least recently used goes first, bounded in number and bytes."""

    def __init__(self, schema: GraphQLSchema, limits: TransportLimits) -> None:
        self._schema = schema
        self._limits = limits
        self._kept: OrderedDict[tuple[bool, str], PreparedDocument] = OrderedDict()
        self._kept_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def prepare(
        self, text: str, operation_name: str | None, *, restricted: bool, allowed: frozenset[OperationType]
    ) -> tuple[PreparedDocument, PreparedOperation]:
        """A valid document and the operation to run. `restricted`: no introspection, no hints.

        Raises:
            RequestRefusedError: a syntax or validation error, a limit, no such operation, or its type is not allowed
                here (405 for a mutation).
        """
        key = (restricted, text)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            operation = known.pick(operation_name)
            _check_allowed(operation.node, allowed)
            return known, operation
        document = self._parse(text)
        # Before validation: whether a method may run an operation at all does not depend on the schema.
        _check_allowed(pick_operation(document, operation_name), allowed)
        directives = check_shape(document, self._limits)
        self._validate(document, restricted=restricted)
        prepared = PreparedDocument(
            document,
            tuple(
                PreparedOperation(
                    node, cost_trees(self._schema, document, node), same_for_all(self._schema, document, node)
                )
                for node in document.definitions
                if isinstance(node, OperationDefinitionNode)
            ),
            None if directives else {},
        )
        self._keep(key, prepared)
        return prepared, prepared.pick(operation_name)

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(text, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            raise RequestRefusedError(request_errors([error], SYNTAX)) from None

    def _validate(self, document: DocumentNode, *, restricted: bool) -> None:
        rules = _RESTRICTED_RULES if restricted else _RULES
        errors = validate(self._schema, document, rules, max_errors=_MAX_ERRORS, hide_suggestions=restricted)
        if errors:
            raise RequestRefusedError(request_errors(errors, VALIDATION))

    def _keep(self, key: tuple[bool, str], prepared: PreparedDocument) -> None:
        self._kept[key] = prepared
        self._kept_bytes += len(key[1])
        while len(self._kept) > self._limits.cache_documents or self._kept_bytes > self._limits.cache_bytes:
            (_, text), _ = self._kept.popitem(last=False)
            self._kept_bytes -= len(text)


def _check_allowed(operation: OperationDefinitionNode, allowed: frozenset[OperationType]) -> None:
    kind = operation.operation
    if kind in allowed:
        return
    if kind is OperationType.SUBSCRIPTION:
        message = "Subscriptions run over a WebSocket, graphql-transport-ws, or with Accept: text/event-stream."
        raise refuse(message, BAD_REQUEST, malformed=True)
    raise refuse("Mutations run by POST only.", BAD_REQUEST, status=405, malformed=True)
