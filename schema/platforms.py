"""The ad platforms as clients see them. Import Platform from here, else it enters the schema without descriptions."""

from domain.platforms import Platform
from schema.enums import describe_enum

__all__ = ["Platform"]

describe_enum(
    Platform,
    "An advertising platform.",
    {
        Platform.META: "Meta Ads.",
        Platform.GOOGLE: "Google Ads.",
        Platform.TIKTOK: "TikTok Ads.",
        Platform.LINKEDIN: "LinkedIn Ads.",
        Platform.AMAZON: "Amazon Ads.",
        Platform.MICROSOFT: "Microsoft Advertising.",
    },
)
