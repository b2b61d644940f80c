"""JSON Schemas of messages in their JSON form (protobuf.dev/programming-guides/json), which is that of the examples."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from protos.asyncapi.contracts import Contracts, is_map_entry, reachable

Schema = dict[str, Any]

_TEXT = {"type": "string"}
_WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Names of fields in camelCase, joined by commas."},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"},
}
_SCALARS: Mapping[int, Schema] = {
    FieldDescriptor.TYPE_STRING: _TEXT,
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_UINT32: {"type": "integer", "minimum": 0},
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.TYPE_UINT64: {"type": "string", "format": "uint64"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number"},
}


def key_of(name: str) -> str:
    """Under which key of components.schemas the JSON form of a message or enum stands."""
    return f"json.{name}"


def json_schemas(contracts: Contracts, message: Descriptor) -> dict[str, Schema]:
    """The schema of a message's JSON form and of everything it is made of, by key. Unknown fields are allowed: changes
    of a published message are additive. A field that has its default is left out of the JSON form."""
    return {
        key_of(part.full_name): _enum(contracts, part) if isinstance(part, EnumDescriptor) else _object(contracts, part)
        for part in reachable(message)
        if part.full_name not in _WELL_KNOWN and not is_map_entry(part)
    }


def _object(contracts: Contracts, message: Descriptor) -> Schema:
    properties = {field.json_name: _field(contracts, field) for field in message.fields}
    return _described(contracts, message.full_name, {"type": "object", "title": message.name, "properties": properties})


def _enum(contracts: Contracts, enum: EnumDescriptor) -> Schema:
    names = [value.name for value in enum.values]
    told = [f"`{name}`: {said}" for name in names if (said := contracts.comment(f"{enum.full_name}.{name}"))]
    schema: Schema = {"type": "string", "title": enum.name, "enum": names}
    return schema | ({"description": " ".join(told)} if told else {})


def _field(contracts: Contracts, field: FieldDescriptor) -> Schema:
    entry = field.message_type
    if entry is not None and is_map_entry(entry):
        values = _value(entry.fields_by_name["value"])
        return _described(contracts, field.full_name, {"type": "object", "additionalProperties": values})
    schema = {"type": "array", "items": _value(field)} if field.is_repeated else _value(field)
    return _described(contracts, field.full_name, schema)


def _value(field: FieldDescriptor) -> Schema:
    part = field.message_type or field.enum_type
    if part is None:
        return dict(_SCALARS[field.type])
    if part.full_name in _WELL_KNOWN:
        return dict(_WELL_KNOWN[part.full_name])
    return {"$ref": f"#/components/schemas/{key_of(part.full_name)}"}


def _described(contracts: Contracts, name: str, schema: Schema) -> Schema:
    said = contracts.comment(name)
    if not said:
        return schema
    if "$ref" in schema:  # whose siblings are not read
        return {"allOf": [schema], "description": said}
    return schema | {"description": " ".join(filter(None, [said, schema.get("description")]))}
