namespace FineTuneService.Webhooks;

/// <summary>What a tenant can be told of, in OpenAI's names.</summary>
internal static class WebhookTypes
{
    public static readonly string[] All =
    [
        "fine_tuning.job.succeeded", "fine_tuning.job.failed", "fine_tuning.job.cancelled",
        "batch.completed", "batch.failed", "batch.cancelled", "batch.expired",
    ];
}
