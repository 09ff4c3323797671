using System.Text;

namespace FineTuneService.Benchmarks.Soak;

/// <summary>What each of the eight tenants does, over and over, until it is stopped.</summary>
internal sealed class Loads(IReadOnlyList<Tenant> tenants, Findings findings)
{
    private const string Base = "talers-2m";

    /// <param name="stop">Ends every loop at its next call.</param>
    public Task Run(CancellationToken stop) => Task.WhenAll(
        Loop(tenants[0], Stream, stop), Loop(tenants[0], Ask, stop),
        Loop(tenants[1], Stream, stop), Loop(tenants[1], Ask, stop),
        Loop(tenants[2], Train, stop), Loop(tenants[2], Ask, stop),
        Loop(tenants[3], TrainAndCancel, stop), Loop(tenants[3], HangUp, stop),
        Loop(tenants[4], UploadAndDelete, stop), Loop(tenants[4], Ask, stop),
        Loop(tenants[5], Flood, stop),
        Loop(tenants[6], UploadBadNumbers, stop), Loop(tenants[6], Ask, stop),
        Loop(tenants[7], UploadLoopingTemplate, stop), Loop(tenants[7], TrainOnPrettyJson, stop), Loop(tenants[7], Ask, stop));

    private async Task Loop(Tenant tenant, Func<Tenant, CancellationToken, Task> once, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await once(tenant, stop);
                await Task.Delay(50, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                findings.Fault($"{tenant.Caller.Name}: {once.Method.Name}: {failure.GetType().Name} {failure.Message}");
                await Task.Delay(1000, CancellationToken.None);
            }
        }
    }

    private Task Ask(Tenant tenant, CancellationToken stop) => tenant.Ask(tenants, stop);
    private Task Train(Tenant tenant, CancellationToken stop) => tenant.TrainAgain(stop);

    private Task Stream(Tenant tenant, CancellationToken stop) =>
        tenant.Caller.Stream(Tenant.ChatBody(Base, "What costs a kettle? Tell me all of it.", 96, true), wait => findings.TokenWaits.Add(wait.TotalSeconds), null, stop);

    private Task HangUp(Tenant tenant, CancellationToken stop) =>
        tenant.Caller.Stream(Tenant.ChatBody(Base, "Tell me all that you know.", 160, true), null, leaveAfter: 3, stop);

    private async Task Flood(Tenant tenant, CancellationToken stop)
    {
        string longPrompt = string.Concat(Enumerable.Repeat("the red kettle costs 31 talers; ", 14));
        Reply[] replies = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => tenant.Caller.Post("/v1/chat/completions", Tenant.ChatBody(Base, longPrompt, 32, false), stop)));
        foreach (Reply reply in replies.Where(reply => reply.Status is >= 400 and < 500)) findings.Fault($"{tenant.Caller.Name}: an honest request was refused: {reply.Body?.ToJsonString()}");
    }

    private async Task UploadAndDelete(Tenant tenant, CancellationToken stop)
    {
        byte[] rows = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 2000).Select(i => $$"""{"prompt": "{{i}}?", "completion": "{{i * 7}}"}""" + "\n")));
        Reply file = await tenant.Caller.Upload("/v1/files", "rows.jsonl", rows, "fine-tune", stop);
        if (!file.Succeeded) return;
        byte[]? back = await tenant.Caller.Download($"/v1/files/{file.Text("id")}/content", stop);
        if (back is not null && !back.AsSpan().SequenceEqual(rows)) findings.Fault($"{tenant.Caller.Name}: a file came back with other bytes");
        await tenant.Caller.Get("/v1/files?limit=20", stop);
        await tenant.Caller.Delete($"/v1/files/{file.Text("id")}", stop);
    }

    private async Task TrainAndCancel(Tenant tenant, CancellationToken stop)
    {
        Reply file = await tenant.Caller.Upload("/v1/files", "cancelled.jsonl", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 200).Select(i => $$"""{"prompt": "{{i}}?", "completion": "{{i * 7}}"}""" + "\n"))), "fine-tune", stop);
        if (!file.Succeeded) return;
        Reply job = await tenant.Caller.Post("/v1/fine_tuning/jobs", new { model = Base, training_file = file.Text("id"), training = new { epochs = 50 } }, stop);
        await Task.Delay(4000, stop);
        if (job.Succeeded) await tenant.Caller.Post($"/v1/fine_tuning/jobs/{job.Text("id")}/cancel", new { }, stop);
        await tenant.Caller.Delete($"/v1/files/{file.Text("id")}", stop);
        await Task.Delay(6000, stop);
    }

    private async Task UploadBadNumbers(Tenant tenant, CancellationToken stop)
    {
        if (await tenant.Caller.Download($"/v1/adapters/{tenant.AdapterId}/content", stop) is not { } zip) return;
        Reply nan = await tenant.Caller.Upload("/v1/adapters", "nan.zip", HostileAdapters.WithValue(zip, float.NaN), null, stop);
        if (nan.Succeeded) findings.Fault("an adapter with NaN was taken");
        Reply huge = await tenant.Caller.Upload("/v1/adapters", "huge.zip", HostileAdapters.WithValue(zip, 1e30f), null, stop);
        if (huge.Succeeded)
        {
            await tenant.Caller.Post("/v1/chat/completions", Tenant.ChatBody(huge.Text("model"), "Greet Ada.", 8, false), stop);
            await tenant.Caller.Delete($"/v1/adapters/{huge.Text("id")}", stop);
        }
        await Task.Delay(2000, stop);
    }

    private async Task UploadLoopingTemplate(Tenant tenant, CancellationToken stop)
    {
        if (await tenant.Caller.Download($"/v1/adapters/{tenant.AdapterId}/content", stop) is not { } zip) return;
        Reply adapter = await tenant.Caller.Upload("/v1/adapters", "loops.zip", HostileAdapters.WithTemplate(zip, HostileAdapters.LoopingTemplate), null, stop);
        if (adapter.Succeeded)
        {
            Reply chat = await tenant.Caller.Post("/v1/chat/completions", Tenant.ChatBody(adapter.Text("model"), "Greet Ada.", 8, false), stop);
            if (chat.Succeeded) findings.Fault("a template that loops for hours was rendered");
            await tenant.Caller.Delete($"/v1/adapters/{adapter.Text("id")}", stop);
        }
        await Task.Delay(2000, stop);
    }

    private async Task TrainOnPrettyJson(Tenant tenant, CancellationToken stop)
    {
        byte[] pretty = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 5000).Select(i => $"{{\n  \"prompt\": \"{i}?\",\n  \"completion\": \"{i}\"\n}}\n")));
        Reply file = await tenant.Caller.Upload("/v1/files", "pretty.jsonl", pretty, "fine-tune", stop);
        if (!file.Succeeded) return;
        Reply job = await tenant.Caller.Post("/v1/fine_tuning/jobs", new { model = Base, training_file = file.Text("id") }, stop);
        await Task.Delay(5000, stop);
        if (job.Succeeded && (await tenant.Caller.Get($"/v1/fine_tuning/jobs/{job.Text("id")}", stop)) is { Succeeded: true } now && now.Text("status") == "succeeded")
            findings.Fault("a pretty-printed file was trained on");
        await tenant.Caller.Delete($"/v1/files/{file.Text("id")}", stop);
    }
}
