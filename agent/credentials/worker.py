"""The child process: `python -m agent.credentials.worker`. One request on its input, one answer on its output."""

from __future__ import annotations

import os
import sys

from agent.credentials.firmware import CheckImage, CheckSigner, VerifyFile
from agent.credentials.requests import (
    Answer,
    CheckChain,
    CheckRoot,
    HashCertificates,
    MakeKey,
    Refused,
    Request,
    read_request,
    write_answer,
)
from agent.credentials.worker_chain import check_chain
from agent.credentials.worker_checks import NotGood, check_root
from agent.credentials.worker_hashes import hash_certificates
from agent.credentials.worker_images import check_image
from agent.credentials.worker_keys import make_key
from agent.credentials.worker_signatures import check_signing_certificate, verify_firmware

NICENESS = 10
"""Whatever a backend has judged here must not be felt at the outlets."""


def answer(request: Request) -> Answer:
    """Do what is asked."""
    try:
        match request:
            case MakeKey():
                return make_key(request)
            case CheckRoot():
                return check_root(request)
            case CheckChain():
                return check_chain(request)
            case HashCertificates():
                return hash_certificates(request)
            case CheckSigner():
                return check_signing_certificate(request)
            case VerifyFile():
                return verify_firmware(request)
            case CheckImage():
                return check_image(request)
    except NotGood as reason:
        return Refused(str(reason))
    except OSError as error:
        return Refused(f"a file cannot be used ({error.strerror})")
    except Exception as error:  # the library has errors of its own, and certificates come from anywhere
        return Refused(f"it cannot be judged ({type(error).__name__})")


def main() -> int:
    """Returns 0, or 2 for a request that cannot be read."""
    os.umask(0o077)
    os.nice(NICENESS)
    try:
        request = read_request(sys.stdin.readline())
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    print(write_answer(answer(request)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
