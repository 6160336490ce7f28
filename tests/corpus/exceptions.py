"""Where `gradio_client` is wrong, or cannot: named, with the reason; everything not named here must agree."""

from collections.abc import Mapping

RANDOM = "the app draws a new number for every call"
UPDATE = "it hands out Gradio's raw update where the app left a value alone, or changed more than the value"
BUTTON = "it leaves a button's place out of the data, and the app then misses an input"
SERVER_FILE = "it takes the path in a default for one of this machine, and finds nothing there"
WHOLE = "it sends 2.0 where we send 2 as a browser does; the app's product is 6.0 there, 6 here"

PATH = "it takes every object with a `path` for a file of the app, and fails where there is none"
LEFT_ALONE = ("text", "facts", "scores", "table", "picture", "gallery", "file", "replacing", "never")

EXAMPLE: Mapping[tuple[str, str], str] = {
    ("slider", "/get_random_value"): RANDOM,
    ("dropdown_filled_later", "/fill"): UPDATE,
    ("by_component", "/some"): UPDATE,
    ("by_component", "/update"): UPDATE,
    ("by_component", "/skip"): UPDATE,
    ("buttons", "/press"): BUTTON,
    ("buttons", "/cleared"): BUTTON,
    ("rare_buttons", "/duplicatebutton"): BUTTON,
    ("rare_buttons", "/deeplinkbutton"): BUTTON,
    ("typed", "/add"): WHOLE,
    ("files_in_json", "/looks_like_it"): PATH,
    **{("later_skips", f"/{name}"): UPDATE for name in LEFT_ALONE},
}
DEFAULTS: Mapping[tuple[str, str], str] = {
    ("image_with_value", "/start"): SERVER_FILE,
    ("audio_with_value", "/start"): SERVER_FILE,
    ("file", "/with_value"): SERVER_FILE,
    ("gallery_with_value", "/start"): SERVER_FILE,
    ("download_button", "/same"): SERVER_FILE,
}

LOGIN_BY_PATH = "it cannot be told a path on Gradio 4, and sends no header when it logs in"
OUT_OF_REACH: Mapping[tuple[str, str], str] = {("4.44.1", "behind_login"): LOGIN_BY_PATH}
