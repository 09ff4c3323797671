using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats.Gguf;

namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>The text files of the Hugging Face folder that a GGUF file stands for, made of its metadata.</summary>
internal static class GgufTexts
{
    private const int MostKept = 8;

    /// <summary>Other tokens that end a turn or a text, by the names that families give them: as llama.cpp, since a file names one only.</summary>
    private static readonly HashSet<string> s_ends =
        ["<|eot_id|>", "<|im_end|>", "<|end|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>", "<end_of_turn>", "<EOT>", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>"];

    /// <summary>Making a large vocabulary's takes a second.</summary>
    private static readonly ConcurrentDictionary<(string Path, long Length, DateTime Written), Texts> s_kept = new();

    /// <summary>One of config.json, tokenizer.json, tokenizer_config.json and generation_config.json; null for others, and where the file does not say it.</summary>
    /// <exception cref="GgufException">The file cannot be used, or its architecture is not supported.</exception>
    /// <exception cref="TokenizerException">Its tokenizer is asked for, and not supported.</exception>
    public static string? Read(string path, string name)
    {
        Texts texts = Of(path);
        return name switch
        {
            "config.json" => texts.Config,
            "generation_config.json" => texts.Generation,
            "tokenizer.json" => texts.Tokenizer.Value?.Json,
            TokenizerConfig.FileName => texts.Tokenizer.Value?.Config,
            _ => null,
        };
    }

    private static Texts Of(string path)
    {
        var file = new FileInfo(path);
        var key = (path, file.Length, file.LastWriteTimeUtc);
        if (s_kept.TryGetValue(key, out Texts? texts)) return texts;
        using var checkpoint = GgufCheckpoint.Open(path);
        GgufMetadata metadata = checkpoint.Metadata;
        string? generation = Ends(metadata) is { Count: > 0 } ends ? new JsonObject { ["eos_token_id"] = ends }.ToJsonString() : null;
        if (s_kept.Count >= MostKept) s_kept.Clear();
        return s_kept[key] = new Texts(checkpoint.Config, generation, new Lazy<TokenizerFiles?>(() => GgufTokenizer.Read(metadata)));
    }

    private sealed record Texts(string Config, string? Generation, Lazy<TokenizerFiles?> Tokenizer);

    private static JsonArray Ends(GgufMetadata metadata)
    {
        var ids = new SortedSet<long>();
        foreach (string name in (string[])["eos_token_id", "eot_token_id", "eom_token_id"])
        {
            if (metadata.Values.GetValueOrDefault("tokenizer.ggml." + name)?.Value is long id) ids.Add(id);
        }
        string[] tokens = metadata.Texts("tokenizer.ggml.tokens") ?? [];
        double[] kinds = metadata.Numbers("tokenizer.ggml.token_type") ?? [];
        for (int id = 0; id < Math.Min(tokens.Length, kinds.Length); id++)
        {
            if (kinds[id] == (double)PieceKind.Control && s_ends.Contains(tokens[id])) ids.Add(id);
        }
        return [.. ids.Select(id => (JsonNode)id)];
    }
}
