"""Programs ask the page's server: by its address, and as a tool of the Model Context Protocol."""

import asyncio
import json

import pytest

from ..sentences import ADA


def test_a_client_gets_what_a_visitor_gets_and_is_told_what_is_wrong(address):
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(address, verbose=False)
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/extract"]
    found = json.loads(client.predict(ADA, "person, place", api_name="/extract"))
    assert [(one["label"], one["text"], one["start"]) for one in found["extractions"]] == [
        ("person", "Ada Bell", 0),
        ("place", "Rome", 18),
    ]
    for words, reason in (((" ", "person"), "no text yet"), ((ADA, "person", "nre"), 'unknown task "nre"')):
        with pytest.raises(AppError, match=reason):
            client.predict(*words, api_name="/extract")


def test_extract_is_the_one_tool_of_its_mcp_server(address):
    pytest.importorskip("mcp")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def asked():
        async with (
            streamablehttp_client(f"{address}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as to,
        ):
            await to.initialize()
            tools = (await to.list_tools()).tools
            return tools, await to.call_tool(tools[0].name, {"text": ADA, "labels": "person, place"})

    tools, answer = asyncio.run(asked())
    assert [tool.name.rpartition("_")[2] for tool in tools] == ["extract"]
    assert set(tools[0].inputSchema["properties"]) == {"text", "labels", "task", "language"}
    assert "separated by commas" in tools[0].inputSchema["properties"]["labels"]["description"]
    found = json.loads(answer.content[0].text)
    assert [one["text"] for one in found["extractions"]] == ["Ada Bell", "Rome"]
