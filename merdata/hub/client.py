"""The Hugging Face Hub's faults, each as one sentence, and who sees a repository."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from merdata.errors import HubError
from merdata.hub.gate import Visibility

HTTP_ERROR: type[BaseException] = HfHubHTTPError.__bases__[0]  # of whichever HTTP library the client uses
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"
SENTENCES = {
    401: f"the Hub does not know you, or there is no {{repo}} that you may see: {LOG_IN}",
    403: "you have no right to write to {repo}: name a repository of your own, or use a token that may write",
    404: "the Hub has no {repo}",
    409: "{repo} is being changed by someone else: try again",
    412: "{repo} was changed meanwhile: push again",
    413: "the Hub finds a file too large",
    429: "the Hub asks you to slow down: try again in some minutes",
}
PASSING = {409, 412, 429}  # what another try may mend
TRIES, PAUSE_SECONDS = 3, 1.0
T = TypeVar("T")


def check_repo(repo: str) -> str:
    """The name of a repository, if it is one.

    Raises:
        HubError: it is not OWNER/NAME.
    """
    if repo.count("/") != 1:
        raise HubError(f"{repo} is no name of a repository: it is OWNER/NAME")
    return repo


@contextmanager
def hub_errors(repo: str) -> Iterator[None]:
    """Faults of the Hub as one sentence each; none of them holds a token."""
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise HubError("the Hub is switched off by HF_HUB_OFFLINE: unset it") from error
    except HFValidationError as error:
        raise HubError(
            f"{repo} is no name of a repository: it is OWNER/NAME, of letters, digits, . _ -"
        ) from error
    except LocalTokenNotFoundError as error:
        raise HubError(f"there is no token for the Hub: {LOG_IN}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        sentence = SENTENCES.get(status, f"the Hub answers {status} for {{repo}}: try again later")
        raise HubError(sentence.format(repo=repo)) from error
    except FileNotFoundError as error:  # what the client raises where it can reach no Hub and has no copy
        raise HubError(f"{repo} is not in the cache, and the Hub cannot be reached") from error
    except (HTTP_ERROR, ConnectionError) as error:
        raise HubError(f"the Hub cannot be reached ({type(error).__name__}): try again") from error
    except RuntimeError as error:
        if not isinstance(error.__cause__, HTTP_ERROR):
            raise
        with hub_errors(repo):
            raise error.__cause__ from error


def with_retries(call: Callable[[], T]) -> T:
    """The result of a call that may be repeated, tried again where a fault of the Hub may pass."""
    for left in reversed(range(TRIES)):
        try:
            return call()
        except (HTTP_ERROR, ConnectionError) as error:
            if not left or not _may_pass(error):
                raise
            time.sleep(PAUSE_SECONDS)
    raise AssertionError("the last try returns or raises")


def _may_pass(error: BaseException | None) -> bool:
    """Whether another try may succeed; what the client wraps in a RuntimeError it has tried five times."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in PASSING
    return isinstance(error, (HTTP_ERROR, ConnectionError))


def visibility(api: HfApi, repo: str, kind: str) -> Visibility:
    """Who sees a repository (of kind model or dataset), as the Hub says now.

    Raises:
        HfHubHTTPError: the Hub does not answer.
    """
    try:
        private = api.repo_info(repo, repo_type=kind).private
    except RepositoryNotFoundError:
        return Visibility.ABSENT
    if private is None:
        return Visibility.UNKNOWN
    return Visibility.PRIVATE if private else Visibility.PUBLIC
