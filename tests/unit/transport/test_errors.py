"""What errors show: domain errors their code, bugs nothing but a correlation id."""

import logging


async def test_domain_errors_keep_message_and_code(serve):
    served = await serve()
    answer = (await served.post('{ hello fail(how: "domain") }')).json()
    assert answer["data"] == {"hello": "hello world", "fail": None}
    assert answer["errors"] == [
        {
            "message": "No such campaign.",
            "extensions": {"code": "NOT_FOUND"},
            "locations": [{"line": 1, "column": 9}],
            "path": ["fail"],
        }
    ]


async def test_invalid_input_names_its_field(serve):
    served = await serve()
    answer = (await served.post('{ fail(how: "input") }')).json()
    assert answer["errors"][0]["extensions"] == {"code": "INVALID_INPUT", "field": ["input", "amount"]}


async def test_bugs_are_masked_and_logged_under_the_same_id(serve, caplog):
    served = await serve()
    with caplog.at_level(logging.ERROR, "campaign_express.graphql"):
        answer = await served.post('{ fail(how: "bug") }', x_request_id="trace-me")
    error = answer.json()["errors"][0]
    assert error["message"] == "Internal error"
    assert error["extensions"] == {"code": "INTERNAL", "correlationId": "trace-me"}
    assert "secret" not in answer.text
    assert "trace-me" in caplog.text
    assert "secret connection string" in caplog.text


async def test_values_that_their_type_cannot_show_are_masked(serve):
    served = await serve()
    answer = await served.post("{ wrongInt }")
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "secret" not in answer.text


async def test_null_where_none_may_be_is_masked_and_empties_the_parent(serve):
    served = await serve()
    answer = (await served.post("{ hello plainNull }")).json()
    assert answer["data"] is None
    assert answer["errors"][0]["message"] == "Internal error"
    assert answer["errors"][0]["path"] == ["plainNull"]


async def test_a_broken_context_is_500_and_masked(serve):
    served = await serve()
    served.backend.broken = RuntimeError("secret")
    answer = await served.post("{ hello }")
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "secret" not in answer.text


async def test_a_malformed_global_id_is_told_and_not_masked(serve):
    served = await serve()
    by_variable = (await served.post("query ($id: ID!) { node(id: $id) { id } }", {"id": "%%%"})).json()
    by_literal = (await served.post('{ node(id: "%%%") { id } }')).json()
    for answer in (by_variable, by_literal):
        assert answer["errors"][0]["message"] != "Internal error"


async def test_malformed_scalars_are_refused_before_anything_runs(serve):
    served = await serve()
    answer = (await served.post("{ oddPlus(odd: 2) }")).json()
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
