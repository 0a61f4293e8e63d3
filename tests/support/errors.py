"""The form every error for the user has."""

from gpu.errors import EngineError


def check_error(error: EngineError) -> None:
    """The cause in one printable line of reasonable length, and one sentence of remedy."""
    for text in (str(error), error.remedy):
        assert text
        assert text.isprintable()
        assert len(text) < 400
        assert text[-1] in ".?"
