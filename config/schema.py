"""The JSON Schema of the configuration file, for editors: `# yaml-language-server: $schema=watchkeeper.schema.json`."""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from config.settings import Settings
from config.shape import FILE_SUFFIX
from config.types import format_duration

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of the YAML file: keys as they are written there, secrets also as the paths of their files."""
    schema = Settings.model_json_schema(by_alias=True, schema_generator=_Generator)
    for section in (schema, *schema["$defs"].values()):
        _name_entries(section)
        _add_secret_files(section)
    return {"$schema": _DIALECT, **schema, "title": "Watchkeeper's configuration"}


class _Generator(GenerateJsonSchema):
    """Defaults as a person would write them."""

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        # The keys of a section have their own defaults.
        if isinstance(schema.get("default"), BaseModel):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def _name_entries(section: dict[str, Any]) -> None:
    """A name that does not match the pattern of names is an error, not a free key."""
    for field in section["properties"].values():
        if "patternProperties" in field:
            field["additionalProperties"] = False


def _add_secret_files(section: dict[str, Any]) -> None:
    """Beside each secret the key that names its file; one of the two where the secret is required."""
    properties = section["properties"]
    required = section.get("required", [])
    for name in [name for name, field in properties.items() if _is_secret(field)]:
        holds = f"The path of a file that holds {name}" + (", one a line." if "items" in properties[name] else ".")
        properties[name + FILE_SUFFIX] = {"type": "string", "description": holds}
        if name in required:
            required.remove(name)
            ways = [{"required": [name]}, {"required": [name + FILE_SUFFIX]}]
            section.setdefault("allOf", []).append({"oneOf": ways})


def _is_secret(field: dict[str, Any]) -> bool:
    return any(each.get("writeOnly") for each in (field, field.get("items", {}), *field.get("anyOf", [])))
