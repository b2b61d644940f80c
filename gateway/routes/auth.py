"""Registration, login and tokens."""

from fastapi import APIRouter
from primetrade.auth.v1 import auth_pb2
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer
from gateway.documentation import answers
from gateway.neighbours import neighbours
from gateway.reading.route import Public
from gateway.schemas.auth import Credentials, RefreshToken, Registration, Session, Tokens
from gateway.translate.auth import session_json, tokens_json

router = APIRouter(prefix="/api/v1/auth", tags=["auth"], route_class=Public)


@router.post("/register", status_code=201, responses=answers({201: Session}, 409, protected=False, body=True))
async def register(request: Request, body: Registration) -> Response:
    """Register an account and start its first session."""
    asked = auth_pb2.RegisterRequest(name=body.name, email=body.email, password=body.password)
    response = await neighbours(request).auth.Register(asked)
    return answer(session_json(response.account, response.tokens), 201)


@router.post("/login", responses=answers({200: Session}, 401, protected=False, body=True))
async def login(request: Request, body: Credentials) -> Response:
    """Start a session. An unknown address and a wrong password get the same answer."""
    asked = auth_pb2.LoginRequest(email=body.email, password=body.password)
    response = await neighbours(request).auth.Login(asked)
    return answer(session_json(response.account, response.tokens))


@router.post("/refresh", responses=answers({200: Tokens}, 401, protected=False, body=True))
async def refresh(request: Request, body: RefreshToken) -> Response:
    """Turn a refresh token into the next pair. A token that comes back later ends its session."""
    response = await neighbours(request).auth.Refresh(auth_pb2.RefreshRequest(refresh_token=body.refresh_token))
    return answer(tokens_json(response.tokens))


@router.post("/logout", status_code=204, responses=answers({204: None}, protected=False, body=True))
async def logout(request: Request, body: RefreshToken) -> Response:
    """End the session of a refresh token. An unknown or ended one is no error."""
    await neighbours(request).auth.Logout(auth_pb2.LogoutRequest(refresh_token=body.refresh_token))
    return Response(status_code=204)
