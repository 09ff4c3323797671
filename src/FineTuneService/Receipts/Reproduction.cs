using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Files;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Receipts;

/// <summary>A job's training done again, of what its receipt names.</summary>
internal sealed class Reproduction(FineTuneDbContext db, JobAdmission admission, ReceiptWriter receipts, JobEventWake wake)
{
    /// <summary>A commit that names no job's row wakes nobody.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    /// <returns>The job, and what differs of code and machine; or what differs of the inputs, where nothing need be trained; or why it cannot be.</returns>
    public async Task<(FineTuningJob? Job, List<string> Differs, IResult? Refusal)> Begin(FineTuningJob job, Receipt receipt, ReproduceRequest asked, CancellationToken cancel)
    {
        JobSettings settings = receipt.Settings.Deserialize<JobSettings>(Json.Options)!;
        ModelEntry? model = await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == job.Model, cancel);
        if (model is null) return (null, [], Errors.Conflict($"The base model '{job.Model}' was deleted.", "model_not_found"));
        var files = new List<(string Param, string? Id, string? Sha256)>
        {
            ("training_file", asked.TrainingFile ?? job.TrainingFile, receipt.Data.TrainingFile),
            ("validation_file", asked.ValidationFile ?? job.ValidationFile, receipt.Data.ValidationFile),
            ("test_file", asked.TestFile ?? job.TestFile, receipt.Data.TestFile),
        };
        var differs = new List<string>();
        foreach ((string param, string? id, string? sha256) in files)
        {
            StoredFile? file = id is null ? null : await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel);
            if (id is not null && file is null)
                return (null, [], Errors.Make(404, $"File '{Errors.Clip(id)}' is no longer there. Upload it again, and give its id as {param}.", "file_not_found", param));
            if (file?.Sha256 != sha256) differs.Add(param);
        }
        if (await Task.Run(() => receipts.OfBase(model.Folder), cancel) != receipt.Base.Sha256) differs.Add("base");
        if (differs.Count > 0) return (null, differs, null);
        if (ReceiptWriter.Code != receipt.Code) differs.Add("code");
        if (ReceiptWriter.Machine != receipt.Machine) differs.Add("machine");
        var body = new CreateJobRequest
        {
            Model = job.Model,
            TrainingFile = files[0].Id!,
            ValidationFile = files[1].Id,
            Dataset = files[2].Id is { } test ? new DatasetBody { TestFile = test } : null,
            Metadata = new() { ["reproduces"] = job.Id },
        };
        // A run that was stopped had learned so far; of a best step nobody knows when its run ended, and going on finds it again.
        int? stopAfter = settings.Keep == "last" && receipt.Steps < job.TotalSteps ? receipt.Steps : null;
        // What is asked of the run beside its bits is not asked again.
        (FineTuningJob? again, IResult? refusal) = await admission.Add(body, settings with { Repeats = 1, Evaluate = null, SaveEvery = 0, MaxRuntime = null, StopAfter = stopAfter }, adapterBytes: 0);
        return (again, differs, refusal);
    }

    /// <summary>The job once it has ended.</summary>
    public async Task<FineTuningJob> Ended(string id, CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                Task next = wake.Next(id);
                FineTuningJob job = await db.Jobs.AsNoTracking().FirstAsync(row => row.Id == id, cancel);
                if (JobStatus.IsEnd(job.Status)) return job;
                await next.WaitAsync(Look, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancel.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            wake.Leave(id);
        }
    }
}
