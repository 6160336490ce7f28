"""What steps are called where they are shown."""

from chains.model import ChainStep, FindStep, MediaStep, ModelStep, PythonStep, ServiceStep, SpaceStep, Step


def kind_of(step: Step) -> str:
    """`space`, `find`, `model`, `service`, `media`, `python` or `chain`."""
    match step:
        case SpaceStep():
            return "space"
        case FindStep():
            return "find"
        case ModelStep():
            return "model"
        case ServiceStep():
            return "service"
        case MediaStep():
            return "media"
        case PythonStep():
            return "python"
        case ChainStep():
            return "chain"


def named_place(step: Step) -> str:
    """A step's place as the chain names it."""
    match step:
        case SpaceStep():
            return step.space
        case FindStep():
            return f"find: {step.words}"
        case ModelStep():
            return f"model {step.model}"
        case ServiceStep():
            return f"service {step.service}"
        case MediaStep():
            return f"media {step.operation}"
        case PythonStep():
            return f"{step.file}:{step.function}"
        case ChainStep():
            return f"chain {step.chain}"
