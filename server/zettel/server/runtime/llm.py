"""The configured LLM: checked at once, its client library imported at the first request."""

from importlib.util import find_spec

from anyio import to_thread

from zettel.server.config.settings import Settings
from zettel.storage.errors import InvalidArgumentError, ModelUnavailableError
from zettel.tools.llm.llm import Chat, Llm, LlmLimits

LIBRARY = "openai"


def build_llm(settings: Settings) -> Llm | None:
    """The LLM for evolution; None if none is set.

    Raises:
        ModelUnavailableError: The client library is not installed.
        InvalidArgumentError: A bound on money is set without prices.
    """
    if not settings.llm_model:
        return None
    if find_spec(LIBRARY) is None:
        raise ModelUnavailableError(
            settings.llm_model,
            f"cannot be asked: the package {LIBRARY} is not installed",
            "Install it with pip install 'zettel-mcp[llm]', or unset ZETTEL_LLM_MODEL.",
            what="LLM",
        )
    limits = _limits(settings)

    async def open_chat() -> Chat:
        return await to_thread.run_sync(_chat, settings)

    return Llm(open_chat=open_chat, limits=limits)


def _limits(settings: Settings) -> LlmLimits:
    for name in ("llm_money_run", "llm_money_day"):
        bound = getattr(settings, name)
        if bound is not None and not (settings.llm_price_in or settings.llm_price_out):
            problem = f"{bound} bounds nothing while tokens have no price"
            remedy = "Set ZETTEL_LLM_PRICE_IN and ZETTEL_LLM_PRICE_OUT as well, or unset it."
            setting = f"setting {name}"
            raise InvalidArgumentError(setting, problem, remedy)
    return LlmLimits(
        tokens_run=settings.llm_tokens_run,
        tokens_day=settings.llm_tokens_day,
        money_run=settings.llm_money_run,
        money_day=settings.llm_money_day,
        price_in=settings.llm_price_in,
        price_out=settings.llm_price_out,
    )


def _chat(settings: Settings) -> Chat:
    try:
        # The library takes a second to import.
        from zettel.tools.llm.openai_client import OpenAiChat  # noqa: PLC0415
    except ImportError as error:
        problem = f"cannot be asked: its client does not load ({error})"
        remedy = "Install it again with pip install 'zettel-mcp[llm]'."
        raise ModelUnavailableError(settings.llm_model, problem, remedy, what="LLM") from error

    return OpenAiChat(
        base_url=settings.llm_base_url,
        model=settings.llm_model,
        key=settings.llm_key.get_secret_value(),
        timeout_s=settings.llm_timeout_seconds,
    )
