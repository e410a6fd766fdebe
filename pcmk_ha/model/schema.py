"""The cluster file as JSON Schema, for editors."""

from __future__ import annotations

from typing import Any

from pcmk_ha.model.cluster import Cluster


def json_schema() -> dict[str, Any]:
    """Return a JSON Schema (2020-12) that describes every key, short forms included."""
    schema = Cluster.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "pcmk-ha cluster file"
    vip = schema["properties"]["vip"]
    schema["properties"]["vip"] = {
        "description": vip.get("description", ""),
        "anyOf": [{"type": "string", "description": "ADDRESS or ADDRESS/PREFIX"}, {"$ref": vip["$ref"]}],
    }
    for definition in ("Fence",):
        schema["$defs"][definition]["additionalProperties"] = {
            "anyOf": [
                {"$ref": "#/$defs/EnvSecret"},
                {"$ref": "#/$defs/FileSecret"},
                {"type": ["string", "integer", "number", "boolean"]},
            ]
        }
    return schema
