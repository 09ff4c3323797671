using System.ClientModel;
using FineTuneService.Tests.FineTuningJobs;
using OpenAI.Chat;
using OpenAI.FineTuning;

namespace FineTuneService.Tests.OfficialClients;

[Collection(OfficialClientsCollection.Name)]
public sealed class FineTuningClientTests(OpenAIClients clients) : ClientTests(clients)
{
    private const int Long = 50;

    [Fact]
    public Task Jobs_CreatedWithOptions_TrainAndAreReadEveryWay() => Once(async () =>
    {
        (FineTuningClient tuning, string file) = (Clients.FineTuning, await Clients.Plain.Upload(JobCalls.Rows(12)));
        var options = new FineTuningOptions
        {
            Suffix = "sdk",
            Seed = 7,
            ValidationFile = file,
            Metadata = { ["team"] = "a" },
            TrainingMethod = FineTuningTrainingMethod.CreateSupervised(epochCount: 2, batchSize: 4, learningRate: HyperparameterLearningRate.CreateAuto()),
        };
        FineTuningJob job = Use.Call(() => tuning.FineTune(OpenAIClients.Model, file, false, options, None));
        Assert.Equal((OpenAIClients.Model, file, file, "sdk", 7, "a"), (job.BaseModel, job.TrainingFileId, job.ValidationFileId, job.UserProvidedSuffix, job.Seed, job.Metadata["team"]));
        Use.Call(() => job.WaitForCompletion(None));
        Assert.True(job.HasCompleted);
        Assert.Equal("succeeded", job.Status.ToString());
        HyperparametersForSupervised resolved = Assert.IsType<HyperparametersForSupervised>(job.MethodHyperparameters);
        Assert.Equal((2, 4, 1), (resolved.EpochCount, resolved.BatchSize, resolved.LearningRateMultiplier));
        Assert.StartsWith("step,", (await Clients.Files.DownloadFileAsync(job.ResultFileIds.Single())).Value.ToString());

        string id = job.JobId;
        ContinuationToken token = job.RehydrationToken!;
        foreach (FineTuningJob read in new[]
        {
            Use.Call(() => tuning.GetJob(id, None)), await Use.Call(() => tuning.GetJobAsync(id, None)),
            Use.Call(() => FineTuningJob.Rehydrate(tuning, id, None)), await Use.Call(() => FineTuningJob.RehydrateAsync(tuning, id, None)),
            Use.Call(() => FineTuningJob.Rehydrate(tuning, id, Plain)), await Use.Call(() => FineTuningJob.RehydrateAsync(tuning, id, Plain)),
            Use.Call(() => FineTuningJob.Rehydrate(tuning, token, None)), await Use.Call(() => FineTuningJob.RehydrateAsync(tuning, token, None)),
            Use.Call(() => FineTuningJob.Rehydrate(tuning, token, Plain)), await Use.Call(() => FineTuningJob.RehydrateAsync(tuning, token, Plain)),
        }) Assert.Equal((id, "succeeded"), (read.JobId, read.Status.ToString()));
        foreach (ClientResult status in new[]
        {
            Use.Call(() => job.UpdateStatus(None)), await Use.Call(() => job.UpdateStatusAsync(None).AsTask()), Use.Call(() => job.UpdateStatus(Plain)), await Use.Call(() => job.UpdateStatusAsync(Plain).AsTask()),
        }) Assert.Equal("succeeded", (string)Json(status)["status"]!);
        await Told(job);
        string model = (string)Json(job.UpdateStatus(Plain))["fine_tuned_model"]!;
        Assert.NotEmpty((await Clients.Whole.GetChatClient(model).CompleteChatAsync(new UserChatMessage("count from 3"))).Value.Content[0].Text);
        Assert.True((await Clients.Models.DeleteModelAsync(model)).Value.Deleted);
    });

    /// <summary>What a job that has trained tells of itself.</summary>
    private async Task Told(FineTuningJob job)
    {
        (var events, var checkpoints) = (new GetEventsOptions { PageSize = 2 }, new GetCheckpointsOptions { PageSize = 1 });
        List<FineTuningEvent> all = Use.All(() => job.GetEvents(events, None));
        Assert.All(all, one => Assert.NotEmpty(one.Message));
        Assert.Contains(all, one => one.Kind == FineTuningJobEventKind.Metrics);
        Assert.Equal(all.Select(one => one.Id), (await Use.All(() => job.GetEventsAsync(events, None))).Select(one => one.Id));
        Assert.Equal((all.Count + 1) / 2, Use.Pages(() => job.GetEvents(null, 2, Plain)).Count);
        Assert.Equal((all.Count + 1) / 2, (await Use.Pages(() => job.GetEventsAsync(null, 2, Plain))).Count);

        List<FineTuningCheckpoint> kept = Use.All(() => job.GetCheckpoints(checkpoints, None));
        Assert.Equal(kept.Select(one => one.Id), (await Use.All(() => job.GetCheckpointsAsync(checkpoints, None))).Select(one => one.Id));
        Assert.Equal(kept.Count, Use.Pages(() => job.GetCheckpoints(null, 1, Plain)).Count);
        Assert.Equal(kept.Count, (await Use.Pages(() => job.GetCheckpointsAsync(null, 1, Plain))).Count);
        FineTuningCheckpoint checkpoint = kept[0];
        Assert.Equal((job.JobId, checkpoint.StepNumber), (checkpoint.JobId, checkpoint.Metrics.StepNumber));
        Assert.True(checkpoint.Metrics.TrainLoss > 0);
        // A checkpoint is a model.
        Assert.NotEmpty((await Clients.Whole.GetChatClient(checkpoint.ModelId).CompleteChatAsync(new UserChatMessage("count from 3"))).Value.Content[0].Text);
    }

    [Fact]
    public Task Jobs_WaitedForOrFailed_SayHowTheyEnded() => Once(async () =>
    {
        (FineTuningClient tuning, string file) = (Clients.FineTuning, await Clients.Plain.Upload(JobCalls.Rows(10)));
        var pairs = await Clients.Plain.Upload(string.Concat(Enumerable.Range(0, 10).Select(i =>
            $$$"""{"input": {"messages": [{"role": "user", "content": "say {{{i}}}"}]}, "preferred_output": [{"role": "assistant", "content": "red"}], "non_preferred_output": [{"role": "assistant", "content": "blue"}]}""" + "\n")));
        var options = new FineTuningOptions { TrainingMethod = FineTuningTrainingMethod.CreateDirectPreferenceOptimization(betaFactor: HyperparameterBetaFactor.CreateBeta(1)) };
        FineTuningJob job = await Use.Call(() => tuning.FineTuneAsync(OpenAIClients.Model, pairs, true, options, None));
        Assert.Equal("succeeded", job.Status.ToString());
        Assert.Equal(1, Assert.IsType<HyperparametersForDPO>(job.MethodHyperparameters).Beta);

        FineTuningJob failed = await tuning.FineTuneAsync(OpenAIClients.Model, await Clients.Plain.Upload("{broken\n"), waitUntilCompleted: false);
        await Use.Call(() => failed.WaitForCompletionAsync(None).AsTask());
        Assert.Equal("failed", failed.Status.ToString());
        ClientResultException refused = await Assert.ThrowsAsync<ClientResultException>(() => tuning.FineTuneAsync("gpt-9", file, waitUntilCompleted: false));
        Assert.Contains("model_not_found", refused.Message);
    });

    [Fact]
    public Task Jobs_PausedResumedAndCancelled_AreAsAsked() => Once(async () =>
    {
        (FineTuningClient tuning, string file) = (Clients.FineTuning, await Clients.Plain.Upload(JobCalls.Rows(40)));
        BinaryContent first = Run(file), second = Run(file);
        FineTuningJob one = Use.Call(() => tuning.FineTune(first, false, Plain)), other = await Use.Call(() => tuning.FineTuneAsync(second, false, Plain));
        (string id, string otherId) = (one.JobId, other.JobId);
        Assert.Equal("paused", (string)Json(Use.Call(() => tuning.PauseFineTuningJob(id, Plain)))["status"]!);
        Assert.Equal("paused", (string)Json(await Use.Call(() => tuning.PauseFineTuningJobAsync(otherId, Plain)))["status"]!);
        one.UpdateStatus(None);
        Assert.False(one.HasCompleted);
        Assert.NotEqual("paused", (string)Json(Use.Call(() => tuning.ResumeFineTuningJob(id, Plain)))["status"]!);
        Assert.NotEqual("paused", (string)Json(await Use.Call(() => tuning.ResumeFineTuningJobAsync(otherId, Plain)))["status"]!);

        var options = new FineTuningJobCollectionOptions { PageSize = 2 };
        List<FineTuningJob> all = Use.All(() => tuning.GetJobs(options, None));
        Assert.Empty(new[] { id, otherId }.Except(all.Select(job => job.JobId)));
        Assert.Equal(all.Count, (await Use.All(() => tuning.GetJobsAsync(options, None))).Count);

        FineTuningJob third = await tuning.FineTuneAsync(Run(file), false, Plain), fourth = await tuning.FineTuneAsync(Run(file), false, Plain);
        foreach (ClientResult cancelled in new[]
        {
            Use.Call(() => one.CancelAndUpdate(None)), await Use.Call(() => other.CancelAndUpdateAsync(None)), Use.Call(() => third.Cancel(Plain)), await Use.Call(() => fourth.CancelAsync(Plain)),
        }) Assert.Equal("cancelled", (string)Json(cancelled)["status"]!);
        Assert.Equal("cancelled", one.Status.ToString());
        Assert.True(one.HasCompleted);
        Assert.Equal(409, Assert.Throws<ClientResultException>(() => one.Cancel(Plain)).Status);
    });

    private static BinaryContent Run(string file) => Body(new { model = OpenAIClients.Model, training_file = file, method = new { type = "supervised", supervised = new { hyperparameters = new { n_epochs = Long, batch_size = 1 } } } });
}
