"""What models can be asked to do: every task of `huggingface_hub`'s InferenceClient, what it takes and gives.

The table is written out, so that a chain can be checked without importing the client; a test compares it with
the installed one. Providers take more than the client's methods name, under `extra_body`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.hub.task import (
    CHAT,
    CONVERSATION,
    TEXT_GENERATION,
    Task,
    back,
    choice,
    json,
    number,
    one,
    switch,
    text,
    whole,
)
from spaces_registry.signature import Kind

_SAME = MappingProxyType(
    {
        CONVERSATION: CHAT,
        "chat": CHAT,
        "image-text-to-text": CHAT,
        "text-to-audio": "text-to-speech",
        "text2text-generation": TEXT_GENERATION,
    }
)
_NOBODY = ("depth-estimation", "text-to-3d", "image-to-3d", "video-classification", "tabular-regression")


class NoSuchTask(ToolkitError):
    """No model can be asked to do this."""

    code = "unknown-task"

    def __init__(self, task: str) -> None:
        if task in _NOBODY:
            message = f"no provider offers the task {task!r}"
            super().__init__(message, hint="look for a Space: `find: …`")
        else:
            super().__init__(f"models have no task {task!r}", hint=nearest(task, [*TASKS, *_SAME]))
        self.task = task


class UntoldTask(ToolkitError):
    """Nobody says what a model does."""

    code = "untold-task"

    def __init__(self, model: str, why: str) -> None:
        message = f"what {model} does cannot be told: {why}"
        super().__init__(message, hint=f"write `task:` beside it, one of {', '.join(TASKS)}")
        self.model = model


def task_named(name: str) -> Task:
    """The task of that name; `conversational`, `chat` and `image-text-to-text` are chats.

    Raises:
        NoSuchTask: there is none; the hint names the nearest.
    """
    plain = "-".join(name.strip().lower().replace("_", "-").split())
    plain = _SAME.get(plain, plain)
    if plain not in TASKS:
        raise NoSuchTask(name)
    return TASKS[plain]


_IMAGE = one("image", Kind.IMAGE, required=True)
_AUDIO = one("audio", Kind.AUDIO, required=True)
_PROMPT, _TEXT = text("prompt", required=True), text("text", required=True)
_SEED, _EXTRA, _TOP_K = whole("seed", None), json("extra_body"), whole("top_k")
_STEPS, _GUIDANCE = whole("num_inference_steps"), number("guidance_scale")
_SIZE = (whole("width"), whole("height"))
_NEGATIVE = text("negative_prompt")
_SCORES = choice("function_to_apply", "sigmoid", "softmax", "none")
_ANSWERING = (
    whole("doc_stride"),
    switch("handle_impossible_answer"),
    whole("max_answer_len"),
    whole("max_question_len"),
    whole("max_seq_len"),
    _TOP_K,
)
_SHORTENING = (
    switch("clean_up_tokenization_spaces"),
    json("generate_parameters"),
    choice("truncation", "do_not_truncate", "longest_first", "only_first", "only_second"),
)
_TOP_P, _STOP = number("top_p", 0, 1), text("stop", many=True)
_LABELLED = (back("label"), back("scores", Kind.JSON))  # the likeliest, and all with their scores
_ANSWERED = (back("answer"), back("details", Kind.JSON))

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        each.name: each
        for each in (
            Task(
                "text-to-image",
                "text_to_image",
                (_PROMPT, _NEGATIVE, *_SIZE, _STEPS, _GUIDANCE, text("scheduler"), _SEED, _EXTRA),
                (back("image", Kind.IMAGE),),
            ),
            Task(
                "image-to-image",
                "image_to_image",
                (_IMAGE, text("prompt"), _NEGATIVE, *_SIZE, _STEPS, _GUIDANCE, _EXTRA),
                (back("image", Kind.IMAGE),),
            ),
            Task(
                "text-to-video",
                "text_to_video",
                (
                    _PROMPT,
                    text("negative_prompt", many=True),
                    number("num_frames", 1),
                    _STEPS,
                    _GUIDANCE,
                    _SEED,
                    _EXTRA,
                ),
                (back("video", Kind.VIDEO),),
            ),
            Task(
                "image-to-video",
                "image_to_video",
                (
                    _IMAGE,
                    text("prompt"),
                    _NEGATIVE,
                    number("num_frames", 1),
                    *_SIZE,
                    _STEPS,
                    _GUIDANCE,
                    _SEED,
                    _EXTRA,
                ),
                (back("video", Kind.VIDEO),),
            ),
            Task(
                "text-to-speech",
                "text_to_speech",
                (
                    _TEXT,
                    switch("do_sample"),
                    one("early_stopping", Kind.JSON),
                    number("epsilon_cutoff"),
                    number("eta_cutoff"),
                    whole("max_length"),
                    whole("max_new_tokens"),
                    whole("min_length", 0),
                    whole("min_new_tokens", 0),
                    whole("num_beam_groups"),
                    whole("num_beams"),
                    number("penalty_alpha"),
                    number("temperature", 0),
                    _TOP_K,
                    _TOP_P,
                    number("typical_p", 0, 1),
                    switch("use_cache"),
                    _EXTRA,
                ),
                (back("audio", Kind.AUDIO),),
            ),
            Task(
                "automatic-speech-recognition",
                "automatic_speech_recognition",
                (_AUDIO, _EXTRA),
                (back("text"), back("chunks", Kind.JSON)),
            ),
            Task(
                CHAT,
                "chat_completion",
                (
                    text("prompt"),
                    text("system"),
                    one("images", Kind.IMAGE, many=True),
                    json("messages"),
                    whole("max_tokens"),
                    number("temperature", 0),
                    _TOP_P,
                    _SEED,
                    _STOP,
                    number("frequency_penalty", -2, 2),
                    number("presence_penalty", -2, 2),
                    json("response_format"),
                    json("tools"),
                    json("tool_choice"),
                    text("tool_prompt"),
                    json("logit_bias"),
                    json("stream_options"),
                    _EXTRA,
                ),
                (back("text"), back("tool_calls", Kind.JSON)),
            ),
            Task(
                TEXT_GENERATION,
                "text_generation",
                (
                    _PROMPT,
                    whole("max_new_tokens"),
                    number("temperature", 0),
                    _TOP_P,
                    _TOP_K,
                    _SEED,
                    _STOP,
                    switch("do_sample"),
                    number("repetition_penalty", 0),
                    number("frequency_penalty", -2, 2),
                    switch("return_full_text"),
                    whole("best_of"),
                    text("adapter_id"),
                    json("grammar"),
                    whole("top_n_tokens"),
                    whole("truncate"),
                    number("typical_p", 0, 1),
                    switch("watermark"),
                ),
                (back("text"),),
            ),
            Task("image-to-text", "image_to_text", (_IMAGE,), (back("text"),)),
            Task(
                "translation",
                "translation",
                (_TEXT, text("src_lang"), text("tgt_lang"), *_SHORTENING),
                (back("text"),),
            ),
            Task("summarization", "summarization", (_TEXT, *_SHORTENING), (back("text"),)),
            Task(
                "question-answering",
                "question_answering",
                (
                    text("question", required=True),
                    text("context", required=True),
                    switch("align_to_words"),
                    *_ANSWERING,
                ),
                _ANSWERED,
            ),
            Task(
                "document-question-answering",
                "document_question_answering",
                (_IMAGE, text("question", required=True), text("lang"), *_ANSWERING, json("word_boxes")),
                _ANSWERED,
            ),
            Task(
                "visual-question-answering",
                "visual_question_answering",
                (_IMAGE, text("question", required=True), _TOP_K),
                _ANSWERED,
            ),
            Task(
                "table-question-answering",
                "table_question_answering",
                (
                    json("table", required=True),
                    text("query", required=True),
                    choice("padding", "do_not_pad", "longest", "max_length"),
                    switch("sequential"),
                    switch("truncation"),
                ),
                _ANSWERED,
            ),
            Task("text-classification", "text_classification", (_TEXT, _TOP_K, _SCORES), _LABELLED),
            Task(
                "zero-shot-classification",
                "zero_shot_classification",
                (
                    _TEXT,
                    text("candidate_labels", required=True, many=True),
                    switch("multi_label"),
                    text("hypothesis_template"),
                ),
                _LABELLED,
            ),
            Task(
                "token-classification",
                "token_classification",
                (
                    _TEXT,
                    choice("aggregation_strategy", "none", "simple", "first", "average", "max"),
                    text("ignore_labels", many=True),
                    whole("stride"),
                ),
                (back("entities", Kind.JSON),),
            ),
            Task(
                "fill-mask",
                "fill_mask",
                (_TEXT, text("targets", many=True), _TOP_K),
                (back("text"), back("candidates", Kind.JSON)),
            ),
            Task(
                "feature-extraction",
                "feature_extraction",
                (
                    _TEXT,
                    switch("normalize"),
                    text("prompt_name"),
                    switch("truncate"),
                    choice("truncation_direction", "left", "right"),
                    whole("dimensions"),
                    choice("encoding_format", "float", "base64"),
                ),
                (back("embedding", Kind.JSON),),
            ),
            Task(
                "sentence-similarity",
                "sentence_similarity",
                (text("sentence", required=True), text("other_sentences", required=True, many=True)),
                (back("scores", Kind.JSON),),
            ),
            Task("image-classification", "image_classification", (_IMAGE, _TOP_K, _SCORES), _LABELLED),
            Task(
                "zero-shot-image-classification",
                "zero_shot_image_classification",
                (
                    _IMAGE,
                    text("candidate_labels", required=True, many=True),
                    text("hypothesis_template"),
                ),
                _LABELLED,
            ),
            Task(
                "image-segmentation",
                "image_segmentation",
                (
                    _IMAGE,
                    number("mask_threshold"),
                    number("overlap_mask_area_threshold"),
                    choice("subtask", "instance", "panoptic", "semantic"),
                    number("threshold"),
                ),
                (back("masks", Kind.IMAGE, many=True), back("segments", Kind.JSON)),
            ),
            Task(
                "object-detection",
                "object_detection",
                (_IMAGE, number("threshold")),
                (back("objects", Kind.JSON),),
            ),
            Task("audio-classification", "audio_classification", (_AUDIO, _TOP_K, _SCORES), _LABELLED),
            Task(
                "audio-to-audio",
                "audio_to_audio",
                (_AUDIO,),
                (back("audios", Kind.AUDIO, many=True), back("labels", Kind.JSON)),
            ),
            Task(
                "tabular-classification",
                "tabular_classification",
                (json("table", required=True),),
                (back("labels", Kind.JSON),),
            ),
        )
    }
)
