"""Checks what commands print against the schemas of the documentation."""

import json
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def validate_document(name: str, document: Any) -> None:
    """Raises if a document is not as ``docs/schemas/NAME.schema.json`` says, with unknown fields
    too: what is printed is documented."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, _closed(schema), cls=jsonschema.Draft202012Validator)


def _closed(schema: Any) -> Any:
    """The schema without unknown fields; the published one allows those of later versions."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed
