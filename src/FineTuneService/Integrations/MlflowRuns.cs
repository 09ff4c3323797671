using System.Text.Json;

namespace FineTuneService.Integrations;

/// <summary>A name and a text: a parameter or a tag.</summary>
internal sealed record MlflowText(string Key, string Value);

/// <summary>A number at a step.</summary>
/// <param name="Timestamp">Unix milliseconds. The same point twice is stored once.</param>
internal sealed record MlflowPoint(string Key, double Value, long Timestamp, int Step);

/// <summary>Experiments and runs on the tracking server.</summary>
internal sealed class MlflowRuns(MlflowHttp http)
{
    /// <summary>Our own code of a refusal.</summary>
    public const string ExperimentDeleted = "experiment_deleted";

    // More of them in a batch are refused.
    private const int MostPoints = 1000, MostTexts = 100;
    private const string NotThere = "RESOURCE_DOES_NOT_EXIST", AlreadyThere = "RESOURCE_ALREADY_EXISTS";

    /// <summary>The experiment of this name, which is made where there is none.</summary>
    /// <returns>Its id.</returns>
    /// <exception cref="MlflowRefusedException">It was deleted there, and keeps its name.</exception>
    public async Task<string> Experiment(string name, CancellationToken cancel)
    {
        if (await Find(name, cancel) is { } found) return found;
        try
        {
            return (await http.Post("experiments/create", new { name }, cancel)).GetProperty("experiment_id").GetString()!;
        }
        catch (MlflowRefusedException taken) when (taken.Code == AlreadyThere)
        {
            if (await Find(name, cancel) is { } made) return made; // By another run meanwhile, or by our own first try.
            throw;
        }
    }

    /// <summary>The job's run, which is made where there is none: a first try whose answer was lost has made it.</summary>
    /// <param name="mark">The tag that no other run has.</param>
    public async Task<string> Run(string experimentId, string name, long startTime, MlflowText mark, IReadOnlyList<MlflowText> tags, CancellationToken cancel)
    {
        JsonElement found = await http.Post("runs/search", new { experiment_ids = new[] { experimentId }, filter = $"tags.`{mark.Key}` = '{mark.Value}'", run_view_type = "ACTIVE_ONLY", max_results = 1 }, cancel);
        if (found.TryGetProperty("runs", out JsonElement runs) && runs.GetArrayLength() > 0) return Id(runs[0]);
        JsonElement made = await http.Post("runs/create", new { experiment_id = experimentId, run_name = name, start_time = startTime, tags = tags.Prepend(mark) }, cancel, again: false);
        return Id(made.GetProperty("run"));
    }

    /// <summary>Adds to a run, in as many batches as it takes. What it has already stays as it is.</summary>
    public async Task Log(string runId, IReadOnlyList<MlflowPoint> metrics, IReadOnlyList<MlflowText> parameters, IReadOnlyList<MlflowText> tags, CancellationToken cancel)
    {
        foreach (MlflowPoint[] some in metrics.Chunk(MostPoints)) await http.Post("runs/log-batch", new { run_id = runId, metrics = some }, cancel);
        foreach (MlflowText[] some in parameters.Chunk(MostTexts)) await http.Post("runs/log-batch", new { run_id = runId, @params = some }, cancel);
        foreach (MlflowText[] some in tags.Chunk(MostTexts)) await http.Post("runs/log-batch", new { run_id = runId, tags = some }, cancel);
    }

    /// <param name="status">FINISHED, FAILED or KILLED.</param>
    /// <param name="endTime">Unix milliseconds.</param>
    public Task End(string runId, string status, long endTime, CancellationToken cancel) => http.Post("runs/update", new { run_id = runId, status, end_time = endTime }, cancel);

    private async Task<string?> Find(string name, CancellationToken cancel)
    {
        try
        {
            JsonElement experiment = (await http.Get($"experiments/get-by-name?experiment_name={Uri.EscapeDataString(name)}", cancel)).GetProperty("experiment");
            if (experiment.TryGetProperty("lifecycle_stage", out JsonElement stage) && stage.GetString() == "deleted")
                throw new MlflowRefusedException(ExperimentDeleted, $"the experiment '{name}' was deleted there; restore it, or name another");
            return experiment.GetProperty("experiment_id").GetString()!;
        }
        catch (MlflowRefusedException none) when (none.Code == NotThere)
        {
            return null;
        }
    }

    private static string Id(JsonElement run) => run.GetProperty("info").GetProperty("run_id").GetString()!;
}
