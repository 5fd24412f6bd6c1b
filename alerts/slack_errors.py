"""What Slack's error codes mean: those that the documentation of chat.postMessage, chat.update and webhooks lists."""

from typing import Final

from alerts.notifier import Failure

# chat.update cannot change this message any more, and never will: say it in a new one, in the channel of the settings
# (the message may lie in the channel of earlier settings, which is gone).
CANNOT_UPDATE: Final = frozenset(
    {
        "message_not_found",
        "edit_window_closed",
        "cant_update_message",
        "channel_not_found",
        "is_archived",
        "is_inactive",
        "not_in_channel",
    }
)

_CODES: Final[dict[Failure, tuple[str, ...]]] = {
    Failure.RATE_LIMITED: ("ratelimited", "rate_limited", "message_limit_exceeded"),
    Failure.UNAUTHORIZED: (
        "access_denied",
        "accesslimited",
        "account_inactive",
        "action_prohibited",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "invalid_token",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "posting_to_general_channel_denied",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "team_access_not_granted",
        "team_disabled",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    ),
    Failure.UNKNOWN_RECEIVER: (
        "channel_is_archived",
        "channel_not_found",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "not_in_channel",
        "team_not_found",
        "user_not_found",
    ),
    Failure.TOO_LARGE: ("attachment_payload_limit_exceeded", "msg_blocks_too_long", "msg_too_long"),
    Failure.BAD_REQUEST: (
        "as_user_not_supported",
        "block_mismatch",
        "cannot_reply_to_message",
        "cant_update_message",
        "deprecated_endpoint",
        "duplicate_channel_not_found",
        "edit_window_closed",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_array_arg",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_charset",
        "invalid_form_data",
        "invalid_payload",
        "invalid_post_type",
        "message_not_found",
        "method_deprecated",
        "missing_post_type",
        "missing_text_or_fallback_or_attachments",
        "no_text",
        "too_many_attachments",
        "unknown_method",
    ),
    # Transient, or a migration of the workspace, which ends.
    Failure.SERVER_ERROR: (
        "external_channel_migrating",
        "fatal_error",
        "internal_error",
        "org_login_required",
        "request_timeout",
        "rollup_error",
        "service_unavailable",
        "team_added_to_org",
        "update_failed",
    ),
}

FAILURES: Final[dict[str, Failure]] = {code: failure for failure, codes in _CODES.items() for code in codes}
