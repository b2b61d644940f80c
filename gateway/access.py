"""Who is calling: the bearer token of a request (RFC 6750) as a principal, while its session lasts."""

from starlette.requests import Request

from chassis.errors import Unauthenticated
from chassis.identity import Principal
from chassis.tokens import TokenVerifier
from gateway.deny_list import DenyList


async def authenticated(request: Request) -> Principal:
    """The principal of the request's bearer token.

    Raises Unauthenticated, or Unavailable while the keys or the ended sessions are not known.
    """
    headers = request.headers.getlist("authorization")
    scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("this needs a bearer token")
    verifier: TokenVerifier = request.app.state.verifier
    deny_list: DenyList = request.app.state.deny_list
    principal = await verifier.verify(token.strip())
    deny_list.check(principal.session)
    return principal
