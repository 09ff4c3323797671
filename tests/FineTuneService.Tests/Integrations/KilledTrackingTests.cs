using System.Text.Json.Nodes;
using FineTuneService.Tests.FineTuningJobs;

namespace FineTuneService.Tests.Integrations;

/// <summary>A service that is killed in the middle of a job which it tells to MLflow.</summary>
[Waits]
public sealed class KilledTrackingTests
{
    private const int Steps = 300, SaveEvery = 20;

    [Fact]
    public async Task Job_KilledBehindStepsThatWereTold_GoesOnInTheSameRunWithEachStepOnce()
    {
        using var mlflow = new MlflowServer();
        using var data = new DataFolder();
        (string, string) setting = ("FineTune__Mlflow__TrackingUri", mlflow.Address);
        string key, job;
        using (var first = new ServiceProcess(data, setting))
        {
            using HttpClient admin = await first.Client(TestService.AdminKey);
            await admin.Post("/v1/tenants", new { id = "acme" });
            key = (string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!;
            using HttpClient client = await first.Client(key);
            job = (string)(await client.Post("/v1/fine_tuning/jobs", new
            {
                model = TestService.BaseModel,
                training_file = await client.Upload(JobCalls.Rows(64)),
                training = new { max_steps = Steps, batch_size = 4, save_every = SaveEvery },
                integrations = new[] { new { type = "mlflow" } },
            }))["id"]!;
            while (await Last(mlflow, job) <= SaveEvery) await Task.Delay(10, TestContext.Current.CancellationToken);
            await first.Kill();
        }
        int last = await Last(mlflow, job);
        Assert.InRange(last, 1, Steps - 1);
        JsonNode half = await mlflow.RunOf(job);
        Assert.Equal("RUNNING", (string?)half["status"]);

        using var second = new ServiceProcess(data, setting);
        using HttpClient later = await second.Client(key);
        await later.Sent(job);
        JsonNode run = await mlflow.RunOf(job);
        Assert.Equal((half["run_id"]!.ToJsonString(), "FINISHED"), (run["run_id"]!.ToJsonString(), (string?)run["status"]));
        Assert.Equal(Enumerable.Range(1, Steps), run["metrics"]!["train_loss"]!.AsArray().Select(point => (int)point!["step"]!));
        Assert.Equal(await later.Told(job), run.Points());
        await mlflow.LostNothing();
        // Nor are steps that are trained twice counted twice.
        Assert.Equal((long)(await later.Get($"/v1/fine_tuning/jobs/{job}"))["trained_tokens"]!, (long)(await later.Get("/v1/usage"))["total"]!["trained_tokens"]!);
    }

    /// <summary>The last step that is there; 0 where there is none.</summary>
    private static async Task<int> Last(MlflowServer mlflow, string job)
    {
        JsonNode? run = (await mlflow.Seen())["runs"]!.AsArray().FirstOrDefault(run => (string?)run!["tags"]!["finetune.job_id"] == job);
        return run?["metrics"]!["train_loss"]?.AsArray().Max(point => (int)point!["step"]!) ?? 0;
    }
}
