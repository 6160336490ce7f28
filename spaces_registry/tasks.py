"""What models can be asked to do: every task of `huggingface_hub`'s InferenceClient, what it takes and gives.

The table is written out, so that a chain can be checked without importing the client; a test compares it with
the installed one. Providers take more than the client's methods name, under `extra_body`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.signature import Endpoint, Json, Kind, Parameter, Return

CHAT = "chat-completion"
TEXT_GENERATION = "text-generation"
_CONVERSATION = "conversational"  # what providers and the Hub's mapping call a chat
_SAME = MappingProxyType(
    {
        "conversational": CHAT,
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


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that models can be asked to do.

    Attributes:
        name: in the Hub's words.
        method: of the InferenceClient.
        parameters: under the client's names; our own are `prompt`, `system` and `images` of a chat, and the
            `width` and `height` behind `target_size`.
        returns: what comes out.
    """

    name: str
    method: str
    parameters: tuple[Parameter, ...]
    returns: tuple[Return, ...]

    @property
    def served_as(self) -> str:
        """The task's name where providers say what they serve."""
        return _CONVERSATION if self.name == CHAT else self.name

    @property
    def endpoint(self) -> Endpoint:
        """The task as something to be called."""
        return Endpoint(self.name, self.parameters, self.returns)

    def asked_with(self, names: frozenset[str]) -> Endpoint:
        """The same, to be called with these arguments: a chat begins with a prompt or with messages."""
        if self.name != CHAT or "messages" in names:
            return self.endpoint
        parameters = [replace(one, required=one.name == "prompt") for one in self.parameters]
        return Endpoint(self.name, tuple(parameters), self.returns)


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


def _one(
    name: str,
    kind: Kind,
    *,
    required: bool = False,
    many: bool = False,
    choices: tuple[Json, ...] | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Parameter:
    label = name.replace("_", " ").capitalize()
    return Parameter(
        name, kind, label, required, choices=choices, minimum=low, maximum=high, many=many
    )  # what is left out, the model decides


def _text(name: str, *, required: bool = False, many: bool = False) -> Parameter:
    return _one(name, Kind.TEXT, required=required, many=many)


def _whole(name: str, low: float | None = 1, high: float | None = None) -> Parameter:
    return _one(name, Kind.INTEGER, low=low, high=high)


def _number(name: str, low: float | None = None, high: float | None = None) -> Parameter:
    return _one(name, Kind.NUMBER, low=low, high=high)


def _switch(name: str) -> Parameter:
    return _one(name, Kind.BOOLEAN)


def _choice(name: str, *choices: Json) -> Parameter:
    return _one(name, Kind.CHOICE, choices=choices)


def _json(name: str, *, required: bool = False) -> Parameter:
    return _one(name, Kind.JSON, required=required)


def _back(name: str, kind: Kind = Kind.TEXT, *, many: bool = False) -> Return:
    return Return(name, kind, name.replace("_", " ").capitalize(), many=many)


_IMAGE = _one("image", Kind.IMAGE, required=True)
_AUDIO = _one("audio", Kind.AUDIO, required=True)
_PROMPT, _TEXT = _text("prompt", required=True), _text("text", required=True)
_SEED, _EXTRA, _TOP_K = _whole("seed", None), _json("extra_body"), _whole("top_k")
_STEPS, _GUIDANCE = _whole("num_inference_steps"), _number("guidance_scale")
_SIZE = (_whole("width"), _whole("height"))
_NEGATIVE = _text("negative_prompt")
_SCORES = _choice("function_to_apply", "sigmoid", "softmax", "none")
_ANSWERING = (
    _whole("doc_stride"),
    _switch("handle_impossible_answer"),
    _whole("max_answer_len"),
    _whole("max_question_len"),
    _whole("max_seq_len"),
    _TOP_K,
)
_SHORTENING = (
    _switch("clean_up_tokenization_spaces"),
    _json("generate_parameters"),
    _choice("truncation", "do_not_truncate", "longest_first", "only_first", "only_second"),
)
_TOP_P, _STOP = _number("top_p", 0, 1), _text("stop", many=True)
_LABELLED = (_back("label"), _back("scores", Kind.JSON))  # the likeliest, and all with their scores
_ANSWERED = (_back("answer"), _back("details", Kind.JSON))

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        one.name: one
        for one in (
            Task(
                "text-to-image",
                "text_to_image",
                (_PROMPT, _NEGATIVE, *_SIZE, _STEPS, _GUIDANCE, _text("scheduler"), _SEED, _EXTRA),
                (_back("image", Kind.IMAGE),),
            ),
            Task(
                "image-to-image",
                "image_to_image",
                (_IMAGE, _text("prompt"), _NEGATIVE, *_SIZE, _STEPS, _GUIDANCE, _EXTRA),
                (_back("image", Kind.IMAGE),),
            ),
            Task(
                "text-to-video",
                "text_to_video",
                (
                    _PROMPT,
                    _text("negative_prompt", many=True),
                    _number("num_frames", 1),
                    _STEPS,
                    _GUIDANCE,
                    _SEED,
                    _EXTRA,
                ),
                (_back("video", Kind.VIDEO),),
            ),
            Task(
                "image-to-video",
                "image_to_video",
                (
                    _IMAGE,
                    _text("prompt"),
                    _NEGATIVE,
                    _number("num_frames", 1),
                    *_SIZE,
                    _STEPS,
                    _GUIDANCE,
                    _SEED,
                    _EXTRA,
                ),
                (_back("video", Kind.VIDEO),),
            ),
            Task(
                "text-to-speech",
                "text_to_speech",
                (
                    _TEXT,
                    _switch("do_sample"),
                    _one("early_stopping", Kind.JSON),
                    _number("epsilon_cutoff"),
                    _number("eta_cutoff"),
                    _whole("max_length"),
                    _whole("max_new_tokens"),
                    _whole("min_length", 0),
                    _whole("min_new_tokens", 0),
                    _whole("num_beam_groups"),
                    _whole("num_beams"),
                    _number("penalty_alpha"),
                    _number("temperature", 0),
                    _TOP_K,
                    _TOP_P,
                    _number("typical_p", 0, 1),
                    _switch("use_cache"),
                    _EXTRA,
                ),
                (_back("audio", Kind.AUDIO),),
            ),
            Task(
                "automatic-speech-recognition",
                "automatic_speech_recognition",
                (_AUDIO, _EXTRA),
                (_back("text"), _back("chunks", Kind.JSON)),
            ),
            Task(
                CHAT,
                "chat_completion",
                (
                    _text("prompt"),
                    _text("system"),
                    _one("images", Kind.IMAGE, many=True),
                    _json("messages"),
                    _whole("max_tokens"),
                    _number("temperature", 0),
                    _TOP_P,
                    _SEED,
                    _STOP,
                    _number("frequency_penalty", -2, 2),
                    _number("presence_penalty", -2, 2),
                    _json("response_format"),
                    _json("tools"),
                    _json("tool_choice"),
                    _text("tool_prompt"),
                    _json("logit_bias"),
                    _json("stream_options"),
                    _EXTRA,
                ),
                (_back("text"), _back("tool_calls", Kind.JSON)),
            ),
            Task(
                TEXT_GENERATION,
                "text_generation",
                (
                    _PROMPT,
                    _whole("max_new_tokens"),
                    _number("temperature", 0),
                    _TOP_P,
                    _TOP_K,
                    _SEED,
                    _STOP,
                    _switch("do_sample"),
                    _number("repetition_penalty", 0),
                    _number("frequency_penalty", -2, 2),
                    _switch("return_full_text"),
                    _whole("best_of"),
                    _text("adapter_id"),
                    _json("grammar"),
                    _whole("top_n_tokens"),
                    _whole("truncate"),
                    _number("typical_p", 0, 1),
                    _switch("watermark"),
                ),
                (_back("text"),),
            ),
            Task("image-to-text", "image_to_text", (_IMAGE,), (_back("text"),)),
            Task(
                "translation",
                "translation",
                (_TEXT, _text("src_lang"), _text("tgt_lang"), *_SHORTENING),
                (_back("text"),),
            ),
            Task("summarization", "summarization", (_TEXT, *_SHORTENING), (_back("text"),)),
            Task(
                "question-answering",
                "question_answering",
                (
                    _text("question", required=True),
                    _text("context", required=True),
                    _switch("align_to_words"),
                    *_ANSWERING,
                ),
                _ANSWERED,
            ),
            Task(
                "document-question-answering",
                "document_question_answering",
                (_IMAGE, _text("question", required=True), _text("lang"), *_ANSWERING, _json("word_boxes")),
                _ANSWERED,
            ),
            Task(
                "visual-question-answering",
                "visual_question_answering",
                (_IMAGE, _text("question", required=True), _TOP_K),
                _ANSWERED,
            ),
            Task(
                "table-question-answering",
                "table_question_answering",
                (
                    _json("table", required=True),
                    _text("query", required=True),
                    _choice("padding", "do_not_pad", "longest", "max_length"),
                    _switch("sequential"),
                    _switch("truncation"),
                ),
                _ANSWERED,
            ),
            Task("text-classification", "text_classification", (_TEXT, _TOP_K, _SCORES), _LABELLED),
            Task(
                "zero-shot-classification",
                "zero_shot_classification",
                (
                    _TEXT,
                    _text("candidate_labels", required=True, many=True),
                    _switch("multi_label"),
                    _text("hypothesis_template"),
                ),
                _LABELLED,
            ),
            Task(
                "token-classification",
                "token_classification",
                (
                    _TEXT,
                    _choice("aggregation_strategy", "none", "simple", "first", "average", "max"),
                    _text("ignore_labels", many=True),
                    _whole("stride"),
                ),
                (_back("entities", Kind.JSON),),
            ),
            Task(
                "fill-mask",
                "fill_mask",
                (_TEXT, _text("targets", many=True), _TOP_K),
                (_back("text"), _back("candidates", Kind.JSON)),
            ),
            Task(
                "feature-extraction",
                "feature_extraction",
                (
                    _TEXT,
                    _switch("normalize"),
                    _text("prompt_name"),
                    _switch("truncate"),
                    _choice("truncation_direction", "left", "right"),
                    _whole("dimensions"),
                    _choice("encoding_format", "float", "base64"),
                ),
                (_back("embedding", Kind.JSON),),
            ),
            Task(
                "sentence-similarity",
                "sentence_similarity",
                (_text("sentence", required=True), _text("other_sentences", required=True, many=True)),
                (_back("scores", Kind.JSON),),
            ),
            Task("image-classification", "image_classification", (_IMAGE, _TOP_K, _SCORES), _LABELLED),
            Task(
                "zero-shot-image-classification",
                "zero_shot_image_classification",
                (
                    _IMAGE,
                    _text("candidate_labels", required=True, many=True),
                    _text("hypothesis_template"),
                ),
                _LABELLED,
            ),
            Task(
                "image-segmentation",
                "image_segmentation",
                (
                    _IMAGE,
                    _number("mask_threshold"),
                    _number("overlap_mask_area_threshold"),
                    _choice("subtask", "instance", "panoptic", "semantic"),
                    _number("threshold"),
                ),
                (_back("masks", Kind.IMAGE, many=True), _back("segments", Kind.JSON)),
            ),
            Task(
                "object-detection",
                "object_detection",
                (_IMAGE, _number("threshold")),
                (_back("objects", Kind.JSON),),
            ),
            Task("audio-classification", "audio_classification", (_AUDIO, _TOP_K, _SCORES), _LABELLED),
            Task(
                "audio-to-audio",
                "audio_to_audio",
                (_AUDIO,),
                (_back("audios", Kind.AUDIO, many=True), _back("labels", Kind.JSON)),
            ),
            Task(
                "tabular-classification",
                "tabular_classification",
                (_json("table", required=True),),
                (_back("labels", Kind.JSON),),
            ),
        )
    }
)
