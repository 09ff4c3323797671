using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Hub;

/// <summary>One download from its list of files to a checked base. Begun again, it goes on with what has arrived.</summary>
internal sealed class HubRun(HubClient client, DataDirectory directory, DiskSpace disk, IOptions<FineTuneOptions> options)
{
    /// <summary>No settings, tokenizer or index of a model is larger.</summary>
    private const long LargestSide = 128 << 20;

    /// <param name="found">Told of the commit, and of the size once it is known.</param>
    /// <param name="arrived">Told of bytes as they come.</param>
    /// <returns>The base's folder, or its GGUF file.</returns>
    /// <exception cref="HubException">It cannot be had, or is no base that is served here.</exception>
    public async Task<string> Download(
        HubDownload row, Func<string, long?, long, Task> found, Action<long> arrived, CancellationToken cancel)
    {
        var source = new HubSource(row.Repo, row.Revision, row.File);
        string? token = row.Token ?? options.Value.Hub.AnyToken;
        (string commit, IReadOnlyList<string> paths) = await HubRetry.Run(retry => client.List(row.Commit is null ? source : source with { Revision = row.Commit }, token, retry), cancel);
        commit = row.Commit ?? commit;
        await found(commit, null, 0);
        string folder = Path.Combine(directory.Hub, row.Folder);
        Durable.CreateFolder(folder);
        var fetch = new HubFetch(client, source, commit, token, folder, arrived);
        HubPlan plan = HubPlan.Of(source, paths);

        IReadOnlyList<HubFile> side = await Describe(plan.Side, source, commit, token, cancel);
        foreach (HubFile file in side)
        {
            if (file.Size > LargestSide) throw new HubException("file_too_large", $"'{file.Path}' has {file.Size} bytes; {LargestSide} are the most for such a file.");
            await fetch.Fetch(file, LargestSide, cancel);
        }
        if (plan.Side.Count > 0) await Task.Run(() => CheckText(folder), cancel); // Before what takes hours.

        IReadOnlyList<string> shards = plan.Index is null ? [plan.Weights!] : HubPlan.Shards(plan.Index, await File.ReadAllTextAsync(Path.Combine(folder, plan.Index), cancel), paths);
        IReadOnlyList<HubFile> weights = await Describe(shards, source, commit, token, cancel);
        if (weights.FirstOrDefault(file => file.Size is null) is { } unknown) throw new HubException("invalid_hub_answer", $"The hub does not say how large '{unknown.Path}' is, so it is not fetched.");
        long total = side.Sum(fetch.Has) + weights.Sum(file => file.Size!.Value), has = side.Concat(weights).Sum(fetch.Has);
        if (total > options.Value.Hub.MaxBytes) throw new HubException("repo_too_large", $"The base has {total} bytes, and FineTune:Hub:MaxBytes allows {options.Value.Hub.MaxBytes}.") { KeepsFiles = false };
        if (!disk.Takes(total - has))
            throw new HubException("insufficient_storage", $"The base needs {((total - has) >> 20) + 1} MiB on the disk beside what is kept for the database (FineTune:DiskReserveBytes), and they are not free. Free some space and register it again.");
        await found(commit, total, has);
        foreach (HubFile file in weights) await fetch.Fetch(file, file.Size!.Value, cancel);

        string model = plan.Weights is { } gguf && HubFileName.IsGguf(gguf) ? Path.Combine(folder, weights[0].Name) : folder;
        await Task.Run(() => CheckWhole(model), cancel);
        return model;
    }

    private async Task<IReadOnlyList<HubFile>> Describe(IReadOnlyList<string> paths, HubSource source, string commit, string? token, CancellationToken cancel)
    {
        var files = new HubFile[paths.Count];
        await Parallel.ForEachAsync(Enumerable.Range(0, paths.Count), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancel }, async (i, stop) =>
            files[i] = await HubRetry.Run(retry => client.Describe(source, commit, paths[i], token, retry), stop));
        return files;
    }

    private static void CheckText(string folder) => Checked(() => ModelText.Load(folder).RequireTokenizer());

    private static void CheckWhole(string path) => Checked(() =>
    {
        ModelText text = ModelText.Load(path);
        text.RequireTokenizer();
        text.CheckWeights();
    });

    private static void Checked(Action check)
    {
        try
        {
            check();
        }
        catch (Exception refused) when (refused is ModelException or TensorFileException)
        {
            throw new HubException("invalid_model", $"The repository is not a model that can be served: {refused.Message}") { KeepsFiles = false };
        }
    }
}
