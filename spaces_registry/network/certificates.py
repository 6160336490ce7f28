"""What helps where the certificate of an https address is not believed."""

import ssl
from typing import Final

_ONE_OF_ITS_OWN: Final = frozenset({18, 19, 20, 21})  # OpenSSL's verify codes: nobody vouches for its issuer
_FAILED: Final = "CERTIFICATE_VERIFY_FAILED"
_DEEPEST: Final = 10  # exceptions behind each other


def certificate_hint(cause: BaseException) -> str | None:
    """What to do about a connection that failed by its certificate; None where it failed otherwise."""
    at: BaseException | None = cause
    for _ in range(_DEEPEST):
        if at is None:
            break
        if isinstance(at, ssl.SSLCertVerificationError):
            return _hint_of(at)
        at = at.__cause__ or at.__context__
    return _TRUST if _FAILED in str(cause) else None


_TRUST: Final = "if you trust it, name the certificate of its issuer in a file: SSL_CERT_FILE=cert.pem"


def _hint_of(failure: ssl.SSLCertVerificationError) -> str:
    if failure.verify_code in _ONE_OF_ITS_OWN:
        return _TRUST
    why = failure.verify_message.rstrip(".")
    return f"its certificate does not hold ({why}): see its address and your clock"
