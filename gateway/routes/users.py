"""The profile of the caller."""

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from primetrade.users.v1 import users_pb2
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import VersionMismatch
from gateway.answers import expected_etag, resource
from gateway.documentation import IF_MATCH, IF_NONE_MATCH, answers
from gateway.neighbours import neighbours
from gateway.reading.route import Protected
from gateway.schemas.users import Profile, ProfilePatch
from gateway.translate.users import profile_json

router = APIRouter(prefix="/api/v1/users", tags=["users"], route_class=Protected)
_ME = "me"


@router.get(
    "/me",
    responses=answers({200: Profile, 304: None}, 404, headers=("ETag",)),
    openapi_extra={"parameters": [IF_NONE_MATCH]},
)
async def get_me(request: Request) -> Response:
    """The caller's own profile."""
    profile = await neighbours(request).users.GetProfile(users_pb2.GetProfileRequest(id=_ME))
    return resource(request, profile_json(profile), profile.etag)


@router.patch(
    "/me",
    responses=answers({200: Profile}, 404, 412, body=True, headers=("ETag",)),
    openapi_extra={"parameters": [IF_MATCH]},
)
async def update_me(request: Request, body: ProfilePatch) -> Response:
    """Change the caller's own profile."""
    users, etag = neighbours(request).users, expected_etag(request, "profile", _ME)
    if not body.model_fields_set:
        profile = await users.GetProfile(users_pb2.GetProfileRequest(id=_ME))
        if etag not in ("", profile.etag):
            raise VersionMismatch("profile", _ME, profile.etag)
    else:
        profile = await users.UpdateProfile(
            users_pb2.UpdateProfileRequest(
                profile=users_pb2.Profile(id=_ME, name=body.name, etag=etag),
                update_mask=FieldMask(paths=sorted(body.model_fields_set)),
            )
        )
    return resource(request, profile_json(profile), profile.etag)
