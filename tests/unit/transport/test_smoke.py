async def test_query_over_http_and_socket(serve, client):
    served = await serve()
    answer = await served.post(
        "{ hello items(first: 2) { __typename id title colour weight count price maker { name } note } }"
    )
    print(answer.text)
    assert answer.status_code == 200
    async with served.socket() as socket:
        c = client(socket)
        await c.init()
        await c.subscribe("1", "subscription { count(to: 2) }")
        assert await c.hear() == {"id": "1", "type": "next", "payload": {"data": {"count": 0}}}
        assert await c.hear() == {"id": "1", "type": "next", "payload": {"data": {"count": 1}}}
        assert await c.hear() == {"id": "1", "type": "complete"}
