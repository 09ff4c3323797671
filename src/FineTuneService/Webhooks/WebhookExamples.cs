using FineTuneService.Hosting;

namespace FineTuneService.Webhooks;

/// <summary>Swagger UI's examples of webhooks.</summary>
internal static class WebhookExamples
{
    private static readonly string[] Ends = ["fine_tuning.job.succeeded", "fine_tuning.job.failed"];

    public static readonly CreateWebhookRequest Create = new("https://hooks.example.com/finetune", Ends);
    public static readonly WebhookBody Endpoint = new("we-3s5d7f9g1h2j4k6l8z0x2c4v", "webhook_endpoint", Create.Url, Ends, 1764000000, null);
    public static readonly WebhookBody Created = Endpoint with { Secret = "whsec_shown-in-this-answer-and-never-again" };
    public static readonly Page<WebhookBody> Endpoints = new([Endpoint], false, Endpoint.Id, Endpoint.Id);
    public static readonly Deleted Deleted = new(Endpoint.Id, "webhook_endpoint");

    private static readonly DeliveryBody Delivery = new(
        "whd-6f8h0j2k4l6z8x0c2v4b6n8m", "webhook_delivery", "evt-1a3s5d7f9g2h4j6k8l0z2x4c", "fine_tuning.job.succeeded", "delivered", 1, 200, null, 1764000300, 1764000301, null);

    public static readonly Page<DeliveryBody> Deliveries = new([Delivery], false, Delivery.Id, Delivery.Id);
}
