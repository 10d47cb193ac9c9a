"""Arguments that many fields take, described once. No logic."""

from typing import Annotated

import strawberry

from schema.base import Cursor, PageSize

First = Annotated[PageSize | None, strawberry.argument(description="So many from the start; or give last.")]
After = Annotated[Cursor | None, strawberry.argument(description="Only what follows this place.")]
Last = Annotated[PageSize | None, strawberry.argument(description="So many from the end; or give first.")]
Before = Annotated[Cursor | None, strawberry.argument(description="Only what comes before this place.")]
WorkspaceId = Annotated[strawberry.ID, strawberry.argument(description="Global id of the workspace.")]
Id = Annotated[strawberry.ID, strawberry.argument(description="Global id of the object.")]
ExpectedVersion = Annotated[int, strawberry.argument(description="The version you saw; another one is a conflict.")]
IdempotencyKey = Annotated[
    str,
    strawberry.argument(description="Of your choosing, 1 to 128 characters; sent again it replays the stored answer."),
]
