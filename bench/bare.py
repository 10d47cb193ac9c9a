"""The floor: one Starlette route that answers a small JSON, on the same uvicorn. `python -m bench.bare PORT`."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def answer(_: Request) -> JSONResponse:
    """A small JSON."""
    return JSONResponse({"status": "ok"})


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/", answer)]),
        port=int(sys.argv[1]),
        log_level="warning",
        loop="uvloop",
        http="httptools",
    )
