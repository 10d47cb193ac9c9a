"""The command `documents`: what everybody may run on a server that is set to known documents."""

from app.cli.main import app, fail, out, tell
from app.known_documents import KnownDocuments
from app.settings import Settings
from app.web import known_folders
from domain.documents import sha256_of
from domain.errors import InvalidInput


@app.command()
def documents() -> None:
    """List the operations that any client may name by hash: documentId, then the operation's name.

    Example: `CE_DOCUMENTS_DIR=ours campaign-express documents`
    """
    try:
        known = KnownDocuments(known_folders(Settings()))
    except InvalidInput as error:
        raise fail(error.message) from error
    for name, text in sorted({each for found in known.by_place.values() for each in found.items()}):
        tell(f"sha256:{sha256_of(text)} {name}", console=out)
