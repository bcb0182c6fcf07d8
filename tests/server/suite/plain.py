"""Tools, resources and prompts of the conformance suite that answer at once."""

import base64
import struct
import zlib
from collections.abc import Mapping

from mcp.types import (
    AudioContent,
    BlobResourceContents,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    PromptMessage,
    TextContent,
    TextResourceContents,
)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def _png() -> str:
    """One red pixel."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    pixel = _chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    raw = b"\x89PNG\r\n\x1a\n" + header + pixel + _chunk(b"IEND", b"")
    return base64.b64encode(raw).decode()


def _wav() -> str:
    """A sound without a sample."""
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 8_000, 1, 8)
    body = b"WAVEfmt " + form + b"data" + struct.pack("<I", 0)
    return base64.b64encode(b"RIFF" + struct.pack("<I", len(body)) + body).decode()


PNG = _png()
IMAGE = ImageContent(data=PNG, mime_type="image/png")
EMBEDDED = TextResourceContents(
    uri="test://embedded-resource",
    mime_type="text/plain",
    text="This is an embedded resource content.",
)
MIXED = TextResourceContents(
    uri="test://mixed-content-resource",
    mime_type="application/json",
    text='{"test":"data","value":123}',
)

TOOLS: Mapping[str, list[ContentBlock]] = {
    "test_simple_text": [TextContent(text="This is a simple text response for testing.")],
    "test_image_content": [IMAGE],
    "test_audio_content": [AudioContent(data=_wav(), mime_type="audio/wav")],
    "test_embedded_resource": [EmbeddedResource(resource=EMBEDDED)],
    "test_multiple_content_types": [
        TextContent(text="Multiple content types test:"),
        IMAGE,
        EmbeddedResource(resource=MIXED),
    ],
}

RESOURCES: Mapping[str, TextResourceContents | BlobResourceContents] = {
    "test://static-text": TextResourceContents(
        uri="test://static-text",
        mime_type="text/plain",
        text="This is the content of the static text resource.",
    ),
    "test://static-binary": BlobResourceContents(
        uri="test://static-binary", mime_type="image/png", blob=PNG
    ),
    "test://watched-resource": TextResourceContents(
        uri="test://watched-resource", mime_type="text/plain", text="Watched."
    ),
}

TEMPLATE = "test://template/{id}/data"

PROMPTS: Mapping[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}
"""Name -> its arguments."""


def messages(name: str, given: Mapping[str, str]) -> list[PromptMessage]:
    """What a prompt says."""
    contents: list[ContentBlock]
    match name:
        case "test_simple_prompt":
            contents = [TextContent(text="This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            told = f"arg1='{given['arg1']}', arg2='{given['arg2']}'"
            contents = [TextContent(text=f"Prompt with arguments: {told}")]
        case "test_prompt_with_image":
            contents = [IMAGE, TextContent(text="Please analyze the image above.")]
        case _:
            embedded = TextResourceContents(
                uri=given["resourceUri"],
                mime_type="text/plain",
                text="Embedded resource content for testing.",
            )
            contents = [
                EmbeddedResource(resource=embedded),
                TextContent(text="Please process the embedded resource above."),
            ]
    return [PromptMessage(role="user", content=content) for content in contents]
