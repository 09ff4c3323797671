using System.Text.Json.Nodes;

namespace FineTuneService.Demo.Client;

/// <summary>Prints a job's events as they come, and keeps the first and the last validation loss.</summary>
internal static class JobWatch
{
    public static async Task FollowAsync(Customer customer)
    {
        double? first = null;
        var last = double.NaN;
        await foreach (var entry in customer.Api.EventsAsync($"/v1/fine_tuning/jobs/{customer.JobId}/events"))
        {
            if (entry["data"]?["valid_loss"] is JsonValue loss)
            {
                last = (double)loss;
                first ??= last;
            }
            if (IsWorthPrinting(entry))
                Console.WriteLine($"  {customer.Task.Tenant,-15} {entry["message"]}");
        }
        customer.ValidationLoss = (first ?? double.NaN, last);
    }

    /// <summary>Every 50th step's metrics, and everything that is no metric.</summary>
    private static bool IsWorthPrinting(JsonNode entry) =>
        (string?)entry["type"] != "metrics" || (entry["data"]?["step"] is JsonValue step && (int)step % 50 == 0);
}
