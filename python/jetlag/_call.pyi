from typing import Any

class Callable:
    """What Python calls of a decorated function."""

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any: ...  # noqa: ANN401
    def __get__(self, instance: object, owner: type | None = None, /) -> Any: ...  # noqa: ANN401
