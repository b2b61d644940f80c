"""Who is calling: the bearer token of a request (RFC 6750) as a principal, while its session lasts."""

from starlette.requests import Request

from chassis.errors import Error, Unauthenticated
from chassis.identity import Principal
from chassis.tokens import TokenVerifier
from gateway.deny_list import DenyList

_CALLER = "primetrade.caller"
"""Where a scope holds what verification said."""


async def authenticated(request: Request) -> Principal:
    """The principal of the request's bearer token, which is verified once however often this is asked.

    Raises Unauthenticated, or Unavailable while the keys or the ended sessions are not known.
    """
    caller = request.scope.get(_CALLER)
    if caller is None:
        caller = request.scope[_CALLER] = await _verified(request)
    if isinstance(caller, Principal):
        return caller
    raise caller


async def _verified(request: Request) -> Principal | Error:
    headers = request.headers.getlist("authorization")
    scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        return Unauthenticated("this needs a bearer token")
    verifier: TokenVerifier = request.app.state.verifier
    deny_list: DenyList = request.app.state.deny_list
    try:
        principal = await verifier.verify(token.strip())
        deny_list.check(principal.session)
    except Error as error:
        return error
    return principal
