using System.Text.RegularExpressions;

namespace FineTuneService.Hub;

/// <summary>Which names of a repository are fetched: settings, tokenizer, templates and weights. Nothing that is code.</summary>
internal static partial class HubFileName
{
    public const string Index = "model.safetensors.index.json", Single = "model.safetensors", BinIndex = "pytorch_model.bin.index.json", Bin = "pytorch_model.bin";

    /// <summary>What goes with the weights, where it is there.</summary>
    public static readonly string[] Side =
    [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
    ];

    /// <summary>Whether a shard that an index names is a plain file beside it.</summary>
    public static bool IsShard(string name, string ending) => Plain().IsMatch(name) && name.EndsWith(ending, StringComparison.Ordinal);

    /// <summary>Whether a GGUF file's path stays within its repository.</summary>
    public static bool IsGguf(string path) =>
        path.Length <= 300 && path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && Array.TrueForAll(path.Split('/'), part => Plain().IsMatch(part));

    /// <summary>owner/name, or an old repository's name alone.</summary>
    public static bool IsRepo(string repo) => repo.Split('/') is { Length: 1 or 2 } parts && Array.TrueForAll(parts, part => part.Length <= 96 && Plain().IsMatch(part));

    /// <summary>A branch, a tag or a commit.</summary>
    public static bool IsRevision(string revision) => revision.Length <= 200 && Array.TrueForAll(revision.Split('/'), part => Plain().IsMatch(part));

    /// <summary>A name without a path, that no file system takes for anything else.</summary>
    [GeneratedRegex(@"^(?!\.)(?!.*\.\.)[A-Za-z0-9._+-]+(?<!\.)\z")]
    private static partial Regex Plain();
}
