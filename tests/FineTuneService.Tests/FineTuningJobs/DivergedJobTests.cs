using System.Text.Json.Nodes;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A job whose loss is no longer a number.</summary>
public sealed class DivergedJobTests(TestService service) : IClassFixture<TestService>
{
    [Fact]
    public async Task Job_LossNotFinite_FailsAtThatStepWithWhatToDoAndKeepsItsCheckpoint()
    {
        HttpClient client = service.With(await service.NewTenant("diverges"));
        JsonNode job = await client.Post("/v1/fine_tuning/jobs", new
        {
            model = TestService.BaseModel,
            training_file = await client.Upload(JobCalls.Rows(20)),
            lora = new { alpha = 64 },
            training = new { learning_rate = 10, weight_decay = 1, lr_scheduler = "constant", max_steps = 200, batch_size = 2, save_every = 1 },
        });
        JsonNode ended = await client.Ended((string)job["id"]!);
        Assert.Equal("loss_not_finite", (string?)ended["error"]!["code"]);
        Assert.Matches("not finite at step [0-9]+; lower the learning rate", (string?)ended["error"]!["message"]);
        int last = (int)ended["progress"]!["step"]!;
        Assert.InRange(last, 1, 199);
        string[] kept = Directory.GetDirectories(Path.Combine(service.Data, "jobs", (string)job["id"]!));
        Assert.Contains($"step-{last:D6}", kept.Select(Path.GetFileName));
        Assert.NotEmpty((await client.Get($"/v1/fine_tuning/jobs/{job["id"]}/checkpoints"))["data"]!.AsArray());
        Assert.NotEmpty((await client.Get("/v1/fine_tuning/jobs"))["data"]!.AsArray());
        Assert.NotEmpty(await client.AllEvents((string)job["id"]!));
    }
}
