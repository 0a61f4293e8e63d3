"""What commands have in common: being run, stopped and answered for; and telling how a download gets on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.console import Console
from app.interruption import EXIT_FAILED, EXIT_SIGNAL, EXIT_USAGE, SIGPIPE, cancelling_on_signals, on_a_thread
from app.log import start_logging
from gpu.cancel import CancelToken
from gpu.errors import Cancelled


def run_command(name: str, run: Callable[[Console, CancelToken], int], *, quiet: bool = False) -> int:
    """Do `run`, tell what goes wrong in one line, and give the exit code."""
    from app.models.errors import ModelsError, UnknownModelError

    start_logging()
    console, token = Console(quiet=quiet), CancelToken()
    code = EXIT_FAILED
    with cancelling_on_signals(token) as received:
        try:
            [code] = on_a_thread(_once(run, console, token))  # signals reach this one whatever the work waits for
        except ModelsError as e:
            console.error(name, str(e), e.remedy)
            code = EXIT_USAGE if isinstance(e, UnknownModelError) else EXIT_FAILED
        except Cancelled:
            pass  # said where it was noticed
        except BrokenPipeError:  # `models list | head`
            code = EXIT_SIGNAL + SIGPIPE
    return EXIT_SIGNAL + received[0] if received else code


def _once(run: Callable[[Console, CancelToken], int], console: Console, token: CancelToken) -> Iterator[int]:
    yield run(console, token)


def show_download(console: Console, event: object) -> None:
    """What an event of a download is worth telling, of any kind."""
    from app.models.download import NextMirror, Progress, Waiting

    match event:
        case Progress(n_bytes, _):
            console.downloaded(n_bytes)
        case Waiting(cause, seconds):
            console.warning("", f"{cause.rstrip('.')}; trying again in {seconds:.0f} s")
        case NextMirror(cause, url):
            console.warning("", f"{cause.rstrip('.')}; going on with {url}")
