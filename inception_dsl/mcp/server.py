"""The server: the tools over stdio, in the Model Context Protocol (https://modelcontextprotocol.io)."""

from __future__ import annotations

import os

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

from inception_dsl.mcp.folder import Folder
from inception_dsl.mcp.tools import TOOLS, Run, Tools

INSTRUCTIONS = """\
Specs of convolutional networks, written as the tables that papers print. `check` compares the printed numbers with the
network, `show` prints shapes and costs, `diff` compares two specs, `explain` and `ops` are the manual. Nothing is
written: edit the files yourself, and check them again.
"""


def serve(root: str, version: str, run: Run) -> None:
    """Serve the tools for the specs in a folder, until the client ends. Raises `OSError` if there is no such folder."""
    os.chdir(root)
    server(Folder("."), version, run).run("stdio")


def server(folder: Folder, version: str, run: Run) -> MCPServer:
    """A server of the tools, which runs command lines by `run`."""
    made: MCPServer = MCPServer("inception-dsl", instructions=INSTRUCTIONS, version=version, log_level="WARNING")
    tools = Tools(folder, run)
    reading = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    for tool in TOOLS:
        made.add_tool(getattr(tools, tool.__name__), annotations=reading)
    return made
