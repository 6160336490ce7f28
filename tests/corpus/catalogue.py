"""The corpus by name: where each app is mounted, and which of them older Gradio versions can build too."""

from collections.abc import Mapping

LOGIN = ("ada", "lovelace")
_ELSEWHERE = {"deep": "/a/deeper/place"}
_COMPAT = """
    textbox code markdown html colorpicker datetime highlighted label json number slider timer checkbox
    dropdown dropdown_labelled dropdown_numbers dropdown_none dropdown_empty dropdown_emoji dropdown_several
    dropdown_custom dropdown_filled_later radio checkbox_group
    image image_with_value audio audio_with_value audio_streamed video file file_several file_directory
    gallery gallery_with_value image_editor sketches annotated model3d upload_button download_button
    file_explorer
    dataframe dataframe_templates large_default plots multimodal chat_interface chat_with_more
    chat_multimodal state param_viewer buttons
    several defaults required_after_optional repeated_labels empty_labels long_labels lambdas hidden
    only_hidden clash odd_names odd_parameters generators interface interface_by_words interface_live
    interface_examples examples_in_blocks tabbed nothing no_events returns_only takes_only script_only
    injected chained batches by_component rendered custom_component not_queued many documented layout deep
    behind_login
    files_in_chats files_in_messages files_in_json masks editors_parts subtitled all_nulls later_skips
"""
_CURRENT_ONLY = """
    image_slider chatbot dialogue browser_state translated_labels visibility interface_lazy_examples typed
    pages rare_buttons dataset navbar templates
"""


def _placed(names: str) -> dict[str, str]:
    return {name: _ELSEWHERE.get(name, f"/{name}") for name in names.split()}


COMPAT: Mapping[str, str] = _placed(_COMPAT)
APPS: Mapping[str, str] = COMPAT | _placed(_CURRENT_ONLY)
