using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>A tokenizer.model as tokenizer.json and tokenizer_config.json, cutting text as sentencepiece does.</summary>
internal static class SentencePieceTokenizer
{
    public const string FileName = "tokenizer.model";

    private const long LargestFile = 128 << 20;

    /// <exception cref="TokenizerException">The file is damaged, or asks for what is not supported.</exception>
    public static TokenizerFiles Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        return new FileInfo(path).Length <= LargestFile ? Convert(File.ReadAllBytes(path)) : throw new TokenizerException($"{FileName}: it is larger than {LargestFile} bytes");
    }

    /// <inheritdoc cref="Load"/>
    public static TokenizerFiles Convert(ReadOnlySpan<byte> bytes)
    {
        SentencePieceFile file = SentencePieceFile.Read(bytes);
        IReadOnlyList<VocabularyPiece> pieces = file.Pieces;
        var components = new JsonObject
        {
            ["normalizer"] = SentencePieceParts.Normalizer(file.AddDummyPrefix, file.RemoveExtraWhitespaces, file.CharsMap),
            // Llama's way, whose configurations rarely say it: a BOS and no EOS.
            ["post_processor"] = TokenizerJson.Around(file.BosId >= 0 ? file.BosId : null, null, pieces),
            ["decoder"] = SentencePieceParts.Decoder(file.AddDummyPrefix),
        };
        string json = TokenizerJson.Write(pieces, components, model =>
        {
            if (file.IsUnigram) TokenizerJson.WriteUnigram(model, pieces, file.UnknownId, file.ByteFallback);
            else TokenizerJson.WriteBpe(model, pieces, ScoredMerges.Of(pieces), Text(file.UnknownId), file.ByteFallback, ignoreMerges: false);
        }, SentencePieceParts.Normalized(file.AddDummyPrefix));
        var config = new JsonObject();
        foreach ((string name, int id) in (ReadOnlySpan<(string, int)>)[("bos_token", file.BosId), ("eos_token", file.EosId), ("unk_token", file.UnknownId), ("pad_token", file.PadId)])
        {
            if (Text(id) is { } text) config[name] = text;
        }
        return new TokenizerFiles(json, config.ToJsonString());

        string? Text(int id) => id >= 0 ? pieces[id].Text : null;
    }
}
