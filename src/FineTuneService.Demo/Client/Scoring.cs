using FineTuneService.Demo.Tenants;

namespace FineTuneService.Demo.Client;

/// <summary>Rows that no job has seen, by the name of the task.</summary>
internal sealed record HeldOut(string Task, IReadOnlyList<Example> Examples);

/// <summary>A model under its name in the table, and the tenant's API that may use it.</summary>
internal sealed record Contestant(string Name, ServiceClient Api, string Model);

/// <summary>Models side by side on held-out rows: loss by an evaluation, exact match by chat.</summary>
internal static class Scoring
{
    public static async Task<Scoreboard> RunAsync(IReadOnlyList<Contestant> contestants, IReadOnlyList<HeldOut> tasks)
    {
        var losses = new Dictionary<(string Model, string Task), double>();
        foreach (var own in contestants.GroupBy(contestant => contestant.Api))
            foreach (var rows in tasks)
                foreach (var (model, loss) in await LossesAsync(own.Key, [.. own.Select(contestant => contestant.Model)], rows))
                    losses[(model, rows.Task)] = loss;
        var board = new Scoreboard();
        foreach (var (name, api, model) in contestants)
            foreach (var rows in tasks)
                board.Add(name, rows.Task, new Score(losses[(model, rows.Task)], await ExactMatch.ShareAsync(api, model, rows.Examples)));
        return board;
    }

    /// <summary>One file and one evaluation for all of a tenant's models.</summary>
    private static async Task<IEnumerable<(string Model, double Loss)>> LossesAsync(ServiceClient api, string[] models, HeldOut rows)
    {
        var file = await api.UploadAsync("held-out.jsonl", TenantTask.JsonLines(rows.Examples));
        var evaluation = await api.PostAsync("/v1/evaluations", new { models, file });
        return evaluation["results"]!.AsArray().Select(result => ((string)result!["model"]!, (double)result["loss"]!));
    }
}
