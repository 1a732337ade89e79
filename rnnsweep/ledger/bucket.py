"""What is particular to a bucket: it fails for a while and is tried again, or refuses and says in its way why."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import TypeVar

from pyarrow import ArrowException

from rnnsweep.errors import UserError

PATIENCE = 90.0  # seconds that a bucket which has answered before may fail to, as in a network cut
FIRST_PATIENCE = 10.0  # the same for one that never answered: more likely a mistake
LONGEST_SHOWN = 300  # characters of an address in a message
PAUSES = (0.5, 8.0)  # seconds between two tries: the first, doubled up to the last
# What each kind of bucket is asked for: an S3 object of a few bytes takes one request instead of three, and Google's
# library does not try by itself for the quarter of an hour that it otherwise does, in which nobody hears why.
OPTIONS = {"s3": "allow_delayed_open=true", "gs": "retry_limit_seconds=5", "gcs": "retry_limit_seconds=5"}
LOG_IN = "for s3 in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for gs by `gcloud auth application-default login`"
# What a bucket's error says when trying again is of no use, and what to do then; the words of Amazon's and Google's.
REMEDIES = {
    r"NO_SUCH_BUCKET|NoSuchBucket|bucket does not exist|NOT_FOUND": "make the bucket, or name another with --results",
    r"ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH|EXPIRED_TOKEN|InvalidToken|MISSING_AUTH|INVALID_CLIENT"
    r"|UNRECOGNIZED_CLIENT|HTTP status 40[13]|Permission denied|PERMISSION_DENIED|UNAUTHENTICATED":
        f"give credentials that may read and write it: {LOG_IN}",
}  # fmt: skip
# What to do where trying again did not help; Google's library does not tell a lack of credentials from one of network.
LAST_REMEDY = f"see to the network (for another store than Amazon's: AWS_ENDPOINT_URL) and the credentials, {LOG_IN}"
T = TypeVar("T")


class StoreError(UserError, OSError):
    """A place for results that cannot be used; the message names it and the remedy."""


class Patience:
    """Has a bucket do something, again and again where it fails for a while."""

    def __init__(self, uri: str) -> None:
        """Be patient with the bucket at this address, less so until it has answered once."""
        self._uri, self._answered = uri, False

    def attempt(self, action: Callable[[], T]) -> T:
        """Return what the action returns; raises `StoreError` where that is of no use, FileNotFoundError at once."""
        deadline = time.monotonic() + (PATIENCE if self._answered else FIRST_PATIENCE)
        pause, longest = PAUSES
        while True:
            try:
                done = action()
            except FileNotFoundError:  # an answer, too
                self._answered = True
                raise
            except ArrowException as error:  # of a kind of bucket that Arrow itself has no words for
                raise self.refusal(error, "give a folder, or s3://BUCKET/PATH") from None
            except OSError as error:
                if _remedy_for(error) or time.monotonic() > deadline:
                    raise self.refusal(error) from None
            else:
                self._answered = True
                return done
            time.sleep(random.uniform(pause / 2, pause))  # a thousand workers must not all come back at once
            pause = min(2 * pause, longest)

    def refusal(self, error: Exception, last_remedy: str = LAST_REMEDY) -> StoreError:
        """Return an error in one line with its remedy, the last one where none is known for it."""
        return StoreError(f"results {shown(self._uri)}: {_reason_of(error)}; {_remedy_for(error) or last_remedy}")


def shown(uri: str) -> str:
    """Return an address as a message has it: whole, but for one that would fill the screen."""
    return uri if len(uri) <= LONGEST_SHOWN else f"{uri[:LONGEST_SHOWN]}..."


def with_options(uri: str) -> str:
    """Return the address of a bucket with this project's options, but for one that the user gave a value."""
    option = OPTIONS.get(uri.partition("://")[0], "")
    if option.partition("=")[0] in uri:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{option}"


def _remedy_for(error: Exception) -> str | None:
    """Return what to do about a bucket's error that no waiting mends, or None."""
    return next((remedy for words, remedy in REMEDIES.items() if re.search(words, str(error))), None)


def _reason_of(error: Exception) -> str:
    """Return the first line of an error, without the bucket's request numbers and the fields of Google's status."""
    first = (str(error).strip() or repr(error)).splitlines()[0]
    return re.sub(r" \(Request ID: .*|; Details: .*|,? error_info=.*", "", first)
