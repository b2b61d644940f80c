"""The contracts as protoc reads them, with the comments and the source that generated code does not carry."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_tools import protoc

from protos.generate import HERE, includes

_PACKAGE, _MESSAGES, _ENUMS, _FIELDS, _VALUES = 2, 4, 5, 2, 2
"""Field numbers of descriptor.proto, which are how SourceCodeInfo names a place."""

_BEHAVIOR = re.compile(r" \[\(google\.api\.field_behavior\) = \w+\]")
"""What a request may set says nothing in an event."""

Named = Descriptor | EnumDescriptor


class Contracts:
    """Every proto file below protos/primetrade."""

    def __init__(self) -> None:
        files = _compiled()
        self._pool = DescriptorPool()
        self._comments: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        for file in files.file:
            self._pool.Add(file)
            if file.name.startswith("primetrade/"):
                self._read(file)

    def messages(self, file: str) -> list[Descriptor]:
        """The messages that a file declares, in its order. Raises KeyError when there is no such file."""
        return list(self._pool.FindFileByName(file).message_types_by_name.values())

    def comment(self, name: str) -> str:
        """The comment above a message, enum, value or field, by its full name; of a file by its path."""
        return self._comments.get(name, "")

    def source(self, message: Descriptor) -> str:
        """A proto file that holds the message and all it is made of, and imports google's well-known types alone."""
        parts = list(reachable(message))
        own = [part for part in parts if not _is_google(part) and part.containing_type is None]
        imports = sorted({part.file.name for part in parts if _is_google(part)})
        head = ['syntax = "proto3";', f"package {message.file.package};"]
        return "\n\n".join([
            "\n".join(head),
            *(["\n".join(f'import "{name}";' for name in imports)] if imports else []),
            *(self._sources[part.full_name] for part in own),
        ]) + "\n"  # fmt: skip

    def _read(self, file: FileDescriptorProto) -> None:
        lines = (HERE / file.name).read_text().splitlines()
        names = dict(_places(file))
        for location in file.source_code_info.location:
            name = names.get(tuple(location.path))
            if name is None:
                continue
            comment = " ".join(line.strip() for line in location.leading_comments.splitlines())
            self._comments[name] = comment.strip()
            if len(location.path) == 2:
                first, last = location.span[0], location.span[2] if len(location.span) == 4 else location.span[0]
                above = [f"// {line.strip()}" for line in location.leading_comments.splitlines()]
                self._sources[name] = "\n".join(
                    [*above, *(_BEHAVIOR.sub("", line) for line in lines[first : last + 1])]
                )


def reachable(message: Descriptor) -> Iterator[Named]:
    """The message, then every message and enum that its fields use, each once; google's are not looked into."""
    seen: dict[str, Named] = {}
    waiting: list[Named] = [message]
    while waiting:
        part = waiting.pop(0)
        if part.full_name in seen:
            continue
        seen[part.full_name] = part
        if isinstance(part, Descriptor) and not _is_google(part):
            waiting += [used for field in part.fields if (used := field.message_type or field.enum_type) is not None]
    yield from seen.values()


def is_map_entry(part: Named) -> bool:
    """Whether it is the message that protobuf makes for a map field."""
    return isinstance(part, Descriptor) and bool(part.GetOptions().map_entry)


def _is_google(part: Named) -> bool:
    return part.full_name.startswith("google.")


def _compiled() -> FileDescriptorSet:
    sources = sorted(str(path.relative_to(HERE)) for path in (HERE / "primetrade").rglob("*.proto"))
    with tempfile.TemporaryDirectory(prefix="primetrade-asyncapi-") as folder:
        into = Path(folder) / "contracts"
        arguments = ["--include_imports", "--include_source_info", f"--descriptor_set_out={into}", *sources]
        if protoc.main(["protoc", *includes(), *arguments]) != 0:
            raise SystemExit("protoc failed; its message is above")
        return FileDescriptorSet.FromString(into.read_bytes())


def _places(file: FileDescriptorProto) -> Iterator[tuple[Sequence[int], str]]:
    """What stands at which path of the source: the file's package under the file's path, the rest by full name."""
    yield (_PACKAGE,), file.name
    for number, enum in enumerate(file.enum_type):
        name = f"{file.package}.{enum.name}"
        yield (_ENUMS, number), name
        yield from (((_ENUMS, number, _VALUES, n), f"{name}.{value.name}") for n, value in enumerate(enum.value))
    for number, message in enumerate(file.message_type):
        yield from _message(file, number, message)


def _message(file: FileDescriptorProto, number: int, message: DescriptorProto) -> Iterator[tuple[Sequence[int], str]]:
    name = f"{file.package}.{message.name}"
    yield (_MESSAGES, number), name
    yield from (((_MESSAGES, number, _FIELDS, n), f"{name}.{field.name}") for n, field in enumerate(message.field))
