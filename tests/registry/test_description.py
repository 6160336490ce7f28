import json
from collections.abc import Mapping
from typing import Any

import pytest

from spaces_registry import Kind, Space, read_space

FILE = {"type": "string", "format": "filepath"}
FILE_DATA = {"properties": {"path": {}, "url": {}, "orig_name": {}, "meta": {}}, "title": "FileData"}


def config(
    *dependencies: Mapping[str, Any], components: Mapping[int, tuple[str, dict[str, Any]]], **more: Any
) -> Any:
    """A `/config` of the recorded shape: components as id to type and props."""
    listed = [
        {"id": one, "type": kind, "props": {"name": kind, **props}, "skip_api": kind in ("state", "button")}
        for one, (kind, props) in components.items()
    ]
    numbered = [{"id": place, "types": {"generator": False}, **one} for place, one in enumerate(dependencies)]
    return (
        {"version": "6.31.0", "api_prefix": "/gradio_api", "protocol": "sse_v3"}
        | more
        | {
            "components": listed,
            "dependencies": numbered,
        }
    )


def info(**endpoints: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> Any:
    """An `/info` of the recorded shape: endpoint name to parameters and returns."""
    named = {
        f"/{name}": {"parameters": takes, "returns": gives} for name, (takes, gives) in endpoints.items()
    }
    return {"named_endpoints": named, "unnamed_endpoints": {}}


def takes(name: str, component: str, schema: Any, **more: Any) -> dict[str, Any]:
    """One parameter of `/info`."""
    base = {"label": name.title(), "parameter_has_default": False, "parameter_default": None}
    return base | {"parameter_name": name, "component": component, "type": schema} | more


def gives(label: Any, component: str = "Textbox", schema: Any = None) -> dict[str, Any]:
    """One return of `/info`."""
    return {"label": label, "component": component, "type": schema or {"type": "string"}}


def read(config: Any = None, info: Any = None, openapi: Any = None) -> Space:
    """What the reader makes of it."""
    return read_space("acme/app", "http://host/", config, info, openapi)


@pytest.mark.parametrize(
    ("component", "schema", "props", "kind", "many", "wrapped"),
    [
        ("Textbox", {"type": "string"}, {}, Kind.TEXT, False, False),
        ("Number", {"type": "number"}, {}, Kind.NUMBER, False, False),
        ("Number", {"type": "integer"}, {"precision": 0}, Kind.INTEGER, False, False),
        ("Slider", {"type": "number", "description": "between 1 and 9"}, {}, Kind.NUMBER, False, False),
        ("Checkbox", {"type": "boolean"}, {}, Kind.BOOLEAN, False, False),
        ("Checkboxgroup", {"type": "array", "items": {"enum": ["a"]}}, {}, Kind.CHOICE, True, False),
        ("Dropdown", {"type": "array", "items": {"type": "string"}}, {}, Kind.CHOICE, True, False),
        ("Image", {}, {}, Kind.IMAGE, False, False),
        ("Imageeditor", {"type": "object"}, {}, Kind.IMAGE, False, False),
        ("Video", {"properties": {"video": {}, "subtitles": {}}}, {}, Kind.VIDEO, False, True),
        ("Video", FILE_DATA, {}, Kind.VIDEO, False, False),
        ("File", {"type": "array", "items": FILE_DATA}, {}, Kind.FILE, True, False),
        ("File", FILE, {"file_count": "multiple"}, Kind.FILE, True, False),
        ("Gallery", {"type": "array"}, {}, Kind.GALLERY, False, False),
        ("Model3d", FILE_DATA, {}, Kind.MODEL3D, False, False),
        ("Json", {"type": {}}, {}, Kind.JSON, False, False),
        ("Handmade", {"$ref": "#/$defs/F", "$defs": {"F": FILE_DATA}}, {}, Kind.FILE, False, False),
        ("Handmade", {"anyOf": [FILE_DATA, {"type": "null"}]}, {}, Kind.FILE, False, False),
        ("Handmade", {"anyOf": [{"type": "string"}, {"type": "number"}]}, {}, Kind.ANY, False, False),
        (
            "Handmade",
            {"$ref": "#/$defs/F", "$defs": {"F": {"$ref": "#/$defs/F"}}},
            {},
            Kind.ANY,
            False,
            False,
        ),
        ("Handmade", {"type": "string"}, {}, Kind.TEXT, False, False),
        ("Handmade", {}, {}, Kind.ANY, False, False),
    ],
)
def test_kinds_come_from_component_and_schema(
    component: str,
    schema: Any,
    props: dict[str, Any],
    kind: Kind,
    many: bool,  # noqa: FBT001 - a table's column
    wrapped: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Everything hangs on kinds: what fits, what is uploaded, what is fetched."""
    app = config({"api_name": "go", "inputs": [1], "outputs": []}, components={1: (component.lower(), props)})

    [one] = read(app, info(go=([takes("x", component, schema)], []))).endpoint("/go").parameters

    assert (one.kind, one.many, one.wrapped) == (kind, many, wrapped)


def test_a_video_is_wrapped_for_gradio_4_and_5_even_if_the_schema_is_lost() -> None:
    """A bare FileData fails there, a wrapped one fails on 6."""
    app = config(
        {"api_name": "go", "inputs": [1], "outputs": []}, components={1: ("video", {})}, version="4.44.1"
    )

    assert read(app, info(go=([takes("x", "Video", {})], []))).endpoint().parameters[0].wrapped


def test_true_ranges_and_choices_are_in_the_configuration() -> None:
    """`/info` has ranges in prose only, choices under the wrong type, and knows no values of one's own."""
    app = config(
        {"api_name": "go", "inputs": [1, 2, 3, 4], "outputs": []},
        components={
            1: ("slider", {"minimum": 0, "maximum": 1.5, "value": 7}),
            2: ("dropdown", {"choices": [["One 🦊", 1], ["None", None]], "value": 1}),
            3: ("dropdown", {"choices": [["X", "x"]], "allow_custom_value": True}),
            4: ("radio", {"choices": []}),
        },
    )
    described = [
        takes("a", "Slider", {"type": "number"}, parameter_has_default=True, parameter_default=7),
        takes("b", "Dropdown", {"type": "string", "enum": ["1"]}),
        takes("c", "Dropdown", {"type": "string", "enum": ["x"]}),
        takes("d", "Radio", {"type": "string", "enum": []}),
    ]

    a, b, c, d = read(app, info(go=(described, []))).endpoint().parameters

    assert (a.minimum, a.maximum, a.default, a.required) == (0, 1.5, 7, False)
    assert (b.choices, b.closed) == ((1, None), True)
    assert (c.choices, c.closed) == (("x",), False)
    assert (d.choices, d.closed) == (None, False)


def test_returns_are_named_by_their_labels_and_are_unique() -> None:
    """`$step.seed` must mean one output, whatever the author wrote, or did not write."""
    translated = {"key": "made_image", "_type": "translation_metadata"}
    labels = [
        "Generated Images!",
        "Seed",
        "Seed",
        "",
        "value_12",
        None,
        translated,
        "3D model",
        "class",
        "结果",
        "🦊",
    ]

    found = [one.name for one in read(None, info(go=([], [gives(one) for one in labels]))).endpoint().returns]

    assert found == [
        "generated_images", "seed", "seed_2", "output", "output_2", "output_3", "made_image",
        "output_3d_model", "class_", "结果", "output_4",
    ]  # fmt: skip


def test_translated_labels_are_shown_in_english_where_the_app_has_it() -> None:
    """A label that is an object must neither crash nor be shown as one."""
    text = "__i18n__" + json.dumps({"__type__": "translation_metadata", "key": "made"})
    app = config(
        {"api_name": "go", "inputs": [], "outputs": [1]},
        components={1: ("image", {"label": text})},
        i18n_translations={"en": {"made": "The picture"}, "de": {"made": "Das Bild"}},
    )

    assert read(app, info(go=([], [gives(None, "Image")]))).endpoint().returns[0].label == "The picture"


def test_state_and_buttons_keep_their_place_on_the_wire() -> None:
    """A State input hidden from `/info` shifts every argument behind it."""
    app = config(
        {"api_name": "go", "inputs": [9, 1, 8, 2], "outputs": [9, 1], "types": {"generator": True}},
        components={1: ("textbox", {}), 2: ("number", {}), 8: ("button", {}), 9: ("state", {})},
    )
    described = [takes("a", "Textbox", {"type": "string"}), takes("b", "Number", {"type": "number"})]

    wire = read(app, info(go=(described, [gives("A")]))).endpoint().wire

    assert (wire.inputs, wire.outputs, wire.generator) == ((None, "a", None, "b"), (None, 0), True)


def test_of_two_functions_with_one_name_the_described_one_is_called() -> None:
    """`/info` shows the last one; calling the first one would send it another's arguments."""
    app = config(
        {"api_name": "go", "inputs": [1, 1], "outputs": []},
        {"api_name": "go", "inputs": [1], "outputs": []},
        components={1: ("textbox", {})},
    )

    assert read(app, info(go=([takes("a", "Textbox", {"type": "string"})], []))).endpoint().wire.index == 1


def test_an_endpoint_that_the_configuration_lacks_is_called_by_its_name() -> None:
    """An app that cached its examples while it was asked keeps a wrong list for its lifetime."""
    wire = read(config(components={}), info(go=([takes("a", "Textbox", {})], [gives("A")]))).endpoint().wire

    assert (wire.index, wire.inputs, wire.outputs) == (None, ("a",), (0,))


def test_what_cannot_be_called_is_listed_with_the_reason() -> None:
    """A missing endpoint without a word looks like our mistake."""
    app = config(
        {"api_name": "hidden", "inputs": [], "outputs": [], "api_visibility": "private"},
        {"api_name": "old", "inputs": [], "outputs": [], "show_api": False},
        {"api_name": "odd", "inputs": [1, 1], "outputs": []},
        {"api_name": "script", "inputs": [], "outputs": [], "backend_fn": False},
        components={1: ("textbox", {})},
    )
    described = info(odd=([takes("a", "Textbox", {})], []), fine=([], []))
    described["named_endpoints"]["/broken"] = "nonsense"
    described["unnamed_endpoints"] = {"16": {}}

    space = read(app, described)

    assert [one.name for one in space.endpoints] == ["/fine"]
    assert {one.name: one.why.split()[-1] for one in space.unusable} == {
        "/hidden": "API", "/old": "API", "/odd": "other", "/broken": "described", "16": "name",
    }  # fmt: skip


RUN_STYLE = {
    "paths": {
        "/run/draw": {
            "post": {
                "description": "Draw.",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "prompt": {"type": "string"},
                                    "picture": {"$ref": "#/$defs/I", "$defs": {"I": FILE_DATA}},
                                },
                                "required": ["prompt"],
                            }
                        }
                    }
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "properties": {"output": FILE_DATA, "output_1": {"type": "integer"}}
                                }
                            }
                        }
                    }
                },
            }
        },
        "/run/{api_name}": {"post": {}},
    }
}
CALL_STYLE = {
    "paths": {
        "/gradio_api/upload": {"post": {}},
        "/gradio_api/call/v2/draw": {
            "post": {
                "description": "Draw.Output must be fetched from GET /gradio_api/call/draw/{event_id}.",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"properties": {"prompt": {"type": "string"}, "picture": FILE}}
                        }
                    }
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"properties": {"event_id": {}}}}}}
                },
            }
        },
    }
}
DRAWS = config(
    {"api_name": "draw", "inputs": [1, 2], "outputs": [3, 4]},
    components={
        1: ("textbox", {"label": "Prompt"}),
        2: ("image", {"label": "Picture", "value": {"path": "/srv/x.png", "url": "http://h/x", "meta": {}}}),
        3: ("image", {"label": "Made"}),
        4: ("number", {"label": "Seed"}),
    },
)


@pytest.mark.parametrize("openapi", [RUN_STYLE, CALL_STYLE])
def test_openapi_stands_in_for_info_and_the_configuration_completes_it(openapi: Any) -> None:
    """`/info` fails on some apps; names from one source and kinds from the other still make a signature."""
    endpoint = read(DRAWS, None, openapi).endpoint("/draw")

    assert [(one.name, one.kind, one.required) for one in endpoint.parameters] == [
        ("prompt", Kind.TEXT, True),
        ("picture", Kind.IMAGE, False),
    ]
    assert [one.name for one in endpoint.returns] == ["made", "seed"]
    assert endpoint.returns[0].kind is Kind.IMAGE
    assert endpoint.description == "Draw."


def test_openapi_alone_gives_coarse_kinds() -> None:
    """Without a configuration a picture is a file, which is little, but true."""
    endpoint = read(None, None, RUN_STYLE).endpoint("/draw")

    assert [one.kind for one in endpoint.parameters] == [Kind.TEXT, Kind.FILE]
    assert [one.kind for one in endpoint.returns] == [Kind.FILE, Kind.INTEGER]


def test_info_comes_first_and_openapi_adds_what_it_lacks() -> None:
    """One source must not hide what the other knows."""
    space = read(None, info(go=([takes("a", "Textbox", {"type": "string"})], [])), RUN_STYLE)

    assert [one.name for one in space.endpoints] == ["/go", "/draw"]


def test_an_app_whose_api_pages_fail_is_read_from_its_configuration() -> None:
    """A crash in `/info` is a well-known bug of Gradio 4 and 5; the app itself still runs."""
    endpoint = read(DRAWS).endpoint("/draw")

    assert [(one.name, one.kind) for one in endpoint.parameters] == [
        ("prompt", Kind.TEXT),
        ("picture", Kind.IMAGE),
    ]


def test_an_app_that_describes_nothing_offers_nothing() -> None:
    """An author who switched the API off must not be called through the back door."""
    assert read(DRAWS, {"named_endpoints": {}, "unnamed_endpoints": {}}).endpoints == ()


def test_a_file_default_does_not_change_with_the_apps_address() -> None:
    """The fingerprint guards against drift; a URL with a host in it would cry wolf."""
    default = {"path": "/srv/gradio/abc/x.png", "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}

    def fingerprint(url: str) -> str:
        one = takes("a", "Image", {}, parameter_has_default=True, parameter_default=default | {"url": url})
        return read(None, info(go=([one], []))).endpoint().fingerprint

    assert fingerprint("http://one/x.png") == fingerprint("http://two/x.png")
