using System.Text.Json;
using FineTuneService.Engine.Tokenizers.PreTokenizers;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>Turns tokens back into text. Each step maps a list of texts to another; the last one's are joined.</summary>
internal abstract class Decoder
{
    public abstract List<string> Decode(List<string> tokens);

    /// <summary>Reads a component of tokenizer.json's "decoder".</summary>
    /// <exception cref="TokenizerException">A type that is not supported.</exception>
    public static Decoder Read(JsonElement json) => json.GetProperty("type").GetString() switch
    {
        "Sequence" => new DecoderSequence([.. json.GetProperty("decoders").EnumerateArray().Select(Read)]),
        "ByteLevel" => new ByteLevelDecoder(),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Fuse" => new FuseDecoder(),
        "Strip" => new StripDecoder(json.RequiredCharacter("content"), json.Number("start"), json.Number("stop")),
        "Replace" => new ReplaceDecoder(TextPattern.Read(json.GetProperty("pattern")), json.RequiredText("content")),
        "Metaspace" => new MetaspaceDecoder(
            json.RequiredCharacter("replacement"), dropFirst: PrependSchemes.Read(json) != PrependScheme.Never),
        "WordPiece" => new WordPieceDecoder(json.Text("prefix") ?? "##", json.Flag("cleanup", absent: true)),
        "BPEDecoder" => new WordEndDecoder(json.Text("suffix") ?? "</w>"),
        "CTC" => new CtcDecoder(
            json.Text("pad_token") ?? "<pad>", json.Text("word_delimiter_token") ?? "|", json.Flag("cleanup", absent: true)),
        var type => throw TokenizerException.Unsupported("decoder", type ?? "null"),
    };
}
