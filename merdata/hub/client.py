"""Errors of the Hugging Face Hub, each as one sentence, and who can see a repository."""

from __future__ import annotations

import sys
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
from huggingface_hub.utils import (  # type: ignore[attr-defined] # only their types hide one
    parse_ratelimit_headers,
    validate_repo_id,
)

from merdata.errors import HubError
from merdata.hub.gate import Visibility

HTTP_ERROR: type[BaseException] = HfHubHTTPError.__bases__[0]  # of whichever HTTP library the client uses
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"
SENTENCES = {
    401: f"not logged in to the Hub, or no access to {{repo}}: {LOG_IN}",
    403: "no permission to write to {repo}: name a repository of your own, or use a token with write access",
    404: "{repo} does not exist on the Hub",
    409: "someone else is changing {repo}: try again",
    412: "{repo} changed during the upload: push again",
    413: "a file is too large for the Hub",
    429: "too many requests to the Hub: try again in a few minutes",
}
TEMPORARY = {409, 412, 429}  # another try may succeed
TRIES, PAUSE_SECONDS = 3, 1.0
MOST_SECONDS = 300.0  # the window in which the Hub counts requests: it never asks for a longer pause
T = TypeVar("T")


def check_repo(repo: str) -> str:
    """The name of a repository, checked for its form.

    Raises:
        HubError: it is not OWNER/NAME, of letters that the Hub takes.
    """
    with hub_errors(repo):
        validate_repo_id(repo)
    if "/" not in repo:
        raise HubError(f"{repo} is not a repository name: write OWNER/NAME")
    return repo


@contextmanager
def hub_errors(repo: str) -> Iterator[None]:
    """Raise errors of the Hub as one sentence each; no sentence contains a token."""
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise HubError("HF_HUB_OFFLINE turns the Hub off: unset it") from error
    except HFValidationError as error:
        raise HubError(
            f"{repo} is not a repository name: write OWNER/NAME, with letters, digits, . _ and - only"
        ) from error
    except LocalTokenNotFoundError as error:
        raise HubError(f"not logged in to the Hub: {LOG_IN}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        sentence = SENTENCES.get(status, f"the Hub answered {status} for {{repo}}: try again later")
        raise HubError(sentence.format(repo=repo)) from error
    except FileNotFoundError as error:  # the client can neither reach the Hub nor find a copy in its cache
        raise HubError(f"{repo} is not in the cache, and the Hub cannot be reached") from error
    except (HTTP_ERROR, ConnectionError) as error:
        raise HubError(f"the Hub cannot be reached ({type(error).__name__}): try again") from error
    except RuntimeError as error:
        if not isinstance(error.__cause__, HTTP_ERROR):
            raise
        with hub_errors(repo):
            raise error.__cause__ from error


def with_retries(call: Callable[[], T]) -> T:
    """The result of a call that may be repeated, tried again after an error that may be temporary.

    Before another try there is the pause that the Hub asks for, or one of a second.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            return call()
        except (HTTP_ERROR, ConnectionError) as error:
            if not tries_left or not _is_temporary(error):
                raise
            seconds = _pause_seconds(error)
            if seconds > PAUSE_SECONDS:
                print(f"the Hub asks for a pause of {seconds:.0f} s", file=sys.stderr, flush=True)
            time.sleep(seconds)
    raise AssertionError("the last try returns or raises")


def _pause_seconds(error: BaseException) -> float:
    """What the answer's `RateLimit` or `Retry-After` says; a date is not read."""
    if not isinstance(error, HfHubHTTPError):
        return PAUSE_SECONDS
    headers = error.response.headers
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return min(limit.reset_in_seconds, MOST_SECONDS)
    after = headers.get("Retry-After", "")
    return min(float(after), MOST_SECONDS) if after.isdecimal() else PAUSE_SECONDS


def _is_temporary(error: BaseException | None) -> bool:
    """Whether another try may succeed. What the client wraps in a RuntimeError it has tried five times."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in TEMPORARY
    return isinstance(error, (HTTP_ERROR, ConnectionError))


def visibility(api: HfApi, repo: str, kind: str) -> Visibility:
    """Who can see a repository (of kind model or dataset) now, according to the Hub.

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
