using System.Text.Json;

namespace FineTuneService.Hub;

/// <summary>Which of a repository's files make a base.</summary>
/// <param name="Side">Settings, tokenizer and templates; and the weights' index, where they are in shards.</param>
/// <param name="Weights">Null where <paramref name="Index"/> names them.</param>
/// <param name="Index">Null where there is one file of weights.</param>
internal sealed record HubPlan(IReadOnlyList<string> Side, string? Weights, string? Index)
{
    private const int MostShards = 2000;

    /// <param name="paths">Of the repository.</param>
    /// <exception cref="HubException">It holds no base that is served here.</exception>
    public static HubPlan Of(HubSource source, IReadOnlyList<string> paths)
    {
        var there = new HashSet<string>(paths, StringComparer.Ordinal);
        if (source.File is { } file)
            return there.Contains(file) ? new HubPlan([], file, null) : throw new HubException("repo_not_found", $"'{source.Repo}' has no file '{file}'{Ggufs(paths)}.");
        if (!there.Contains("config.json")) throw new HubException("invalid_model", $"'{source.Repo}' has no config.json, so it is not a model in transformers' layout{Ggufs(paths)}.");
        string[] side = [.. HubFileName.Side.Where(there.Contains)];
        // The order in which transformers looks for them.
        if (there.Contains(HubFileName.Single)) return new HubPlan(side, HubFileName.Single, null);
        if (there.Contains(HubFileName.Index)) return new HubPlan([.. side, HubFileName.Index], null, HubFileName.Index);
        if (there.Contains(HubFileName.Bin)) return new HubPlan(side, HubFileName.Bin, null);
        if (there.Contains(HubFileName.BinIndex)) return new HubPlan([.. side, HubFileName.BinIndex], null, HubFileName.BinIndex);
        throw new HubException("invalid_model", $"'{source.Repo}' has neither safetensors nor pytorch_model.bin{Ggufs(paths)}.");
    }

    /// <summary>The shards that an index names.</summary>
    /// <param name="json">Its text.</param>
    /// <exception cref="HubException">It is no index, or names what lies elsewhere.</exception>
    public static IReadOnlyList<string> Shards(string index, string json, IReadOnlyList<string> paths)
    {
        string ending = index == HubFileName.Index ? ".safetensors" : ".bin";
        string[] shards;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            shards = [.. document.RootElement.GetProperty("weight_map").EnumerateObject().Select(tensor => tensor.Value.GetString() ?? "").Distinct(StringComparer.Ordinal)];
        }
        catch (Exception odd) when (odd is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new HubException("invalid_model", $"{index} is not an index of shards.") { KeepsFiles = false };
        }
        foreach (string shard in shards)
        {
            if (!HubFileName.IsShard(shard, ending)) throw new HubException("invalid_model", $"{index} names a shard '{Hosting.Errors.Clip(shard)}', which is not a {ending} file beside it.") { KeepsFiles = false };
            if (!paths.Contains(shard)) throw new HubException("invalid_model", $"{index} names a shard '{shard}', which the repository does not have.") { KeepsFiles = false };
        }
        return shards.Length is > 0 and <= MostShards ? shards : throw new HubException("invalid_model", $"{index} names {shards.Length} shards; 1 to {MostShards} are loaded.") { KeepsFiles = false };
    }

    private static string Ggufs(IReadOnlyList<string> paths) => paths.Where(HubFileName.IsGguf).Take(8).ToArray() is { Length: > 0 } files
        ? $"; name one of its GGUF files as file: {string.Join(", ", files)}" : "";
}
