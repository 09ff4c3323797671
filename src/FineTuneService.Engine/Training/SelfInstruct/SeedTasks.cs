using System.Text.Json;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>Reads seed tasks as Self-Instruct and Alpaca have them: JSONL of <c>instruction</c> and <c>instances</c>, a list of {input, output}.</summary>
public static class SeedTasks
{
    /// <summary>Tasks are in every prompt and compared with every new one: more are no use.</summary>
    private const int Most = 10_000;

    /// <exception cref="InvalidDataException">The file holds no such tasks; the message says where and what.</exception>
    public static IReadOnlyList<SeedTask> Read(Stream file, string? fileName = null)
    {
        var (warnings, problems) = (new WarningList(fileName), new ProblemList(fileName));
        var tasks = new List<SeedTask>();
        try
        {
            foreach (var (place, json) in new FileRows(file, fileName, null, warnings, problems).Read())
            {
                var row = new RowJson(place, json, warnings);
                row.Check();
                tasks.Add(Task(row));
                if (tasks.Count > Most) throw row.Error($"there are more than {Most} seed tasks.");
            }
        }
        catch (DatasetException refused)
        {
            problems.Add(refused.Problem, refused.Kind);
        }
        if (problems.Count > 0) throw new InvalidDataException(problems.All.Summary());
        return tasks.Count > 0 ? tasks : throw new InvalidDataException("the file has no seed tasks.");
    }

    private static SeedTask Task(RowJson row)
    {
        string instruction = row.Text("instruction");
        if (string.IsNullOrWhiteSpace(instruction)) throw row.Error("'instruction' is empty.");
        JsonElement instances = row.Require("instances");
        if (instances.ValueKind != JsonValueKind.Array || instances.GetArrayLength() == 0) throw row.Error("'instances' has to be a list of at least one {input, output}.");
        return new SeedTask(instruction, [.. instances.EnumerateArray().Select(instance => new TaskInstance(Text(row, instance, "input") ?? "", Text(row, instance, "output") ?? throw row.Error("an instance has no 'output'.")))]);
    }

    private static string? Text(RowJson row, JsonElement instance, string key) =>
        instance.ValueKind != JsonValueKind.Object ? throw row.Error($"an instance is {RowJson.Kind(instance)}, not an object.")
        : instance.TryGetProperty(key, out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
}
