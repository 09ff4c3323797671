using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Hosting;

/// <summary>A machine that speaks another language than programs do.</summary>
[Waits]
public sealed class CultureTests
{
    [Fact]
    public async Task Job_OnAGermanMachine_WritesNumbersAsEverywhere()
    {
        using var data = new DataFolder();
        using var service = new ServiceProcess(data, ("LC_ALL", "de_DE.UTF-8"), ("LANG", "de_DE.UTF-8"));
        using HttpClient admin = await service.Client(TestService.AdminKey);
        await admin.Post("/v1/tenants", new { id = "acme" });
        using HttpClient client = await service.Client((string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!);
        string file = await client.Upload(string.Concat(Enumerable.Repeat("{\"prompt\": \"a\", \"completion\": \" b\"}\n", 12)));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { max_steps = 2 } });
        Assert.Equal("succeeded", (string?)(await client.Ended((string)job["id"]!))["status"]);
        string[] events = [.. (await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/events?limit=100"))["data"]!.AsArray().Select(row => (string)row!["message"]!)];
        Assert.Contains(events, message => System.Text.RegularExpressions.Regex.IsMatch(message, @"\d,\d{3} parameters"));
        Assert.Contains(events, message => System.Text.RegularExpressions.Regex.IsMatch(message, @"loss=\d+\.\d{4}$"));
        Assert.DoesNotContain(events, message => System.Text.RegularExpressions.Regex.IsMatch(message, @"\d\.\d{3} parameters|loss=\d+,\d"));
    }
}
