using System.Text;
using System.Text.Json;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Normalizers;

/// <summary>Rewrites a text before it is cut into words.</summary>
internal abstract class Normalizer
{
    public abstract AlignedText Normalize(AlignedText text);

    /// <summary>UTF-16 units that may become one; infinite where any number of them may vanish.</summary>
    public virtual double MostToOne => double.PositiveInfinity;

    /// <summary>Whether what comes out is spelled in <see cref="ByteAlphabet"/>.</summary>
    public virtual bool SpellsBytes => false;

    public string Normalize(string text) => Normalize(AlignedText.Of(text, aligned: false)).Text;

    /// <summary>Reads a component of tokenizer.json's "normalizer".</summary>
    /// <exception cref="TokenizerException">A type that is not supported.</exception>
    public static Normalizer Read(JsonElement json) => json.GetProperty("type").GetString() switch
    {
        "Sequence" => new NormalizerSequence([.. json.GetProperty("normalizers").EnumerateArray().Select(Read)]),
        "Prepend" => new PrependNormalizer(json.RequiredText("prepend")),
        "Replace" => new ReplaceNormalizer(TextPattern.Read(json.GetProperty("pattern")), json.RequiredText("content")),
        "Lowercase" => MapNormalizer.Lowercase(),
        "Strip" => new StripNormalizer(json.Flag("strip_left", absent: true), json.Flag("strip_right", absent: true)),
        "StripAccents" => FilterNormalizer.StripAccents(),
        "Nmt" => NmtNormalizer.Create(),
        "ByteLevel" => MapNormalizer.ByteLevel(),
        "BertNormalizer" => BertNormalizer.Read(json),
        "Precompiled" => PrecompiledNormalizer.Of(json.Text("precompiled_charsmap")),
        "NFC" => new UnicodeNormalizer(NormalizationForm.FormC),
        "NFD" => new UnicodeNormalizer(NormalizationForm.FormD),
        "NFKC" => new UnicodeNormalizer(NormalizationForm.FormKC),
        "NFKD" => new UnicodeNormalizer(NormalizationForm.FormKD),
        var type => throw TokenizerException.Unsupported("normalizer", type ?? "null"),
    };
}
