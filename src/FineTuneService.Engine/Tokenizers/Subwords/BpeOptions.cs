using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>The switches of tokenizer.json's BPE model, by its names.</summary>
/// <param name="UnknownToken">unk_token; null: unknown characters vanish.</param>
/// <param name="FuseUnknown">fuse_unk: neighbouring unknown characters become one token.</param>
/// <param name="ByteFallback">byte_fallback: unknown characters become &lt;0xNN&gt; tokens where the vocabulary has them.</param>
/// <param name="IgnoreMerges">ignore_merges: a word of the vocabulary is taken whole before any merge.</param>
/// <param name="ContinuingPrefix">continuing_subword_prefix, "" for none.</param>
/// <param name="EndSuffix">end_of_word_suffix, "" for none.</param>
/// <param name="DropAllMerges">dropout 1: no merge is ever made.</param>
internal sealed record BpeOptions(
    string? UnknownToken, bool FuseUnknown, bool ByteFallback, bool IgnoreMerges, string ContinuingPrefix, string EndSuffix, bool DropAllMerges)
{
    /// <exception cref="TokenizerException">A dropout between 0 and 1: encoding would be random.</exception>
    public static BpeOptions Read(JsonElement json)
    {
        var dropout = json.TryGetProperty("dropout", out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0;
        if (dropout is not (0 or 1)) throw TokenizerException.Unsupported("BPE option", $"dropout {dropout}");
        return new BpeOptions(
            json.Text("unk_token"), json.Flag("fuse_unk"), json.Flag("byte_fallback"), json.Flag("ignore_merges"),
            json.Text("continuing_subword_prefix") ?? "", json.Text("end_of_word_suffix") ?? "", dropout == 1);
    }
}
