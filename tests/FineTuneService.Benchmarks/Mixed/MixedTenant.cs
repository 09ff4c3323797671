using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Benchmarks.Soak;

namespace FineTuneService.Benchmarks.Mixed;

/// <summary>One of many tenants: it does one thing after another, each drawn by weight, and looks whether what comes back is its own.</summary>
internal sealed class MixedTenant(Tenant tenant, IReadOnlyList<Tenant> all, Findings findings, Random random)
{
    private const int LongestThought = 300; // ms

    private static readonly (int Weight, string Name)[] s_actions = [(40, "chat"), (15, "stream"), (15, "lists"), (12, "upload"), (8, "others' things"), (5, "batch"), (5, "job")];

    private Caller Caller => tenant.Caller;

    /// <param name="done">Told each action that came to its end.</param>
    public async Task Loop(Action<string> done, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            string action = Draw();
            try
            {
                await Do(action, stop);
                done(action);
                await Task.Delay(random.Next(LongestThought), stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
            }
            catch (Exception failure)
            {
                findings.Fault($"{Caller.Name}: {action}: {failure.GetType().Name} {failure.Message}");
                await Task.Delay(1000, CancellationToken.None);
            }
        }
    }

    private string Draw()
    {
        int at = random.Next(s_actions.Sum(action => action.Weight));
        foreach ((int weight, string name) in s_actions)
            if ((at -= weight) < 0) return name;
        return s_actions[0].Name;
    }

    private Task Do(string action, CancellationToken stop) => action switch
    {
        "chat" => tenant.Ask(all, stop),
        "stream" => Stream(stop),
        "lists" => Lists(stop),
        "upload" => Upload(stop),
        "others' things" => Others(stop),
        "batch" => Batch(stop),
        _ => tenant.TrainAgain(stop),
    };

    private async Task Stream(CancellationToken stop)
    {
        if (await Caller.Stream(Tenant.ChatBody(tenant.Model, "Greet Ada.", 24, true), null, null, stop) is { } said) tenant.Compare(said, all);
    }

    /// <summary>Every list that a tenant has holds its own things and the bases alone.</summary>
    private async Task Lists(CancellationToken stop)
    {
        foreach (string path in new[] { "/v1/models", "/v1/files?limit=100", "/v1/fine_tuning/jobs?limit=100", "/v1/adapters?limit=100", "/v1/batches?limit=100" })
        {
            Reply list = await Caller.Get(path, stop);
            foreach (JsonNode? item in list.Body?["data"]?.AsArray() ?? [])
            {
                string text = item!.ToJsonString();
                if (all.Any(other => other != tenant && (text.Contains(other.AdapterId, StringComparison.Ordinal) || text.Contains($":{other.Caller.Name}:", StringComparison.Ordinal) || text.Contains($"\"{other.Caller.Name}.jsonl\"", StringComparison.Ordinal))))
                    findings.WrongTenant($"{Caller.Name}: {path} lists another tenant's: {text}");
            }
        }
    }

    private async Task Upload(CancellationToken stop)
    {
        byte[] rows = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(10, 500)).Select(i => $$"""{"prompt": "{{i}}?", "completion": "{{random.Next()}}"}""" + "\n")));
        Reply file = await Caller.Upload("/v1/files", $"{Caller.Name}.jsonl", rows, "fine-tune", stop);
        if (!file.Succeeded) return;
        byte[]? back = await Caller.Download($"/v1/files/{file.Text("id")}/content", stop);
        if (back is not null && !back.AsSpan().SequenceEqual(rows)) findings.WrongTenant($"{Caller.Name}: a file came back with other bytes");
        await Caller.Delete($"/v1/files/{file.Text("id")}", stop);
    }

    /// <summary>Another tenant's model, adapter and job are none.</summary>
    private async Task Others(CancellationToken stop)
    {
        Tenant other = all[random.Next(all.Count)];
        if (other == tenant) return;
        Reply[] replies =
        [
            await Caller.Get($"/v1/adapters/{other.AdapterId}", stop), await Caller.Get($"/v1/models/{other.Model}", stop), await Caller.Get($"/v1/fine_tuning/jobs/{other.Jobs.First()}", stop),
            await Caller.Post("/v1/chat/completions", Tenant.ChatBody(other.Model, "Greet Ada.", 4, false), stop),
        ];
        foreach (Reply reply in replies)
            if (reply.Status is not (404 or 429 or 503)) findings.WrongTenant($"{Caller.Name} asked for a thing of {other.Caller.Name}, and was answered {reply.Status} {reply.Body?.ToJsonString()}");
    }

    private async Task Batch(CancellationToken stop)
    {
        string lines = string.Concat(Enumerable.Range(0, 3).Select(i => new JsonObject
        {
            ["custom_id"] = $"row-{i}",
            ["method"] = "POST",
            ["url"] = "/v1/chat/completions",
            ["body"] = System.Text.Json.JsonSerializer.SerializeToNode(Tenant.ChatBody(tenant.Model, "Greet Ada.", 24, false)),
        }.ToJsonString() + "\n"));
        Reply file = await Caller.Upload("/v1/files", $"{Caller.Name}.jsonl", Encoding.UTF8.GetBytes(lines), "batch", stop);
        if (!file.Succeeded) return;
        Reply batch = await Caller.Post("/v1/batches", new { input_file_id = file.Text("id"), endpoint = "/v1/chat/completions", completion_window = "24h" }, stop);
        if (!batch.Succeeded) return;
        Reply now;
        do
        {
            await Task.Delay(250, stop);
            now = await Caller.Get($"/v1/batches/{batch.Text("id")}", stop);
        }
        while (!now.Succeeded || now.Text("status") is not ("completed" or "failed" or "cancelled" or "expired"));
        if (now.Text("status") != "completed" || now.Body!["output_file_id"] is not { } output) findings.Fault($"{Caller.Name}: a batch ended as {now.Body!.ToJsonString()}");
        else if (await Caller.Download($"/v1/files/{output}/content", stop) is { } answers) Compare(Encoding.UTF8.GetString(answers));
        await Caller.Delete($"/v1/files/{file.Text("id")}", stop);
    }

    private void Compare(string answers)
    {
        JsonNode[] lines = [.. answers.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        if (lines.Length != 3) findings.Fault($"{Caller.Name}: a batch of 3 rows was answered with {lines.Length}: {answers}");
        foreach (JsonNode line in lines) tenant.Compare((string)line["response"]!["body"]!["choices"]![0]!["message"]!["content"]!, all);
    }
}
